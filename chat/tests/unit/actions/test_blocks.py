"""Blocks: no direct message passes, in either direction, whoever comes first; all else stays as it was."""

from uuid import uuid4

import pytest

from accounts.actions.people import administer
from accounts.models import Role
from accounts.tests.factories import UserFactory
from chat import access
from chat.actions import blocks, groups, people
from chat.actions.conversations import open_direct
from chat.actions.messages import send_message
from chat.actions.receipts import mark, type_in
from chat.errors import Forbidden, Invalid, NotFound
from chat.models import Block, Conversation, Message, Participant
from chat.serializers import conversation_shape
from chat.tests.factories import group
from chat.tests.parallel import together


@pytest.fixture(autouse=True)
def _customers_may_write_to_anyone(settings):
    settings.CUSTOMER_CONVERSATIONS = "anyone"


@pytest.fixture
def direct(alice, bob):
    return open_direct(actor=alice, user_id=bob.pk)[0]


def block(actor, other):
    blocks.block(actor=actor, user_id=other.pk)


def unblock(actor, other):
    blocks.unblock(actor=actor, user_id=other.pk)


def say(actor, room, body="hi"):
    return send_message(actor=actor, conversation_id=room.pk, client_id=uuid4(), body=body).message


def test_while_one_blocks_the_other_neither_writes_and_both_read(alice, bob, direct):
    say(bob, direct, "before")
    block(alice, bob)

    refusals = set()
    for user in (alice, bob):
        with pytest.raises(Forbidden) as caught:
            say(user, direct)
        refusals.add(caught.value.detail)
        assert access.get_summary(user, direct.pk).last_message.body == "before"
        assert open_direct(actor=user, user_id=(bob if user == alice else alice).pk)[1] is False
        mark(actor=user, conversation_id=direct.pk, seq=1, read=True)
    assert (len(refusals), Message.objects.count()) == (1, 1)


def test_typing_shows_nothing_while_blocked(alice, bob, direct, ears):
    block(alice, bob)

    with ears.listening(), pytest.raises(Forbidden):
        type_in(actor=bob, conversation_id=direct.pk, typing=True)

    assert ears.items == []


def test_nobody_is_shown_the_block_by_the_conversation(alice, bob, direct):
    def seen():
        return [conversation_shape(access.get_summary(user, direct.pk), user).participants for user in (alice, bob)]

    before = seen()
    block(alice, bob)

    assert seen() == before


def test_twice_is_once_and_taken_back_messages_pass_again(alice, bob, direct):
    for _ in range(2):
        block(alice, bob)
    assert Block.objects.count() == 1

    for _ in range(2):
        unblock(alice, bob)

    assert (say(bob, direct).seq, say(alice, direct).seq, Block.objects.count()) == (1, 2, 0)
    assert set(Participant.objects.values_list("role", flat=True)) == {"member"}


def test_of_two_blocks_both_have_to_go(alice, bob, direct):
    block(alice, bob)
    block(bob, alice)
    unblock(alice, bob)
    with pytest.raises(Forbidden):
        say(alice, direct)

    unblock(bob, alice)

    assert say(alice, direct).seq == 1


def test_a_conversation_is_not_opened_against_a_block_and_is_after_it(alice, bob):
    block(alice, bob)

    with pytest.raises(NotFound) as caught:
        open_direct(actor=bob, user_id=alice.pk)
    with pytest.raises(Forbidden):
        open_direct(actor=alice, user_id=bob.pk)
    with pytest.raises(NotFound) as missing:
        open_direct(actor=bob, user_id=uuid4())
    assert caught.value.detail == missing.value.detail
    assert not Participant.objects.exists()

    unblock(alice, bob)
    made, created = open_direct(actor=bob, user_id=alice.pk)

    assert (created, say(bob, made).seq) == (True, 1)


def test_a_block_is_not_gone_round_by_a_group(alice, bob, tina):
    block(alice, bob)
    room = group(bob, tina)

    with pytest.raises(NotFound):
        groups.create(actor=bob, title="You and me", participant_ids=[alice.pk])
    with pytest.raises(NotFound):
        groups.add(actor=bob, conversation_id=room.pk, user_id=alice.pk)
    with pytest.raises(Forbidden):
        groups.create(actor=alice, title="Them", participant_ids=[bob.pk])


def test_in_groups_they_share_and_with_others_nothing_changes(alice, bob, tina, direct):
    room, (other, _) = group(tina, alice, bob), open_direct(actor=bob, user_id=tina.pk)
    block(alice, bob)

    assert [say(bob, room).seq, say(alice, room).seq, say(bob, other).seq] == [1, 2, 1]


def test_staff_are_blocked_by_nobody(alice, tina, sara, tom, direct):
    for user, staff in ((alice, tina), (alice, sara), (tom, tina)):
        with pytest.raises(Forbidden):
            block(user, staff)

    assert not Block.objects.exists()
    assert Conversation.objects.get() == direct


def test_staff_may_block_a_customer(alice, tina):
    made, _ = open_direct(actor=alice, user_id=tina.pk)

    block(tina, alice)

    with pytest.raises(Forbidden):
        say(alice, made)


def test_oneself_and_nobody_are_not_blocked(alice):
    for call in (blocks.block, blocks.unblock):
        with pytest.raises(Invalid) as caught:
            call(actor=alice, user_id=alice.pk)
        assert caught.value.pointer == "/user_id"
        with pytest.raises(NotFound):
            call(actor=alice, user_id=uuid4())
    assert not Conversation.objects.exists()


def test_people_one_may_not_know_of_look_missing_unless_one_has_met_them(alice, bob, tina, settings):
    settings.CUSTOMER_CONVERSATIONS = "staff"
    for call in (blocks.block, blocks.unblock):
        with pytest.raises(NotFound):
            call(actor=alice, user_id=bob.pk)

    room = group(tina, alice, bob)
    people.leave(room, bob.pk)
    block(alice, bob)

    assert Block.objects.get().blocked == bob


def test_a_closed_account_may_be_blocked_by_those_who_met_it(alice, bob, direct):
    stranger = UserFactory.create()
    bob.is_active = False
    bob.save()

    block(alice, bob)
    with pytest.raises(NotFound):
        block(stranger, bob)

    assert Block.objects.get().blocker == alice


def test_a_block_can_be_taken_back_whoever_the_other_one_is_by_now(alice, bob, direct, settings):
    block(alice, bob)
    Participant.objects.all().delete()
    settings.CUSTOMER_CONVERSATIONS = "none"

    unblock(alice, bob)

    assert not Block.objects.exists()


def test_who_becomes_staff_is_not_blocked_any_more(alice, bob, sara, direct, django_capture_on_commit_callbacks):
    block(alice, bob)
    block(bob, alice)
    unblock(bob, alice)

    with django_capture_on_commit_callbacks(execute=True):
        administer(actor=sara, user_id=bob.pk, role=Role.TRADE_ADMIN)

    assert not Block.objects.exists()
    assert say(bob, direct).seq == 1


def test_who_stays_a_customer_stays_blocked(alice, bob, sara, direct, django_capture_on_commit_callbacks):
    block(alice, bob)

    with django_capture_on_commit_callbacks(execute=True):
        administer(actor=sara, user_id=bob.pk, is_active=False)

    assert Block.objects.get().blocked == bob


@pytest.mark.django_db(transaction=True)
def test_a_block_and_the_opening_of_the_conversation_at_once_leave_no_way_open(alice, bob):
    for _ in range(6):
        together([lambda: block(alice, bob), lambda: open_direct(actor=bob, user_id=alice.pk)])

        places = list(Participant.objects.values_list("role", flat=True))
        assert places in ([], ["observer", "observer"])
        assert Conversation.objects.count() == 1
        Conversation.objects.all().delete()
        Block.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_a_message_in_the_instant_of_a_block_is_before_it_or_refused(alice, bob, direct):
    for _ in range(6):
        head = Conversation.objects.get().head

        sent, _ = together([lambda: say(bob, direct), lambda: block(alice, bob)])

        assert Conversation.objects.get().head == head + (not isinstance(sent, Forbidden))
        with pytest.raises(Forbidden):
            say(bob, direct)
        unblock(alice, bob)


@pytest.mark.django_db(transaction=True)
def test_two_who_block_and_unblock_each_other_at_once_end_as_their_blocks_are(alice, bob, direct):
    moves = [lambda: block(alice, bob), lambda: block(bob, alice)]
    moves += [lambda: unblock(alice, bob), lambda: unblock(bob, alice)]

    for _ in range(3):
        together(moves)

        expected = "observer" if Block.objects.exists() else "member"
        assert set(Participant.objects.values_list("role", flat=True)) == {expected}
