"""A trade from its opening to its end. One table says which move leads where; the row decides who was first."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Role, User
from chat import access, eventlog
from chat.access import Right
from chat.actions import announcements, assignment, audit, escalations, people, transitions, words
from chat.actions.assignment import passing_over
from chat.actions.transitions import APPROVE, CANCEL, DISPUTE, EXPIRE, PROOF, REJECT, Move
from chat.enums import ConversationKind, ParticipantRole, SystemEvent, TradeSide
from chat.errors import Conflict, Forbidden
from chat.models import Conversation, Trade

__all__ = [
    "APPROVE",
    "CANCEL",
    "DISPUTE",
    "EXPIRE",
    "PROOF",
    "REJECT",
    "Move",
    "TradeDetails",
    "expire_due",
    "make_move",
    "open_trade",
]


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
    """
    Submit proof, approve, reject, cancel or dispute. Of two who race, one wins and the other gets Conflict. A super
    admin approves and rejects disputes and what they have taken: that decides the escalation.
    """
    assert move.right is not None
    with transaction.atomic():
        trade = access.lock_trade(actor, trade_id, move.right)
        if move is REJECT:
            words.require_reason(reason)
        words.check(reason, "/reason")
        if move is DISPUTE:
            escalations.dispute(trade, actor=actor, reason=reason)
        elif move.right is Right.DECIDE and escalations.judges(actor, trade):
            escalations.decide(trade, actor=actor, decision=move.target, reason=reason)
        else:
            transitions.apply(trade, move, actor=actor, reason=reason)
    return Trade.objects.complete().get(pk=trade_id)


def expire_due(now: datetime | None = None) -> int:
    """End the open trades whose deadline has passed. Safe to run twice at once."""
    at = now or timezone.now()
    expired = 0
    for trade_id in list(Trade.objects.due(at).values_list("pk", flat=True)):
        with passing_over(trade_id), transaction.atomic():
            trade = access.hold_trade(trade_id, Trade.objects.due(at))
            if trade is not None:
                transitions.apply(trade, EXPIRE, actor=None)
                expired += 1
    return expired
