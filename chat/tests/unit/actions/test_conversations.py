"""Direct conversations: one per pair, whoever opens it; and what each keeps for themselves."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Role, User
from chat.actions import people
from chat.actions.conversations import keep, open_direct
from chat.errors import Invalid, NotFound
from chat.models import Conversation, Participant
from chat.tests.factories import group
from chat.tests.parallel import on_its_own_connection, together, wait_until_blocked


def test_a_direct_conversation_is_the_same_from_both_sides(alice, tina, ears):
    with ears.listening():
        made, created = open_direct(actor=alice, user_id=tina.pk)

    again, created_again = open_direct(actor=tina, user_id=alice.pk)

    assert (created, created_again, again.pk, made.kind, made.title) == (True, False, made.pk, "direct", "")
    assert {participant.user for participant in made.present} == {alice, tina}
    assert sorted(ears.of("joined")) == sorted([str(made.pk), str(user.pk)] for user in (alice, tina))


def test_nobody_talks_with_themselves(alice):
    with pytest.raises(Invalid) as caught:
        open_direct(actor=alice, user_id=alice.pk)

    assert caught.value.pointer == "/user_id"


@pytest.mark.parametrize(
    ("allowed", "to_staff", "to_customers"), [("none", False, False), ("staff", True, False), ("anyone", True, True)]
)
def test_whom_customers_may_write_to_is_a_setting(alice, bob, tina, settings, allowed, to_staff, to_customers):
    settings.CUSTOMER_CONVERSATIONS = allowed

    for other, may in ((tina, to_staff), (bob, to_customers)):
        if may:
            assert open_direct(actor=alice, user_id=other.pk)[1]
        else:
            with pytest.raises(NotFound):
                open_direct(actor=alice, user_id=other.pk)


def test_staff_write_to_anybody_who_is_there(alice, tina, tom, settings):
    settings.CUSTOMER_CONVERSATIONS = "none"
    tom.is_active = False
    tom.save()

    assert open_direct(actor=tina, user_id=alice.pk)[1]
    for nobody in (tom.pk, uuid4()):
        with pytest.raises(NotFound):
            open_direct(actor=tina, user_id=nobody)


def test_who_left_a_direct_conversation_does_not_get_another(alice, tina):
    made, _ = open_direct(actor=alice, user_id=tina.pk)
    people.leave(made, alice.pk)

    with pytest.raises(NotFound):
        open_direct(actor=alice, user_id=tina.pk)


def test_each_keeps_a_conversation_in_their_own_way(alice, bob):
    conversation = group(alice, bob)
    until = timezone.now() + timedelta(hours=1)

    keep(actor=alice, conversation_id=conversation.pk, muted_until=until, archived=True)

    hers, his = (Participant.objects.get(user=user) for user in (alice, bob))
    assert (hers.muted_until, hers.archived_at is not None) == (until, True)
    assert (his.muted_until, his.archived_at) == (None, None)


def test_what_is_not_given_stays(alice):
    conversation = group(alice)
    keep(actor=alice, conversation_id=conversation.pk, muted_until=timezone.now(), archived=True)
    before = Participant.objects.values().get()

    keep(actor=alice, conversation_id=conversation.pk)
    keep(actor=alice, conversation_id=conversation.pk, archived=True)

    assert Participant.objects.values().get() == before


def test_muting_and_archiving_are_undone(alice):
    conversation = group(alice)
    keep(actor=alice, conversation_id=conversation.pk, muted_until=timezone.now(), archived=True)

    keep(actor=alice, conversation_id=conversation.pk, muted_until=None, archived=False)

    place = Participant.objects.get()
    assert (place.muted_until, place.archived_at) == (None, None)


def test_strangers_keep_nothing(alice, bob):
    with pytest.raises(NotFound):
        keep(actor=bob, conversation_id=group(alice).pk, archived=True)


def test_who_only_looks_at_notes_has_nothing_to_keep(sara, trade):
    with pytest.raises(NotFound):
        keep(actor=sara, conversation_id=trade.notes_conversation_id, archived=True)


@pytest.mark.django_db(transaction=True)
def test_opened_from_both_sides_at_once_it_is_one_conversation(alice, tina):
    calls = [lambda a=a, b=b: open_direct(actor=a, user_id=b.pk) for a, b in ((alice, tina), (tina, alice))] * 3

    outcomes = together(calls)

    assert {conversation.pk for conversation, _ in outcomes} == {Conversation.objects.get().pk}
    assert sorted(created for _, created in outcomes) == [False] * 5 + [True]
    assert Participant.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_who_opens_it_while_the_other_one_does_gets_the_same(alice, tina):
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            made, _ = open_direct(actor=alice, user_id=tina.pk)
            waiting = pool.submit(on_its_own_connection, lambda: open_direct(actor=tina, user_id=alice.pk))
            wait_until_blocked()
        again, created = waiting.result(10)

    assert (again.pk, created) == (made.pk, False)


@pytest.mark.django_db(transaction=True)
def test_somebody_whose_account_is_gone_opens_nothing(tina):
    gone = User(role=Role.TRADE_ADMIN)

    with pytest.raises(NotFound):
        open_direct(actor=gone, user_id=tina.pk)

    assert not Conversation.objects.exists()
