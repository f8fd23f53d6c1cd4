"""A trade from its opening to its end. One table says which move leads where; the row decides who was first."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Role, User
from accounts.text import is_blank
from chat import access, eventlog
from chat.access import Right
from chat.actions import announcements, assignment, audit, people
from chat.actions.assignment import passing_over
from chat.enums import (
    CLOSED_STATUSES,
    UNDECIDED_STATUSES,
    ConversationKind,
    ParticipantRole,
    SystemEvent,
    TradeSide,
    TradeStatus,
    WaitingOn,
)
from chat.errors import Conflict, Forbidden, Invalid
from chat.models import Conversation, Trade


@dataclass(frozen=True, slots=True)
class TradeDetails:
    """What the app says of a trade it opens. Amounts are exact and above zero."""

    reference: str
    side: TradeSide
    asset: str
    asset_amount: Decimal
    fiat_currency: str
    fiat_amount: Decimal
    payment_method: str

    def describes(self, trade: Trade) -> bool:
        return all(getattr(trade, name) == getattr(self, name) for name in self.__slots__)


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


def open_trade(*, actor: User, details: TradeDetails) -> tuple[Trade, bool]:
    """
    The customer's trade of this reference, and whether it was just opened. The same again returns the same trade;
    a reference that stands for anything else is a Conflict.
    """
    if actor.role != Role.CUSTOMER:
        raise Forbidden("Only customers open trades.")
    try:
        return _existing(actor, details) or (_open(actor, details), True)
    except IntegrityError:  # the same reference, opened at this moment
        existing = _existing(actor, details)
        if existing is None:
            raise
        return existing


def _existing(actor: User, details: TradeDetails) -> tuple[Trade, bool] | None:
    trade = Trade.objects.complete().filter(reference=details.reference).first()
    if trade is None:
        return None
    if trade.customer_id != actor.pk or not details.describes(trade):
        raise Conflict("This reference stands for another trade.")
    return trade, False


def _open(actor: User, details: TradeDetails) -> Trade:
    now = timezone.now()
    with transaction.atomic():
        conversation, notes = (
            Conversation.objects.create(kind=kind.value, title=details.reference)
            for kind in (ConversationKind.TRADE, ConversationKind.STAFF_NOTES)
        )
        trade = Trade.objects.create(
            customer=actor,
            conversation=conversation,
            notes_conversation=notes,
            opened_at=now,
            queued_at=now,
            waiting_since=now,
            deadline_at=now + settings.TRADE_DEADLINE,
            **{name: getattr(details, name) for name in details.__slots__},
        )
        people.enter(conversation, actor, ParticipantRole.OWNER)
        audit.record("trade.opened", actor=actor, trade=trade)
        locked = eventlog.lock([conversation.pk])[conversation.pk]
        announcements.say(trade, locked, SystemEvent.TRADE_OPENED, "The trade was opened.", actor=actor)
        assignment.assign_or_queue(trade)
    return access.get_trade(actor, trade.pk)


def make_move(*, actor: User, trade_id: UUID, move: Move, reason: str = "") -> Trade:
    """Submit proof, approve, reject or cancel. Of two who race, one wins and the other gets Conflict."""
    assert move.right is not None
    with transaction.atomic():
        trade = access.lock_trade(actor, trade_id, move.right)
        if move is REJECT and is_blank(reason):
            raise Invalid("Say why.", pointer="/reason")
        if "\x00" in reason:
            raise Invalid("The text holds a NUL character.", pointer="/reason")
        _apply(trade, move, actor=actor, reason=reason)
    return Trade.objects.complete().get(pk=trade_id)


def expire_due(now: datetime | None = None) -> int:
    """End the open trades whose deadline has passed. Safe to run twice at once."""
    at = now or timezone.now()
    expired = 0
    for trade_id in list(Trade.objects.due(at).values_list("pk", flat=True)):
        with passing_over(trade_id), transaction.atomic():
            trade = Trade.objects.select_for_update().due(at).filter(pk=trade_id).first()
            if trade is not None:
                _apply(trade, EXPIRE, actor=None)
                expired += 1
    return expired


def _apply(trade: Trade, move: Move, *, actor: User | None, reason: str = "") -> None:
    """Under the trade's lock: the conditional update is what decides, whatever was read before."""
    now = timezone.now()
    conversation = eventlog.lock([trade.conversation_id])[trade.conversation_id]
    changes: dict[str, Any] = {"status": move.target, "waiting_on": move.waiting_on, "waiting_since": now}
    if move.target in CLOSED_STATUSES:
        changes |= {"closed_at": now, "waiting_since": None, "queued_at": None}
    if not Trade.objects.filter(pk=trade.pk, status__in=move.sources).update(**changes):
        raise Conflict("The trade has moved on.")
    audit.record(move.event.value, actor=actor, trade=trade, was=trade.status, reason=reason)
    announcements.say(trade, conversation, move.event, move.says, actor=actor, reason=reason or None)
    if move.target in CLOSED_STATUSES:
        _close(conversation, now)


def _close(conversation: eventlog.Locked, now: datetime) -> None:
    """After the last word: the history stays readable, writing is refused, and the assignee has room for the next."""
    Conversation.objects.filter(pk=conversation.pk).update(closed_at=now)
    announcements.queue_changed()
    transaction.on_commit(assignment.drain_queue, robust=True)  # the trade has ended whether or not this works
