"""A customer who disputes a trade: what may be disputed until when, and who looks after it then."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.ids import new_id
from accounts.models import Role, User
from chat.actions import assignment
from chat.actions.messages import send_message
from chat.actions.trades import APPROVE, CANCEL, DISPUTE, PROOF, expire_due
from chat.errors import Conflict, Forbidden, Invalid
from chat.models import Conversation, Escalation, Trade
from chat.tests.factories import open_trade, trade_admin
from chat.tests.unit.actions.support import ago, disputed, move, present, rejected, said, trail


def test_a_rejected_trade_comes_back_to_who_rejected_it_and_opens_again(alice, tina, trade):
    back = disputed(trade)

    assert (back.status, back.assignee, back.waiting_on, back.closed_at) == ("disputed", tina, "support", None)
    assert back.disputed_at is not None
    assert back.decision_reason == "no money came"
    assert not Conversation.objects.get(pk=trade.conversation_id).is_closed
    send_message(actor=alice, conversation_id=trade.conversation_id, client_id=new_id(), body="look again")


def test_a_dispute_is_one_system_message_with_its_escalation(alice, trade, ears, sara, tina):
    rejected(trade)
    with ears.listening():
        move(alice, trade, DISPUTE, "I have paid")

    escalation = Escalation.objects.get()
    message = trade.conversation.messages.order_by("-seq")[0]
    assert said(trade.conversation)[-2:] == ["trade.rejected", "trade.disputed"]
    assert (message.data["trade"]["status"], message.data["reason"]) == ("disputed", "I have paid")
    assert message.data["escalation"]["id"] == str(escalation.pk)
    assert (escalation.raised_by, escalation.reason, escalation.status) == (alice, "I have paid", "open")
    assert trail(trade)[-2:] == ["escalation.opened", "trade.disputed"]
    [frame] = ears.frames("escalation.updated")
    assert (frame["escalation"]["trade"], frame["escalation"]["status"]) == (str(trade.pk), "open")
    told = [item[0] for item in ears.of("users") if "escalation.updated" in item[1]]
    assert [set(people) for people in told] == [{str(sara.pk), str(tina.pk)}]


@pytest.mark.parametrize("steps", [(), (PROOF,)])
def test_an_open_trade_may_be_disputed_and_keeps_its_assignee(alice, tina, trade, steps):
    for step in steps:
        move(alice, trade, step)
    with pytest.raises(Forbidden):
        move(tina, trade, DISPUTE)

    again = move(alice, trade, DISPUTE)

    assert (again.status, again.assignee, again.queued_at) == ("disputed", tina, None)


def test_a_queued_trade_stays_in_the_queue_when_it_is_disputed(alice):
    queued = open_trade(alice)

    again = move(alice, queued, DISPUTE)

    assert (again.status, again.queued_at, again.assignee) == ("disputed", queued.queued_at, None)


def test_what_was_completed_may_be_disputed_for_a_day(alice, tina, trade):
    move(alice, trade, PROOF)
    move(tina, trade, APPROVE)
    ago(trade, closed_at=timedelta(hours=24, seconds=1))
    with pytest.raises(Conflict, match="too late"):
        move(alice, trade, DISPUTE)
    ago(trade, closed_at=timedelta(hours=23, minutes=59))

    assert move(alice, trade, DISPUTE).status == "disputed"


def test_what_was_rejected_may_be_disputed_at_any_time(alice, trade):
    rejected(trade)
    ago(trade, closed_at=timedelta(days=90))

    assert move(alice, trade, DISPUTE).status == "disputed"


def test_a_cancelled_an_expired_and_a_disputed_trade_are_not_disputed(alice, tina):
    cancelled, expired, twice = (open_trade(alice) for _ in range(3))
    move(alice, twice, DISPUTE)
    move(alice, cancelled, CANCEL)
    expire_due(timezone.now() + timedelta(days=30))

    for trade in (cancelled, expired, twice):
        before = said(trade.conversation)
        with pytest.raises(Conflict):
            move(alice, trade, DISPUTE)
        assert said(trade.conversation) == before
    assert Escalation.objects.count() == 1


def test_what_a_super_admin_decided_is_final(alice, trade):
    rejected(trade)
    Trade.objects.filter(pk=trade.pk).update(resolved_at=timezone.now())

    with pytest.raises(Conflict, match="final"):
        move(alice, trade, DISPUTE)

    assert Conversation.objects.get(pk=trade.conversation_id).is_closed


def test_a_disputed_trade_is_neither_cancelled_nor_expired_nor_decided_by_its_admin(alice, tina, trade):
    disputed(trade)

    for actor, step in ((alice, CANCEL), (tina, APPROVE), (alice, PROOF)):
        with pytest.raises(Conflict):
            move(actor, trade, step)

    assert expire_due(timezone.now() + timedelta(days=30)) == 0


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": Role.CUSTOMER}])
def test_an_assignee_who_has_gone_leaves_a_disputed_trade_to_the_next(
    alice, tina, trade, change, django_capture_on_commit_callbacks
):
    rejected(trade)
    User.objects.filter(pk=tina.pk).update(**change)
    free = trade_admin(display_name="Uma")

    with django_capture_on_commit_callbacks(execute=True):
        queued = move(alice, trade, DISPUTE)

    assert (queued.assignee, queued.queued_at is None) == (None, False)
    assert Trade.objects.get(pk=trade.pk).assignee == free
    assert said(trade.conversation)[-2:] == ["trade.disputed", "trade.assigned"]
    assert present(trade.conversation) == {"Alice": "owner", "Uma": "member"}


def test_an_assignee_comes_back_even_when_full(alice, tina, trade):
    rejected(trade)
    User.objects.filter(pk=tina.pk).update(capacity=0, availability="away")

    assert move(alice, trade, DISPUTE).assignee == tina


def test_a_dispute_starts_the_clocks_anew(alice, trade):
    rejected(trade)
    past = timezone.now() - timedelta(days=2)
    names = ("response_warned_at", "response_missed_at", "resolution_warned_at", "resolution_missed_at")
    Trade.objects.filter(pk=trade.pk).update(**dict.fromkeys(names, past))

    again = move(alice, trade, DISPUTE)

    assert [getattr(again, name) for name in names] == [None] * 4


def test_a_dispute_of_an_escalated_trade_joins_the_escalation(alice, tina, trade):
    from chat.actions import escalations

    first = escalations.escalate(actor=tina, trade_id=trade.pk, reason="two names on the transfer")

    move(alice, trade, DISPUTE)

    message = trade.conversation.messages.order_by("-seq")[0]
    assert Escalation.objects.get() == first
    assert (message.data["escalation"]["id"], message.data["escalation"]["reason"]) == (str(first.pk), "")


def test_a_reason_is_text_of_at_most_a_thousand_characters(alice, trade):
    for bad in ("a\x00", "x" * 1_001):
        with pytest.raises(Invalid):
            move(alice, trade, DISPUTE, bad)

    assert move(alice, trade, DISPUTE, "x" * 1_000).status == "disputed"


def test_a_disputed_trade_is_handed_over_like_any_other(alice, tina, tom, trade):
    disputed(trade)

    assert assignment.hand_over(actor=tina, trade_id=trade.pk, admin_id=tom.pk).assignee == tom
