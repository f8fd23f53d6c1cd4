"""An assignee who does not answer loses the trade to somebody who is there, once it is clear, and not for ever."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from chat.actions import assignment, escalations
from chat.actions.reassignment import reassign_due
from chat.actions.trades import CANCEL, PROOF
from chat.errors import NotFound
from chat.models import AuditEntry, Presence, Trade
from chat.tests.factories import open_trade, trade_admin
from chat.tests.parallel import together
from chat.tests.unit.actions.support import ago, gone, here, move, present, said, trail

LONG = timedelta(minutes=10)


@pytest.fixture
def uma(waiting):
    """Another trade admin, who has come online meanwhile."""
    user = trade_admin(display_name="Uma")
    here(user)
    return user


@pytest.fixture
def waiting(alice, tina, trade):
    """Alice has waited for Tina for ten minutes, who went offline then."""
    here(tina)
    gone(tina, LONG)
    move(alice, trade, PROOF)
    return ago(trade, waiting_since=LONG, assigned_at=LONG, opened_at=LONG)


def test_the_trade_of_somebody_offline_moves_to_who_is_online(alice, tina, uma, waiting):
    assert reassign_due() == 1

    after = Trade.objects.get()
    assert (after.assignee, after.reassignments, after.waiting_on, after.waiting_since) == (
        uma,
        1,
        "support",
        waiting.waiting_since,
    )
    assert present(waiting.conversation) == {"Alice": "owner", "Uma": "member"}
    assert present(waiting.notes_conversation) == {"Uma": "member"}
    assert said(waiting.conversation)[-1] == "trade.assigned"
    entry = AuditEntry.objects.get(action="trade.reassigned")
    assert (entry.actor, entry.subject, entry.detail) == (
        None,
        uma,
        {"to": str(uma.pk), "was": str(tina.pk), "why": "offline"},
    )
    assert reassign_due() == 0
    with pytest.raises(NotFound):
        assignment.access.get_conversation(tina, waiting.conversation_id)


@pytest.mark.parametrize("name", ["waiting_since", "assigned_at"])
def test_not_before_a_minute_of_waiting_for_them(uma, waiting, name):
    ago(waiting, **{name: timedelta(seconds=59)})

    assert reassign_due() == 0
    assert reassign_due(timezone.now() + timedelta(seconds=2)) == 1


def test_not_before_they_have_been_offline_for_a_minute(tina, uma, waiting):
    gone(tina, timedelta(seconds=59))

    assert reassign_due() == 0
    assert reassign_due(timezone.now() + timedelta(seconds=2)) == 1


def test_somebody_who_has_just_vanished_is_offline_once_that_was_announced(tina, uma, waiting):
    Presence.objects.filter(user=tina).update(status="online")

    assert reassign_due() == 0


def test_who_was_never_here_is_offline_since_they_were_given_the_trade(tina, uma, waiting):
    Presence.objects.filter(user=tina).delete()

    assert reassign_due() == 1


def test_nothing_moves_while_it_is_the_customers_turn_or_over(alice, uma, waiting):
    Trade.objects.update(waiting_on="customer")
    assert reassign_due() == 0
    Trade.objects.update(waiting_on="support")
    move(alice, waiting, CANCEL)
    assert reassign_due() == 0


def test_where_nobody_else_is_online_it_stays(tina, waiting):
    trade_admin()

    assert reassign_due() == 0
    assert Trade.objects.get().assignee == tina


def test_where_the_others_are_full_it_goes_back_to_the_queue_and_to_who_comes_first(alice, tina, uma, waiting):
    User.objects.filter(pk=uma.pk).update(capacity=0)

    assert reassign_due() == 1

    queued = Trade.objects.get()
    assert (queued.assignee, queued.released_by, queued.reassignments) == (None, None, 1)
    assert (said(waiting.conversation)[-1], trail(waiting)[-1]) == ("trade.queued", "trade.reassigned")
    here(tina)
    assert (assignment.drain_queue(), Trade.objects.get().assignee) == (1, tina)


def test_who_is_silent_beyond_the_limit_loses_it_and_does_not_get_it_back_at_once(tina, uma, waiting):
    here(tina)
    User.objects.filter(pk=uma.pk).update(capacity=0)
    assert reassign_due() == 0
    ago(waiting, waiting_since=timedelta(minutes=16), assigned_at=timedelta(minutes=16))

    assert reassign_due() == 1

    assert Trade.objects.get().released_by == tina
    assert AuditEntry.objects.get(action="trade.reassigned").detail["why"] == "silent"
    assert assignment.drain_queue() == 0


def test_whoever_got_it_lately_has_the_whole_limit_to_answer(tina, uma, waiting):
    here(tina)
    ago(waiting, waiting_since=timedelta(hours=1), assigned_at=timedelta(minutes=14))

    assert reassign_due() == 0


def test_silence_is_not_held_against_somebody_while_a_super_admin_has_taken_it(tina, uma, sara, waiting):
    here(tina)
    ago(waiting, waiting_since=timedelta(hours=1), assigned_at=timedelta(hours=1))
    escalation = escalations.escalate(actor=tina, trade_id=waiting.pk, reason="odd")
    escalations.take(actor=sara, escalation_id=escalation.pk)

    assert reassign_due() == 0


def test_two_who_are_not_there_do_not_pass_a_trade_back_and_forth(tina, uma, waiting):
    assert reassign_due() == 1
    gone(uma, LONG)
    ago(waiting, assigned_at=LONG)

    assert reassign_due() == 0
    assert Trade.objects.get().assignee == uma


@pytest.mark.django_db(transaction=True)
def test_moving_on_twice_at_once_moves_each_trade_once(alice, tina, uma, waiting):
    second = open_trade(alice)
    move(alice, second, PROOF)
    Trade.objects.filter(pk=second.pk).update(assignee=tina, queued_at=None)
    ago(second, waiting_since=LONG, assigned_at=LONG)

    counts = together([reassign_due] * 3)

    assert sum(counts) == 2
    assert [said(each.conversation).count("trade.assigned") for each in (waiting, second)] == [2, 2]
