"""The door: who gets which conversation and trade, and what a refusal gives away (nothing)."""

from uuid import uuid4

import pytest

from accounts.models import Role
from accounts.tests.factories import UserFactory
from chat import access
from chat.access import Right
from chat.actions import assignment, people, trades
from chat.actions.messages import send_message
from chat.enums import ParticipantRole
from chat.errors import ConversationClosed, Forbidden, NotFound
from chat.models import Participant, Trade
from chat.serializers import full_message
from chat.tests.factories import group, open_trade


def words(call, *args):
    with pytest.raises(NotFound) as caught:
        call(*args)
    return caught.value.detail


def close(trade):
    trades.make_move(actor=trade.customer, trade_id=trade.pk, move=trades.CANCEL)
    return Trade.objects.get(pk=trade.pk)


def test_people_get_the_conversations_they_take_part_in(alice, tina, trade):
    assert access.get_conversation(alice, trade.conversation_id).pk == trade.conversation_id
    assert access.get_participant(tina, trade.notes_conversation_id).role == ParticipantRole.MEMBER
    assert access.get_participant(alice, trade.conversation_id).role == ParticipantRole.OWNER


def test_a_strangers_id_and_a_missing_one_look_the_same(bob, trade):
    assert words(access.get_conversation, bob, trade.conversation_id) == words(access.get_conversation, bob, uuid4())
    assert words(access.get_trade, bob, trade.pk) == words(access.get_trade, bob, uuid4())
    assert words(access.get_summary, bob, trade.conversation_id) == words(access.get_summary, bob, uuid4())


def test_who_has_left_is_a_stranger(alice, bob):
    conversation = group(alice, bob)
    people.leave(conversation, bob.pk)

    words(access.get_conversation, bob, conversation.pk)
    words(access.get_summary, bob, conversation.pk)


def test_the_customer_never_sees_the_notes(alice, trade):
    words(access.get_conversation, alice, trade.notes_conversation_id)


def test_a_super_admin_reads_the_notes_of_any_trade_without_a_place_in_them(sara, trade):
    place = access.get_participant(sara, trade.notes_conversation_id)

    assert (place.pk, place.role, place.conversation_id) == (None, "member", trade.notes_conversation_id)
    words(access.get_conversation, sara, trade.conversation_id)


def test_admins_read_the_notes_of_a_queued_trade_and_lose_them_once_it_is_given_out(alice, tom):
    trade = open_trade(alice)
    assert access.get_participant(tom, trade.notes_conversation_id).pk is None

    assignment.take(actor=UserFactory.create(role=Role.TRADE_ADMIN), trade_id=trade.pk)

    words(access.get_participant, tom, trade.notes_conversation_id)


def test_who_was_promoted_sees_no_notes_about_themselves(alice, trade):
    alice.role = Role.SUPER_ADMIN
    alice.save()

    words(access.get_participant, alice, trade.notes_conversation_id)


def test_a_message_comes_with_its_conversation_only(alice, bob, trade):
    sent = send_message(actor=alice, conversation_id=trade.conversation_id, client_id=uuid4(), body="hi")

    assert full_message(access.get_message(alice, sent.message.pk)) == full_message(sent.message)
    assert words(access.get_message, bob, sent.message.pk) == words(access.get_message, bob, uuid4())


def test_trades_are_seen_by_their_customer_their_assignee_and_super_admins(alice, bob, tina, tom, sara, trade):
    assert [access.get_trade(user, trade.pk).pk for user in (alice, tina, sara)] == [trade.pk] * 3
    for user in (bob, tom):
        words(access.get_trade, user, trade.pk)


def test_a_queued_trade_is_seen_by_all_staff(alice, tom, sara):
    queued = open_trade(alice)

    assert [access.get_trade(user, queued.pk).pk for user in (tom, sara)] == [queued.pk] * 2


RIGHTS = {
    Right.SUBMIT_PROOF: {"alice"},
    Right.CANCEL: {"alice", "tina"},
    Right.DECIDE: {"tina", "sara"},  # she in a dispute, or what she has taken
    Right.TAKE: {"tina", "tom", "sara"},
    Right.HAND_OVER: {"tina", "sara"},
    Right.DISPUTE: {"alice"},
    Right.ESCALATE: {"alice", "tina"},
    Right.JUDGE: {"sara"},
    Right.JOIN: {"sara"},
    Right.RATE: {"alice"},
    Right.LOOK_BACK: {"tina", "tom", "sara"},
}


@pytest.mark.parametrize("right", Right)
def test_each_right_is_for_those_in_the_table(right, alice, bob, tina, tom, sara, trade):
    personas = {"alice": alice, "bob": bob, "tina": tina, "tom": tom, "sara": sara}

    allowed = set()
    for name, person in personas.items():
        try:
            access.require(person, right, trade)
        except Forbidden:
            continue
        allowed.add(name)

    assert allowed == RIGHTS[right]


@pytest.mark.parametrize("role", [Role.TRADE_ADMIN, Role.SUPER_ADMIN])
@pytest.mark.parametrize("right", [Right.DECIDE, Right.TAKE, Right.HAND_OVER, Right.JUDGE, Right.JOIN])
def test_nobody_decides_about_their_own_trade_once_promoted(role, right, alice, trade):
    alice.role = role
    trade.assignee = alice

    with pytest.raises(Forbidden):
        access.require(alice, right, trade)


def test_staff_learn_from_a_refusal_that_a_trade_exists_and_customers_do_not(bob, tom, trade):
    with pytest.raises(Forbidden):
        access.lock_trade(tom, trade.pk, Right.DECIDE)
    with pytest.raises(NotFound):
        access.lock_trade(bob, trade.pk, Right.SUBMIT_PROOF)
    with pytest.raises(NotFound):
        access.lock_trade(tom, uuid4(), Right.DECIDE)


@pytest.mark.parametrize("role", ["owner", "moderator", "member"])
def test_everybody_but_observers_may_write_while_it_is_open(role):
    access.check_may_write(role, is_closed=False)

    with pytest.raises(Forbidden):
        access.check_may_write("observer", is_closed=False)


def test_in_a_closed_conversation_nobody_writes(alice, trade):
    closed = close(trade).conversation

    for role in ParticipantRole:
        with pytest.raises(ConversationClosed):
            access.check_may_write(role, is_closed=closed.is_closed)


def test_summaries_hold_all_that_is_shown_of_ones_own(alice, tina, trade):
    send_message(actor=tina, conversation_id=trade.conversation_id, client_id=uuid4(), body="hello")

    [mine] = access.summaries(alice)

    assert (mine.pk, mine.trade_id, mine.unread, mine.last_message.body) == (
        trade.conversation_id,
        trade.pk,
        1,
        "hello",
    )
    assert [participant.user for participant in mine.present] == [alice, tina]
    assert {summary.trade_id for summary in access.summaries(tina)} == {trade.pk}


def test_those_who_left_are_not_shown(alice, bob, tina):
    conversation = group(alice, bob, tina)
    people.leave(conversation, tina.pk)

    assert [participant.user for participant in access.get_summary(alice, conversation.pk).present] == [alice, bob]


def test_an_assigned_trade_is_told_to_its_assignee_and_super_admins(tina, tom, sara, trade):
    assert set(access.staff_of(trade, access.staff_roles())) == {tina.pk, sara.pk}


def test_a_queued_trade_is_told_to_all_staff_and_a_finished_one_no_longer(alice, tom, sara):
    queued = open_trade(alice)
    assert set(access.staff_of(queued, access.staff_roles())) == {tom.pk, sara.pk}

    assert set(access.staff_of(close(queued), access.staff_roles())) == {sara.pk}


def test_a_promoted_customer_is_not_told_of_their_own_trade(alice, sara, trade):
    alice.role = Role.SUPER_ADMIN
    alice.save()

    assert alice.pk not in set(access.staff_of(trade, access.staff_roles()))


def test_an_observer_who_was_stored_as_such_stays_one(alice, bob):
    conversation = group(alice)
    people.enter(conversation, bob, ParticipantRole.OBSERVER)

    assert access.get_participant(bob, conversation.pk).role == "observer"
    assert Participant.objects.get(user=bob).left_at is None
