"""What a trade's status may become, by which move, and what one move means. Callers hold the trade."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from chat import eventlog
from chat.access import Right
from chat.actions import announcements, assignment, audit
from chat.enums import (
    CLOSED_STATUSES,
    OPEN_STATUSES,
    UNDECIDED_STATUSES,
    EscalationStatus,
    SystemEvent,
    TradeStatus,
    WaitingOn,
)
from chat.errors import Conflict
from chat.models import Conversation, Escalation, Trade
from chat.serializers import escalation_shape


@dataclass(frozen=True, slots=True)
class Move:
    """A step of a trade's life: from which statuses it may be made, where it leads, and what is said of it."""

    right: Right | None
    sources: tuple[TradeStatus, ...]
    target: TradeStatus
    event: SystemEvent
    waiting_on: WaitingOn
    says: str


PROOF = Move(
    *(Right.SUBMIT_PROOF, (TradeStatus.PENDING,), TradeStatus.VERIFYING, SystemEvent.TRADE_PROOF_SUBMITTED),
    *(WaitingOn.SUPPORT, "Proof of payment was submitted. Support is checking it."),
)
APPROVE = Move(
    *(Right.DECIDE, (TradeStatus.VERIFYING,), TradeStatus.COMPLETED, SystemEvent.TRADE_APPROVED),
    *(WaitingOn.NOBODY, "The payment was approved. The trade is completed."),
)
REJECT = Move(
    *(Right.DECIDE, (TradeStatus.VERIFYING,), TradeStatus.REJECTED, SystemEvent.TRADE_REJECTED),
    *(WaitingOn.NOBODY, "The payment was rejected."),
)
CANCEL = Move(
    *(Right.CANCEL, UNDECIDED_STATUSES, TradeStatus.CANCELLED, SystemEvent.TRADE_CANCELLED),
    *(WaitingOn.NOBODY, "The trade was cancelled."),
)
EXPIRE = Move(
    *(None, UNDECIDED_STATUSES, TradeStatus.EXPIRED, SystemEvent.TRADE_EXPIRED),
    *(WaitingOn.NOBODY, "The trade has expired."),
)
DISPUTE = Move(
    Right.DISPUTE,
    (*UNDECIDED_STATUSES, TradeStatus.REJECTED, TradeStatus.COMPLETED),
    *(TradeStatus.DISPUTED, SystemEvent.TRADE_DISPUTED),
    *(WaitingOn.SUPPORT, "The customer disputes this trade. A super admin will look at it."),
)
RESOLVE = {
    decision: Move(*(Right.JUDGE, OPEN_STATUSES, decision, SystemEvent.TRADE_RESOLVED), WaitingOn.NOBODY, says)
    for decision, says in (
        (TradeStatus.COMPLETED, "A super admin has decided: the trade is completed."),
        (TradeStatus.REJECTED, "A super admin has decided: the payment is rejected."),
        (TradeStatus.CANCELLED, "A super admin has decided: the trade is cancelled."),
    )
}


def apply(
    trade: Trade,
    move: Move,
    *,
    actor: User | None,
    reason: str = "",
    escalation: Escalation | None = None,
    changes: dict[str, Any] | None = None,
) -> None:
    """
    The conditional update is what decides, whatever was read before. One system message says it, with the escalation
    that the move opened or resolved. An escalation that the trade's end makes pointless is resolved beside it.
    """
    now = timezone.now()
    conversation = eventlog.lock([trade.conversation_id])[trade.conversation_id]
    ends = move.target in CLOSED_STATUSES
    values: dict[str, Any] = {"status": move.target, "waiting_on": move.waiting_on}
    if ends:
        values |= {"closed_at": now, "waiting_since": None, "queued_at": None, "decision_reason": reason}
    elif trade.waiting_on != move.waiting_on:
        values |= {"waiting_since": now, "response_warned_at": None, "response_missed_at": None}
    if not Trade.objects.filter(pk=trade.pk, status__in=move.sources).update(**values | (changes or {})):
        raise Conflict("The trade has moved on.")
    audit.record(move.event.value, actor=actor, trade=trade, was=trade.status, reason=reason)
    if ends and escalation is None:
        _end_escalation(trade, conversation, now)
    beside = {} if escalation is None else {"escalation": shown(escalation)}
    announcements.say(trade, conversation, move.event, move.says, actor=actor, reason=reason or None, **beside)
    if ends:
        _close(conversation, now)


def shown(escalation: Escalation) -> dict[str, Any]:
    """An escalation as the conversation with the customer tells of it."""
    now = Escalation.objects.complete().get(pk=escalation.pk)
    shape: dict[str, Any] = msgspec.to_builtins(escalation_shape(now, for_staff=False))
    return shape


def _end_escalation(trade: Trade, conversation: eventlog.Locked, now: datetime) -> None:
    """The trade has ended in another way than by a super admin's decision."""
    escalation = Escalation.objects.unresolved().filter(trade=trade).first()
    if escalation is None:
        return
    Escalation.objects.filter(pk=escalation.pk).update(status=EscalationStatus.RESOLVED, resolved_at=now)
    audit.record("escalation.resolved", actor=None, trade=trade)
    body = "The trade has ended, and with it the escalation."
    event = SystemEvent.ESCALATION_RESOLVED
    announcements.say(trade, conversation, event, body, actor=None, escalation=shown(escalation))
    announcements.escalation_changed(escalation)


def _close(conversation: eventlog.Locked, now: datetime) -> None:
    """After the last word: the history stays readable, writing is refused, and the assignee has room for the next."""
    Conversation.objects.filter(pk=conversation.pk).update(closed_at=now)
    announcements.queue_changed()
    transaction.on_commit(assignment.drain_queue, robust=True)  # the trade has ended whether or not this works
