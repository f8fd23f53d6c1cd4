"""A trade's life: opened once, moved by those who may, over once."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError
from django.utils import timezone

from accounts.models import Role
from chat.actions import assignment, trades, transitions
from chat.actions.trades import APPROVE, CANCEL, DISPUTE, EXPIRE, PROOF, REJECT, make_move
from chat.enums import SystemEvent, TradeStatus
from chat.errors import Conflict, Forbidden, Invalid, NotFound
from chat.models import AuditEntry, Conversation, Trade
from chat.tests.factories import details, open_trade, trade_admin
from chat.tests.parallel import together


def said(conversation):
    """The system events of a conversation, in order."""
    messages = conversation.messages.filter(kind="system").order_by("seq")
    return [message.data["event"] for message in messages]


def move(actor, trade, step, reason=""):
    return make_move(actor=actor, trade_id=trade.pk, move=step, reason=reason)


def overdue(trade):
    Trade.objects.filter(pk=trade.pk).update(deadline_at=timezone.now() - timedelta(seconds=1))
    return trade


def test_opening_stores_what_the_app_says(alice, tina):
    wanted = details(asset_amount=Decimal("0.100"), fiat_amount=Decimal("1E+3"))

    trade, created = trades.open_trade(actor=alice, details=wanted)

    assert created
    assert wanted.describes(trade)
    assert (trade.customer, trade.assignee, trade.status, trade.waiting_on) == (alice, tina, "pending", "customer")
    assert trade.deadline_at - trade.opened_at == timedelta(hours=24)
    assert said(trade.conversation) == ["trade.opened", "trade.assigned"]
    assert (trade.conversation.title, said(trade.notes_conversation)) == (wanted.reference, [])


def test_the_same_reference_again_is_the_same_trade(alice, tina):
    wanted = details()
    first, _ = trades.open_trade(actor=alice, details=wanted)

    again, created = trades.open_trade(actor=alice, details=wanted)

    assert (again, created, Trade.objects.count()) == (first, False, 1)
    assert said(first.conversation) == ["trade.opened", "trade.assigned"]


def test_a_reference_stands_for_one_trade_of_one_customer(alice, bob):
    open_trade(alice, reference="R")

    with pytest.raises(Conflict) as other_body:
        trades.open_trade(actor=alice, details=details(reference="R", asset="ETH"))
    with pytest.raises(Conflict) as other_customer:
        trades.open_trade(actor=bob, details=details(reference="R"))

    assert other_body.value.detail == other_customer.value.detail
    assert Trade.objects.count() == 1


def test_what_the_database_refuses_for_another_reason_stays_an_error(alice):
    with pytest.raises(IntegrityError, match="trade_amounts_positive"):
        trades.open_trade(actor=alice, details=details(asset_amount=Decimal(0)))

    assert not Conversation.objects.exists()


@pytest.mark.parametrize("role", [Role.TRADE_ADMIN, Role.SUPER_ADMIN])
def test_only_customers_open_trades(alice, role):
    alice.role = role

    with pytest.raises(Forbidden):
        trades.open_trade(actor=alice, details=details())


def test_the_good_way_leads_from_proof_to_approval(alice, tina, trade):
    verifying = move(alice, trade, PROOF, "paid")
    assert (verifying.status, verifying.waiting_on, verifying.closed_at) == ("verifying", "support", None)

    done = move(tina, trade, APPROVE)

    assert (done.status, done.waiting_on, done.waiting_since) == ("completed", "nobody", None)
    assert done.conversation.closed_at == done.closed_at is not None
    assert done.notes_conversation.closed_at is None
    assert said(trade.conversation) == ["trade.opened", "trade.assigned", "trade.proof_submitted", "trade.approved"]


def test_every_move_is_told_with_the_whole_trade_as_its_customer_sees_it(alice, trade):
    move(alice, trade, PROOF, "paid by card")

    message = trade.conversation.messages.get(data__event="trade.proof_submitted")
    assert (message.data["reason"], message.data["trade"]["status"]) == ("paid by card", "verifying")
    assert message.data["trade"]["id"] == str(trade.pk)
    assert "notes_conversation_id" not in message.data["trade"]


def test_staff_who_see_it_are_told_live(alice, tina, tom, trade, ears):
    with ears.listening():
        move(alice, trade, PROOF)

    [frame] = ears.frames("trade.updated")
    [(people, *_)] = ears.of("users")
    assert people == [str(tina.pk)]
    assert frame["trade"]["notes_conversation_id"] == str(trade.notes_conversation_id)


@pytest.mark.parametrize("reason", ["", " ", "\u200b"])
def test_a_rejection_says_why(alice, tina, trade, reason):
    move(alice, trade, PROOF)

    with pytest.raises(Invalid) as caught:
        move(tina, trade, REJECT, reason)
    rejected = move(tina, trade, REJECT, "no money came")

    assert caught.value.pointer == "/reason"
    assert (rejected.status, trade.conversation.messages.last().seq) == ("rejected", 4)


def test_a_reason_with_nul_is_refused(alice, trade):
    with pytest.raises(Invalid, match="NUL"):
        move(alice, trade, PROOF, "a\x00")

    assert Trade.objects.get().status == "pending"


def test_a_move_out_of_turn_is_a_conflict_and_changes_nothing(alice, tina, trade):
    with pytest.raises(Conflict):
        move(tina, trade, APPROVE)
    move(alice, trade, CANCEL)
    for actor, step in ((alice, PROOF), (alice, CANCEL), (tina, APPROVE), (tina, CANCEL)):
        with pytest.raises(Conflict):
            move(actor, trade, step)

    assert said(trade.conversation) == ["trade.opened", "trade.assigned", "trade.cancelled"]


def test_only_those_with_the_right_move_a_trade(alice, bob, tina, tom, sara, trade):
    refusals = []
    for actor, step in ((bob, PROOF), (tina, PROOF), (alice, APPROVE), (tom, APPROVE), (sara, APPROVE), (bob, CANCEL)):
        with pytest.raises((Forbidden, NotFound)) as caught:
            move(actor, trade, step)
        refusals.append(caught.type.__name__)

    assert refusals == ["NotFound", "Forbidden", "Forbidden", "Forbidden", "Forbidden", "NotFound"]
    assert Trade.objects.get().status == "pending"


def test_every_move_is_audited(alice, tina, trade):
    move(alice, trade, PROOF, "paid")
    move(tina, trade, APPROVE)

    trail = list(AuditEntry.objects.order_by("id").values_list("action", "actor", "detail"))
    assert trail == [
        ("trade.opened", alice.pk, {}),
        ("trade.assigned", None, {"to": str(tina.pk), "was": ""}),
        ("trade.proof_submitted", alice.pk, {"was": "pending", "reason": "paid"}),
        ("trade.approved", tina.pk, {"was": "verifying", "reason": ""}),
    ]


def test_the_end_of_a_trade_makes_room_for_the_next_in_the_queue(alice, bob, tina, trade, ears):
    tina.capacity = 1
    tina.save()
    waiting = open_trade(bob)

    with ears.listening():
        move(alice, trade, CANCEL)

    assert Trade.objects.get(pk=waiting.pk).assignee == tina
    assert ears.frames("queue.updated")[-1] == {"type": "queue.updated", "waiting": 0, "oldest_wait_s": 0}


def test_a_trade_expires_after_its_deadline_and_not_before(alice, trade):
    assert trades.expire_due() == 0
    assert trades.expire_due(trade.deadline_at) == 1

    expired = Trade.objects.get()
    assert (expired.status, expired.deadline_at, expired.waiting_on) == ("expired", trade.deadline_at, "nobody")
    assert said(trade.conversation)[-1] == "trade.expired"
    assert Conversation.objects.get(pk=trade.conversation_id).is_closed


def test_a_queued_trade_leaves_the_queue_when_it_expires(alice, ears):
    overdue(open_trade(alice))

    with ears.listening():
        trades.expire_due()

    assert (Trade.objects.queued().count(), Trade.objects.get().queued_at) == (0, None)


def test_what_is_over_does_not_expire(alice, trade):
    move(alice, trade, CANCEL)

    assert trades.expire_due(trade.deadline_at) == 0


def test_an_expiry_that_somebody_was_quicker_than_is_a_conflict_for_the_row_alone(alice, trade):
    move(alice, trade, CANCEL)

    with pytest.raises(Conflict), transitions.transaction.atomic():
        transitions.apply(trade, EXPIRE, actor=None)


def test_the_words_of_a_trade_are_the_protocols():
    steps = (PROOF, APPROVE, REJECT, CANCEL, EXPIRE, DISPUTE)

    assert {step.event for step in steps} <= set(SystemEvent)
    assert {step.target for step in steps} == set(TradeStatus) - {TradeStatus.PENDING}


@pytest.mark.django_db(transaction=True)
def test_one_reference_posted_many_times_at_once_is_one_trade(alice, tina):
    wanted = details()

    outcomes = together([lambda: trades.open_trade(actor=alice, details=wanted)] * 6)

    assert {trade.pk for trade, _ in outcomes} == {Trade.objects.get().pk}
    assert sorted(created for _, created in outcomes) == [False] * 5 + [True]
    assert Conversation.objects.count() == 2
    assert said(Trade.objects.get().conversation) == ["trade.opened", "trade.assigned"]


@pytest.mark.django_db(transaction=True)
def test_one_reference_posted_by_two_customers_at_once_is_one_trade(alice, bob):
    outcomes = together(
        [lambda who=who: trades.open_trade(actor=who, details=details(reference="R")) for who in (alice, bob)]
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "tuple"]
    assert (Trade.objects.count(), Conversation.objects.count()) == (1, 2)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_decide_at_once_one_wins_and_the_other_gets_conflict(alice, tina, trade):
    move(alice, trade, PROOF)

    outcomes = together(
        [
            lambda: move(tina, trade, APPROVE),
            lambda: move(tina, trade, REJECT, "no"),
            lambda: move(alice, trade, CANCEL),
            trades.expire_due,
        ]
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes[:3]) == ["Conflict", "Conflict", "Trade"]
    assert (outcomes[3], len(said(trade.conversation))) == (0, 4)


@pytest.mark.django_db(transaction=True)
def test_expiring_twice_at_once_expires_once(alice, tina):
    expiring = [overdue(open_trade(alice)) for _ in range(3)]

    counts = together([trades.expire_due] * 3)

    assert sum(counts) == 3
    assert [said(trade.conversation).count("trade.expired") for trade in expiring] == [1, 1, 1]


@pytest.mark.django_db(transaction=True)
def test_twenty_trades_opened_at_once_never_exceed_anybodys_capacity(alice):
    admins = [trade_admin(capacity=capacity) for capacity in (1, 2, 3)]

    together([lambda: open_trade(alice)] * 20)

    assert [Trade.objects.filter(assignee=admin).count() for admin in admins] == [1, 2, 3]
    assert Trade.objects.queued().count() == 14


def test_a_trade_of_an_unknown_id_is_not_found(alice, tina):
    for actor in (alice, tina):
        with pytest.raises(NotFound):
            make_move(actor=actor, trade_id=uuid4(), move=CANCEL)


def test_who_released_a_trade_may_not_decide_about_it(alice, tina, trade):
    assignment.release(actor=tina, trade_id=trade.pk)
    move(alice, trade, PROOF)

    with pytest.raises(Forbidden):
        move(tina, trade, APPROVE)
