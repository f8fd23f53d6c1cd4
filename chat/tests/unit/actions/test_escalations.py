"""Escalations: who calls a super admin when, who takes one, and what a decision means."""

from datetime import timedelta
from uuid import uuid4

import pytest

from accounts.ids import new_id
from accounts.models import Role, User
from chat.actions import assignment, breakglass, escalations, trades
from chat.actions.messages import send_message
from chat.actions.trades import APPROVE, CANCEL, DISPUTE, PROOF, REJECT
from chat.enums import TradeStatus
from chat.errors import Conflict, Forbidden, Invalid, NotFound
from chat.models import Conversation, Escalation, Trade
from chat.tests.factories import open_trade
from chat.tests.parallel import together
from chat.tests.unit.actions.support import ago, disputed, move, present, rejected, said, trail

WHY = "two names on the transfer"


@pytest.fixture
def escalated(tina, trade):
    """By Tina."""
    return escalations.escalate(actor=tina, trade_id=trade.pk, reason=WHY)


@pytest.fixture
def second():
    return User.objects.create_user("second@example.com", display_name="Second", role=Role.SUPER_ADMIN)


def take(actor, escalation):
    return escalations.take(actor=actor, escalation_id=escalation.pk)


def resolve(actor, escalation, decision=TradeStatus.COMPLETED, reason="the money is there"):
    return escalations.resolve(actor=actor, escalation_id=escalation.pk, decision=decision, reason=reason)


def test_an_admin_escalates_with_a_reason_that_only_staff_read(alice, tina, trade, ears, sara):
    for blank in ("", "\u200b"):
        with pytest.raises(Invalid):
            escalations.escalate(actor=tina, trade_id=trade.pk, reason=blank)

    with ears.listening():
        opened = escalations.escalate(actor=tina, trade_id=trade.pk, reason=WHY)

    message = trade.conversation.messages.order_by("-seq")[0]
    assert (opened.raised_by, opened.reason, opened.status) == (tina, WHY, "open")
    assert (message.data["event"], message.data["escalation"]["reason"]) == ("escalation.opened", "")
    assert WHY not in str(message.data) + message.body
    [frame] = ears.frames("escalation.updated")
    assert frame["escalation"]["reason"] == WHY
    assert trail(trade)[-1] == "escalation.opened"


def test_a_customer_escalates_after_half_an_hour_without_an_answer(alice, trade):
    with pytest.raises(Conflict, match="30 minutes"):
        escalations.escalate(actor=alice, trade_id=trade.pk)
    move(alice, trade, PROOF)
    ago(trade, waiting_since=timedelta(minutes=29))
    with pytest.raises(Conflict, match="30 minutes"):
        escalations.escalate(actor=alice, trade_id=trade.pk)
    ago(trade, waiting_since=timedelta(minutes=30))

    opened = escalations.escalate(actor=alice, trade_id=trade.pk, reason="hello?")

    message = trade.conversation.messages.order_by("-seq")[0]
    assert (opened.raised_by, message.data["escalation"]["reason"]) == (alice, "hello?")


def test_the_same_again_is_the_same_escalation_and_anything_else_a_conflict(alice, tina, trade, escalated):
    move(alice, trade, PROOF)
    ago(trade, waiting_since=timedelta(hours=1))

    again = escalations.escalate(actor=tina, trade_id=trade.pk, reason=WHY)
    with pytest.raises(Conflict, match="already"):
        escalations.escalate(actor=tina, trade_id=trade.pk, reason="something else")
    with pytest.raises(Conflict, match="already"):
        escalations.escalate(actor=alice, trade_id=trade.pk, reason=WHY)

    assert again == escalated == Escalation.objects.get()
    assert said(trade.conversation).count("escalation.opened") == 1


def test_who_disputes_has_escalated(alice, trade):
    disputed(trade)

    again = escalations.escalate(actor=alice, trade_id=trade.pk, reason="please hurry")

    assert (again, again.reason) == (Escalation.objects.get(), "I have paid")
    assert said(trade.conversation)[-1] == "trade.disputed"


def test_only_its_customer_and_its_assignee_escalate_a_trade(alice, bob, tom, sara, trade):
    for actor, refusal in ((bob, NotFound), (tom, Forbidden), (sara, Forbidden)):
        with pytest.raises(refusal):
            escalations.escalate(actor=actor, trade_id=trade.pk, reason=WHY)
    with pytest.raises(NotFound):
        escalations.escalate(actor=alice, trade_id=uuid4())


def test_what_is_over_is_not_escalated(tina, trade):
    rejected(trade)

    with pytest.raises(Conflict, match="over"):
        escalations.escalate(actor=tina, trade_id=trade.pk, reason=WHY)


def test_a_super_admin_steps_in_for_everybody_to_see(alice, sara, trade, escalated, ears):
    with ears.listening():
        taken = take(sara, escalated)

    message = trade.conversation.messages.order_by("-seq")[0]
    assert (taken.status, taken.taken_by) == ("taken", sara)
    assert (message.data["event"], message.data["escalation"]["taken_by"]["display_name"]) == (
        "escalation.taken",
        "Sara",
    )
    assert present(trade.conversation) == {"Alice": "owner", "Tina": "member", "Sara": "member"}
    assert present(trade.notes_conversation) == {"Tina": "member", "Sara": "member"}
    assert [frame["escalation"]["status"] for frame in ears.frames("escalation.updated")] == ["taken"]
    send_message(actor=sara, conversation_id=trade.conversation_id, client_id=new_id(), body="let me see")


def test_taking_ones_own_again_changes_nothing_and_anybody_elses_is_a_conflict(sara, second, trade, escalated):
    taken = take(sara, escalated)

    assert take(sara, escalated) == taken
    with pytest.raises(Conflict):
        take(second, escalated)
    resolve(sara, escalated)
    with pytest.raises(Conflict):
        take(sara, escalated)

    assert said(trade.conversation).count("escalation.taken") == 1


def test_a_reader_who_takes_the_escalation_may_write(alice, sara, trade, escalated):
    breakglass.join(actor=sara, trade_id=trade.pk, reason="looking")

    take(sara, escalated)

    assert present(trade.conversation)["Sara"] == "member"


def test_nobody_but_super_admins_takes_or_decides(alice, bob, tina, tom, sara, escalated):
    take(sara, escalated)
    for actor, refusal in ((alice, Forbidden), (bob, NotFound), (tina, Forbidden), (tom, Forbidden)):
        with pytest.raises(refusal):
            take(actor, escalated)
        with pytest.raises(refusal):
            resolve(actor, escalated)
    with pytest.raises(NotFound):
        escalations.take(actor=sara, escalation_id=uuid4())


def test_no_super_admin_judges_a_trade_of_their_own(alice, escalated):
    User.objects.filter(pk=alice.pk).update(role=Role.SUPER_ADMIN)
    alice.refresh_from_db()

    with pytest.raises(Forbidden):
        take(alice, escalated)


@pytest.mark.parametrize("decision", [TradeStatus.COMPLETED, TradeStatus.REJECTED, TradeStatus.CANCELLED])
def test_a_decision_ends_the_dispute_for_good_in_one_message(alice, sara, trade, decision, ears):
    disputed(trade)
    escalation = take(sara, Escalation.objects.get())

    with ears.listening():
        done = resolve(sara, escalation, decision, "as the bank says")

    after = Trade.objects.get(pk=trade.pk)
    message = trade.conversation.messages.order_by("-seq")[0]
    assert (done.status, done.decision, done.decision_reason) == ("resolved", decision, "as the bank says")
    assert (after.status, after.waiting_on, after.decision_reason) == (decision, "nobody", "as the bank says")
    assert after.closed_at is not None
    assert after.resolved_at is not None
    assert Conversation.objects.get(pk=trade.conversation_id).is_closed
    assert said(trade.conversation)[-2:] == ["escalation.taken", "trade.resolved"]
    assert (message.data["escalation"]["decision"], message.data["reason"]) == (decision, "as the bank says")
    assert trail(trade)[-3:] == ["escalation.taken", "escalation.resolved", "trade.resolved"]
    assert [frame["escalation"]["status"] for frame in ears.frames("escalation.updated")] == ["resolved"]
    with pytest.raises(Conflict):
        move(alice, trade, DISPUTE)


def test_an_escalated_trade_that_is_not_disputed_is_decided_the_same_way(sara, trade, escalated):
    take(sara, escalated)

    resolve(sara, escalated, TradeStatus.CANCELLED)

    assert Trade.objects.get().status == "cancelled"


def test_the_same_decision_again_changes_nothing_and_another_is_a_conflict(sara, second, trade, escalated):
    take(sara, escalated)
    done = resolve(sara, escalated)

    assert resolve(sara, escalated) == done
    with pytest.raises(Conflict):
        resolve(sara, escalated, TradeStatus.REJECTED)
    with pytest.raises(Conflict):
        resolve(second, escalated)

    assert said(trade.conversation).count("trade.resolved") == 1


def test_only_whoever_took_it_decides(sara, second, escalated):
    with pytest.raises(Conflict):
        resolve(sara, escalated)
    take(sara, escalated)
    with pytest.raises(Conflict):
        resolve(second, escalated)

    assert Escalation.objects.get().status == "taken"


@pytest.mark.parametrize(
    ("decision", "reason", "pointer"),
    [("pending", "x", "/decision"), ("expired", "x", "/decision"), ("completed", " ", "/reason"),
     ("completed", "a\x00", "/reason"), ("completed", "x" * 1_001, "/reason")],
)  # fmt: skip
def test_a_decision_is_one_of_three_with_a_reason(sara, escalated, decision, reason, pointer):
    take(sara, escalated)

    with pytest.raises(Invalid) as caught:
        resolve(sara, escalated, decision, reason)

    assert caught.value.pointer == pointer
    assert Escalation.objects.get().status == "taken"


def test_a_trade_that_ends_otherwise_takes_its_escalation_along(alice, trade, escalated, ears):
    with ears.listening():
        move(alice, trade, CANCEL)

    over = Escalation.objects.get()
    assert (over.status, over.decision, over.resolved_at is None) == ("resolved", None, False)
    assert said(trade.conversation)[-2:] == ["escalation.resolved", "trade.cancelled"]
    assert trail(trade)[-2:] == ["trade.cancelled", "escalation.resolved"]
    assert [frame["escalation"]["status"] for frame in ears.frames("escalation.updated")] == ["resolved"]
    assert Trade.objects.get().resolved_at is None


def test_a_super_admin_approves_a_dispute_that_nobody_has_taken_and_takes_it_with_that(sara, trade):
    disputed(trade)

    done = move(sara, trade, APPROVE)

    assert (done.status, done.resolved_at is None) == ("completed", False)
    assert said(trade.conversation)[-2:] == ["escalation.taken", "trade.resolved"]


def test_a_super_admin_rejects_what_they_have_taken(alice, sara, trade, escalated):
    take(sara, escalated)
    with pytest.raises(Invalid):
        move(sara, trade, REJECT)

    assert move(sara, trade, REJECT, "no money").status == "rejected"
    assert Escalation.objects.get().decision == "rejected"


def test_a_super_admin_decides_nothing_else(alice, sara, second, trade):
    move(alice, trade, PROOF)
    with pytest.raises(Forbidden):
        move(sara, trade, APPROVE)
    escalation = escalations.escalate(actor=trade.assignee, trade_id=trade.pk, reason=WHY)
    with pytest.raises(Forbidden):
        move(sara, trade, APPROVE)
    take(second, escalation)
    with pytest.raises(Conflict):
        move(sara, trade, APPROVE)

    assert Trade.objects.get().status == "verifying"


def test_a_super_admin_who_looks_after_a_trade_decides_it_like_any_assignee_until_it_is_disputed(alice, sara, tina):
    plain, contested = open_trade(alice), open_trade(alice)
    for trade in (plain, contested):
        assignment.hand_over(actor=sara, trade_id=trade.pk, admin_id=sara.pk)
        move(alice, trade, PROOF)
    move(alice, contested, DISPUTE)

    assert move(sara, plain, APPROVE).resolved_at is None
    assert move(sara, contested, APPROVE).resolved_at is not None


def test_a_super_admin_who_took_the_escalation_stays_when_the_trade_changes_hands(alice, tina, tom, sara, escalated):
    trade = escalated.trade
    take(sara, escalated)

    assignment.hand_over(actor=sara, trade_id=trade.pk, admin_id=sara.pk)
    assignment.hand_over(actor=sara, trade_id=trade.pk, admin_id=tom.pk)

    assert present(trade.conversation) == {"Alice": "owner", "Sara": "member", "Tom": "member"}


@pytest.mark.django_db(transaction=True)
def test_of_super_admins_who_take_at_once_one_wins(sara, second, trade, escalated):
    outcomes = together([lambda who=who: take(who, escalated) for who in (sara, second)])

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Escalation"]
    assert said(trade.conversation).count("escalation.taken") == 1


@pytest.mark.django_db(transaction=True)
def test_a_decision_and_a_cancellation_at_once_end_the_trade_once(alice, sara, trade, escalated):
    take(sara, escalated)

    outcomes = together([lambda: resolve(sara, escalated), lambda: move(alice, trade, CANCEL)])

    assert sorted(type(outcome).__name__ == "Conflict" for outcome in outcomes) == [False, True]
    ends = [event for event in said(trade.conversation) if event in ("trade.resolved", "trade.cancelled")]
    assert len(ends) == 1
    assert trades.Trade.objects.get().status in ("completed", "cancelled")
