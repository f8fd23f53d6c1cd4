"""Who looks after a trade: given out by room and load, taken by the first, handed over and put back with a note."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.actions.people import administer
from accounts.models import Availability, Role, User
from accounts.tests.factories import UserFactory
from chat import access
from chat.actions import assignment, trades
from chat.actions.assignment import hand_over
from chat.actions.messages import send_message
from chat.errors import Conflict, Forbidden, Invalid, NotFound
from chat.models import Participant, Trade
from chat.tests.factories import busy_admin, open_trade, trade_admin
from chat.tests.parallel import together


def present(conversation_id):
    rows = Participant.objects.current().filter(conversation=conversation_id)
    return set(rows.values_list("user", flat=True))


def events(trade):
    return list(trade.conversation.messages.order_by("seq").values_list("data__event", flat=True))


def test_a_new_trade_goes_to_whoever_has_the_fewest(alice):
    loaded, free = trade_admin(), trade_admin()
    Trade.objects.filter(pk=open_trade(alice).pk).update(assignee=loaded)
    User.objects.update(last_assigned_at=None)

    assert open_trade(alice).assignee == free


def test_among_equals_it_goes_to_who_has_had_none_for_longest(alice):
    now = timezone.now()
    trade_admin(last_assigned_at=now)
    longest = trade_admin(last_assigned_at=now - timedelta(hours=1))
    never = trade_admin()

    assert [open_trade(alice).assignee, open_trade(alice).assignee] == [never, longest]


def test_finished_trades_do_not_count_as_load(alice, tina):
    tina.capacity = 1
    tina.save()
    first = open_trade(alice)
    trades.make_move(actor=alice, trade_id=first.pk, move=trades.CANCEL)

    assert open_trade(alice).assignee == tina


@pytest.mark.parametrize(
    "fields",
    [
        {"availability": Availability.BUSY},
        {"availability": Availability.AWAY},
        {"capacity": 0},
        {"is_active": False},
        {"role": Role.SUPER_ADMIN},
        {"role": Role.CUSTOMER},
    ],
)
def test_nobody_else_is_given_a_trade(alice, tina, fields):
    User.objects.filter(pk=tina.pk).update(**fields)

    trade = open_trade(alice)

    assert (trade.assignee, trade.queued_at, trade.ahead_in_queue) == (None, trade.opened_at, 0)
    assert events(trade) == ["trade.opened", "trade.queued"]
    assert present(trade.conversation_id) == {alice.pk}


def test_the_queue_is_told_to_staff(alice, tom, sara, ears):
    with ears.listening():
        open_trade(alice)

    assert ears.frames("queue.updated") == [{"type": "queue.updated", "waiting": 1, "oldest_wait_s": 0}]
    assert {person for item in ears.of("users") for person in item[0]} == {str(tom.pk), str(sara.pk)}


def test_the_assignee_enters_both_conversations_and_the_customer_is_told(alice, tina, trade):
    assert present(trade.conversation_id) == {alice.pk, tina.pk}
    assert present(trade.notes_conversation_id) == {tina.pk}
    assert trade.conversation.messages.order_by("-seq")[0].body == "Tina from support is looking after this trade."


def test_draining_gives_out_the_longest_waiting_first_while_there_is_room(alice, tina):
    User.objects.filter(pk=tina.pk).update(availability="busy", capacity=2)
    waiting = [open_trade(alice) for _ in range(3)]
    assert [Trade.objects.complete().get(pk=trade.pk).ahead_in_queue for trade in waiting] == [0, 1, 2]
    User.objects.filter(pk=tina.pk).update(availability="available")

    assert (assignment.drain_queue(), assignment.drain_queue()) == (2, 0)

    assert list(Trade.objects.queued()) == [waiting[2]]
    assert events(waiting[0]) == ["trade.opened", "trade.queued", "trade.assigned"]


def test_taking_claims_a_queued_trade(alice, tom):
    queued = open_trade(alice)

    taken = assignment.take(actor=tom, trade_id=queued.pk)

    assert (taken.assignee, taken.queued_at, present(taken.conversation_id)) == (tom, None, {alice.pk, tom.pk})
    assert events(queued)[-1] == "trade.assigned"


def test_what_is_not_in_the_queue_cannot_be_taken(alice, tom, trade):
    with pytest.raises(Conflict):
        assignment.take(actor=tom, trade_id=trade.pk)
    with pytest.raises(NotFound):
        assignment.take(actor=tom, trade_id=uuid4())
    with pytest.raises(Forbidden):
        assignment.take(actor=alice, trade_id=trade.pk)


def test_a_cancelled_trade_cannot_be_taken(alice, tom):
    queued = open_trade(alice)
    trades.make_move(actor=alice, trade_id=queued.pk, move=trades.CANCEL)

    with pytest.raises(Conflict):
        assignment.take(actor=tom, trade_id=queued.pk)


def test_handing_over_moves_the_seats_and_leaves_a_note_for_staff_only(alice, tina, tom, trade, ears):
    with ears.listening():
        handed = assignment.hand_over(actor=tina, trade_id=trade.pk, admin_id=tom.pk, note="speaks German")

    assert (handed.assignee, present(trade.conversation_id)) == (tom, {alice.pk, tom.pk})
    assert present(trade.notes_conversation_id) == {tom.pk}
    assert list(trade.notes_conversation.messages.values_list("sender", "body")) == [(tina.pk, "speaks German")]
    assert not trade.conversation.messages.filter(body__contains="German").exists()
    places = [str(trade.conversation_id), str(trade.notes_conversation_id)]
    assert sorted(ears.of("left")) == sorted([place, str(tina.pk)] for place in places)
    assert sorted(ears.of("joined")) == sorted([place, str(tom.pk)] for place in places)


def test_handing_over_to_who_has_it_changes_nothing(tina, trade):
    assignment.hand_over(actor=tina, trade_id=trade.pk, admin_id=tina.pk, note="mine")

    assert events(trade) == ["trade.opened", "trade.assigned"]
    assert trade.notes_conversation.messages.count() == 0


def test_a_super_admin_gives_out_a_queued_trade_and_keeps_their_own_seat(alice, tom, sara, ears):
    queued = open_trade(alice)

    with ears.listening():
        assignment.hand_over(actor=sara, trade_id=queued.pk, admin_id=sara.pk, note="I look")
        assignment.hand_over(actor=sara, trade_id=queued.pk, admin_id=tom.pk)

    assert present(queued.notes_conversation_id) == {sara.pk, tom.pk}
    assert present(queued.conversation_id) == {alice.pk, tom.pk}
    assert ears.frames("queue.updated")[0]["waiting"] == 0


def test_only_active_colleagues_are_handed_a_trade(alice, bob, tina, tom, trade):
    User.objects.filter(pk=tom.pk).update(is_active=False)

    for nobody in (alice.pk, bob.pk, tom.pk, uuid4()):
        with pytest.raises(Invalid) as caught:
            assignment.hand_over(actor=tina, trade_id=trade.pk, admin_id=nobody)
        assert caught.value.pointer == "/admin_id"


def test_a_note_that_nobody_can_read_is_refused_and_nothing_changes(tina, tom, trade):
    with pytest.raises(Invalid):
        assignment.hand_over(actor=tina, trade_id=trade.pk, admin_id=tom.pk, note=" ")

    assert Trade.objects.get().assignee == tina


def test_colleagues_and_customers_hand_nothing_over(alice, bob, tom, trade):
    for actor, refusal in ((tom, Forbidden), (alice, Forbidden), (bob, NotFound)):
        with pytest.raises(refusal):
            assignment.hand_over(actor=actor, trade_id=trade.pk, admin_id=tom.pk)
        with pytest.raises(refusal):
            assignment.release(actor=actor, trade_id=trade.pk)


def test_releasing_puts_a_trade_behind_those_that_wait_and_not_to_the_same_admin(alice, tina, trade):
    User.objects.filter(pk=tina.pk).update(capacity=1)
    ahead = open_trade(alice)

    released = assignment.release(actor=tina, trade_id=trade.pk, note="on holiday")

    assert (released.assignee, released.released_by, released.ahead_in_queue) == (None, tina, 1)
    assert list(Trade.objects.queued()) == [ahead, trade]
    assert present(trade.conversation_id) == {alice.pk}
    assert present(trade.notes_conversation_id) == set()
    assert (assignment.drain_queue(), list(Trade.objects.queued())) == (1, [trade])


def test_a_released_trade_may_be_taken_back_by_hand(tina, trade):
    assignment.release(actor=tina, trade_id=trade.pk)

    taken = assignment.take(actor=tina, trade_id=trade.pk)

    assert (taken.assignee, taken.released_by) == (tina, None)


def test_what_waits_already_cannot_be_released(alice, sara):
    with pytest.raises(Conflict, match="queue already"):
        assignment.release(actor=sara, trade_id=open_trade(alice).pk)


def test_a_finished_trade_is_neither_handed_over_nor_released(alice, tina, tom, trade):
    trades.make_move(actor=alice, trade_id=trade.pk, move=trades.CANCEL)

    with pytest.raises(Conflict, match="over"):
        assignment.hand_over(actor=tina, trade_id=trade.pk, admin_id=tom.pk)
    with pytest.raises(Conflict, match="over"):
        assignment.release(actor=tina, trade_id=trade.pk)


def test_a_promoted_customer_is_never_given_their_own_trade(alice):
    queued = open_trade(alice)
    User.objects.filter(pk=alice.pk).update(role=Role.TRADE_ADMIN)

    assert assignment.drain_queue() == 0
    assert list(Trade.objects.queued()) == [queued]


@pytest.mark.django_db(transaction=True)
def test_of_admins_who_take_at_once_one_wins_and_the_others_get_conflict(alice):
    queued = open_trade(alice)
    admins = [busy_admin() for _ in range(4)]

    outcomes = together([lambda admin=admin: assignment.take(actor=admin, trade_id=queued.pk) for admin in admins])

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict"] * 3 + ["Trade"]
    assert events(queued) == ["trade.opened", "trade.queued", "trade.assigned"]


@pytest.mark.django_db(transaction=True)
def test_draining_many_times_at_once_gives_each_trade_out_once(alice):
    waiting = [open_trade(alice) for _ in range(4)]
    admin = trade_admin(capacity=3)

    counts = together([assignment.drain_queue] * 4)

    assert sum(counts) == Trade.objects.filter(assignee=admin).count() == 3
    assert sum(events(trade).count("trade.assigned") for trade in waiting) == 3


@pytest.mark.django_db(transaction=True)
def test_taking_a_trade_while_it_is_drained_leaves_one_assignee(alice, tom):
    queued = open_trade(alice)
    admin = trade_admin()

    took, drained = together([lambda: assignment.take(actor=tom, trade_id=queued.pk), assignment.drain_queue])

    holder = Trade.objects.get().assignee
    assert (holder == tom, holder == admin) == (isinstance(took, Trade), drained == 1)
    assert events(queued) == ["trade.opened", "trade.queued", "trade.assigned"]


@pytest.mark.parametrize("change", [{"role": "customer"}, {"is_active": False}])
def test_who_is_no_admin_any_more_loses_trades_chats_and_notes(
    alice, tina, sara, change, django_capture_on_commit_callbacks
):
    trade = open_trade(alice)
    over = open_trade(alice)
    Trade.objects.filter(pk=over.pk).update(status="cancelled")

    with django_capture_on_commit_callbacks(execute=True):
        administer(actor=sara, user_id=tina.pk, **change)

    trade.refresh_from_db()
    assert (trade.assignee, trade.queued_at is None, trade.released_by) == (None, False, tina)
    assert not Participant.objects.current().filter(user=tina).exists()
    assert Participant.objects.current().filter(user=alice).count() == 2


def test_a_super_admin_who_becomes_an_admin_leaves_notes_of_others_only(
    alice, tina, sara, django_capture_on_commit_callbacks
):
    others = open_trade(alice)
    mine = open_trade(alice)
    hand_over(actor=sara, trade_id=mine.pk, admin_id=sara.pk)
    for trade in (mine, others):
        send_message(actor=sara, conversation_id=trade.notes_conversation_id, client_id=uuid4(), body="looking")
    root = UserFactory.create(role=Role.SUPER_ADMIN)

    with django_capture_on_commit_callbacks(execute=True):
        administer(actor=root, user_id=sara.pk, role="trade_admin")

    places = Participant.objects.current().filter(user=sara).values_list("conversation", flat=True)
    assert set(places) == {mine.conversation_id, mine.notes_conversation_id}


def test_staff_are_told_of_a_trade_once_however_many_they_had(alice, sara, tina):
    for _ in range(3):
        hand_over(actor=sara, trade_id=open_trade(alice).pk, admin_id=sara.pk)

    told = list(access.staff_of(open_trade(alice), access.staff_roles()))

    assert sorted(told) == sorted({sara.pk, tina.pk})


@pytest.mark.django_db(transaction=True)
def test_a_trade_whose_row_is_held_does_not_stop_those_behind_it(alice):
    held, free = open_trade(alice), open_trade(alice)
    locked, done = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            Trade.objects.select_for_update().get(pk=held.pk)
            locked.set()
            done.wait(20)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(5)
    expired = trades.expire_due(timezone.now() + timedelta(days=30))
    done.set()
    holder.join(5)

    assert expired == 1
    assert Trade.objects.get(pk=free.pk).status == "expired"
    assert Trade.objects.get(pk=held.pk).status == "pending"
