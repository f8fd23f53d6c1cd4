"""The workflow's statements mean the same on SQLite: turns, clocks, moving on, the queue's pace, a dispute."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import Role, User
from accounts.tests.factories import UserFactory
from chat.actions import breakglass, clocks, escalations, ratings, reassignment
from chat.actions.messages import Draft, send_messages
from chat.actions.trades import DISPUTE, PROOF
from chat.enums import TradeStatus
from chat.models import Trade
from chat.tests.factories import open_trade, trade_admin
from chat.tests.unit.actions.support import ago, gone, here, move, said

pytestmark = pytest.mark.usefixtures("on_sqlite")


@pytest.fixture
def alice() -> User:
    return UserFactory.create(display_name="Alice")


@pytest.fixture
def tina() -> User:
    return trade_admin(display_name="Tina")


def say(trade, *actors):
    send_messages([Draft(actor.pk, trade.conversation_id, uuid4(), "hi") for actor in actors])
    return Trade.objects.get(pk=trade.pk)


def test_messages_turn_a_trade(alice, tina):
    trade = open_trade(alice)

    asked = say(trade, alice)
    assert (asked.waiting_on, asked.first_response_at) == ("support", None)
    assert say(trade, alice).waiting_since == asked.waiting_since
    both = say(trade, tina, alice)
    assert (both.waiting_on, both.first_response_at) == ("support", both.waiting_since)
    assert both.waiting_since > asked.waiting_since
    answered = say(trade, tina)
    assert (answered.waiting_on, answered.first_response_at) == ("customer", both.first_response_at)
    send_messages([Draft(tina.pk, trade.notes_conversation_id, uuid4(), "a note")])


def test_a_closed_trade_is_nobodys_turn(alice, tina):
    trade = open_trade(alice)
    Trade.objects.filter(pk=trade.pk).update(status="cancelled", waiting_on="nobody")

    assert say(trade, alice).waiting_on == "nobody"


def test_clocks_run_and_trades_move_on(alice, tina):
    trade = open_trade(alice)
    since = say(trade, alice).waiting_since
    uma = trade_admin()
    here(uma)
    gone(tina, timedelta(minutes=5))
    ago(trade, waiting_since=timedelta(minutes=5), assigned_at=timedelta(minutes=5))

    assert clocks.watch(since + timedelta(minutes=4)) == 1
    assert reassignment.reassign_due() == 1
    assert escalations.raise_overdue(timezone.now() + timedelta(hours=1)) == 1
    assert Trade.objects.get().assignee == uma


def test_a_dispute_runs_its_course(alice, tina):
    sara = UserFactory.create(role=Role.SUPER_ADMIN)
    trade = open_trade(alice)
    move(alice, trade, PROOF)
    breakglass.join(actor=sara, trade_id=trade.pk, reason="looking")
    move(alice, trade, DISPUTE, "I have paid")
    escalation = escalations.take(actor=sara, escalation_id=trade.escalations.get().pk)
    escalations.resolve(actor=sara, escalation_id=escalation.pk, decision=TradeStatus.COMPLETED, reason="it is there")
    ratings.rate(actor=alice, trade_id=trade.pk, rating=5)

    assert said(trade.conversation)[2:] == [
        "trade.proof_submitted",
        "trade.disputed",
        "escalation.taken",
        "trade.resolved",
    ]


def test_the_pace_of_the_queue(alice, tina):
    for _ in range(4):
        over = open_trade(alice)
        Trade.objects.filter(pk=over.pk).update(status="completed", closed_at=timezone.now())
    User.objects.filter(pk=tina.pk).update(availability="away")

    assert open_trade(alice).expected_wait == timedelta(minutes=15)
