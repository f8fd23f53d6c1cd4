"""Trades that need a super admin: raised by the customer, an admin or the clock, taken by one, decided for good."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.models import User
from chat import access, eventlog
from chat.access import Right
from chat.actions import announcements, assignment, audit, notices, people, transitions, words
from chat.actions.assignment import passing_over
from chat.actions.transitions import DISPUTE, RESOLVE, shown
from chat.enums import (
    CLOSED_STATUSES,
    OPEN_STATUSES,
    EscalationStatus,
    ParticipantRole,
    SystemEvent,
    TradeStatus,
    WaitingOn,
)
from chat.errors import Conflict, Forbidden, Invalid, NotFound
from chat.models import Conversation, Escalation, Trade


def escalate(*, actor: User, trade_id: UUID, reason: str = "") -> Escalation:
    """
    Call a super admin to an open trade: its customer after half an hour without an answer, its assignee at any time
    with a reason. The same person saying the same again gets the same escalation; on what is escalated otherwise it
    is a Conflict.
    """
    with transaction.atomic():
        trade = access.lock_trade(actor, trade_id, Right.ESCALATE)
        words.check(reason, "/reason")
        if trade.customer_id != actor.pk:
            words.require_reason(reason)
        if trade.status not in OPEN_STATUSES:
            raise Conflict("This trade is over.")
        escalation = _unresolved(trade)
        if escalation is None:
            _check_silence(trade, actor)
            escalation = _open(trade, actor=actor, reason=reason)
        elif not _is_repeat(escalation, trade, actor, reason):
            raise Conflict("This trade is escalated already.")
    return _complete(escalation.pk)


def dispute(trade: Trade, *, actor: User, reason: str) -> None:
    """
    By the customer, who holds the trade: it goes back to whoever looked after it, else into the queue, and to the
    super admins. What a super admin decided is final; what was completed may be disputed for DISPUTE_WINDOW.
    """
    now = timezone.now()
    if trade.resolved_at is not None:
        raise Conflict("A super admin has decided about this trade. That is final.")
    over = trade.status in CLOSED_STATUSES
    if trade.status == TradeStatus.COMPLETED and trade.closed_at and trade.closed_at < now - settings.DISPUTE_WINDOW:
        raise Conflict("It is too late to dispute this trade.")
    changes = {"disputed_at": now, "resolution_warned_at": None, "resolution_missed_at": None}
    if over and trade.status in DISPUTE.sources:
        changes |= {"closed_at": None, **assignment.restore(trade)}
        Conversation.objects.filter(pk=trade.conversation_id).update(closed_at=None)
    escalation = _unresolved(trade)
    if escalation is None:
        escalation = Escalation.objects.create(trade=trade, raised_by=actor, reason=reason)
        audit.record("escalation.opened", actor=actor, trade=trade, reason=reason)
    transitions.apply(trade, DISPUTE, actor=actor, reason=reason, escalation=escalation, changes=changes)
    announcements.escalation_changed(escalation)


def raise_overdue(now: datetime | None = None) -> int:
    """
    By the clock: escalate what has gone unanswered for AUTO_ESCALATE, and tell super admins once more of a dispute that
    nobody has taken for DISPUTE_REMINDER. How many. Safe to run twice at once.
    """
    at = now or timezone.now()
    raised = 0
    unresolved = Escalation.objects.unresolved().filter(trade=OuterRef("pk"))
    silent = Trade.objects.waiting_since(at - settings.AUTO_ESCALATE).exclude(Exists(unresolved))
    for trade_id in list(silent.values_list("pk", flat=True)):
        with passing_over(trade_id), transaction.atomic():
            trade = access.hold_trade(trade_id, silent)
            if trade is not None:
                _open(trade, actor=None, reason="The customer has waited too long for an answer.")
                raised += 1
    return raised + _remind(at)


def _remind(at: datetime) -> int:
    overdue = Escalation.objects.filter(status=EscalationStatus.OPEN, reminded_at=None)
    overdue = overdue.filter(trade__status=TradeStatus.DISPUTED, trade__disputed_at__lte=at - settings.DISPUTE_REMINDER)
    with transaction.atomic():
        found = list(overdue.select_for_update(of=("self",), skip_locked=True).select_related("trade"))
        Escalation.objects.filter(pk__in=[escalation.pk for escalation in found]).update(reminded_at=at)
        for escalation in found:
            audit.record("escalation.overdue", actor=None, trade=escalation.trade)
            notices.escalation_overdue(escalation)
            announcements.escalation_changed(escalation)
    return len(found)


def take(*, actor: User, escalation_id: UUID) -> Escalation:
    """A super admin steps into the trade, for its customer to see. The first wins; taking one's own changes nothing."""
    with transaction.atomic():
        escalation, trade = _lock(actor, escalation_id)
        if escalation.status == EscalationStatus.TAKEN and escalation.taken_by_id == actor.pk:
            return escalation
        if escalation.status != EscalationStatus.OPEN:
            raise Conflict("Somebody has taken this escalation already.")
        _take(escalation, trade, actor)
    return _complete(escalation_id)


def resolve(*, actor: User, escalation_id: UUID, decision: TradeStatus, reason: str) -> Escalation:
    """Whoever took it decides about the trade, for good. Saying the same again changes nothing."""
    with transaction.atomic():
        escalation, trade = _lock(actor, escalation_id)
        if decision not in RESOLVE:
            raise Invalid(f"One of {', '.join(RESOLVE)}.", pointer="/decision")
        words.require_reason(reason)
        words.check(reason, "/reason")
        mine = escalation.taken_by_id == actor.pk
        if mine and (escalation.decision, escalation.decision_reason) == (decision, reason):
            return escalation
        if not mine or escalation.status != EscalationStatus.TAKEN:
            raise Conflict("You have not taken this escalation, or it is resolved.")
        _resolve(escalation, trade, actor, decision, reason)
    return _complete(escalation_id)


def judges(actor: User, trade: Trade) -> bool:
    """Whether this person, who may decide about the trade, does so as a super admin and not as its assignee."""
    if trade.assignee_id != actor.pk:
        return True
    escalation = _unresolved(trade) if actor.is_super_admin else None
    return escalation is not None and (trade.status == TradeStatus.DISPUTED or escalation.taken_by_id == actor.pk)


def decide(trade: Trade, *, actor: User, decision: TradeStatus, reason: str) -> None:
    """By a super admin, who holds the trade: the decision of an escalation they took, or of a dispute nobody took."""
    escalation = _unresolved(trade)
    if escalation is None or (escalation.status == EscalationStatus.OPEN and trade.status != TradeStatus.DISPUTED):
        raise Forbidden
    if escalation.status == EscalationStatus.OPEN:
        _take(escalation, trade, actor)
    elif escalation.taken_by_id != actor.pk:
        raise Conflict("Somebody has taken this escalation already.")
    _resolve(escalation, trade, actor, decision, reason)


def _unresolved(trade: Trade) -> Escalation | None:
    return Escalation.objects.unresolved().filter(trade=trade).first()


def _complete(escalation_id: UUID) -> Escalation:
    return Escalation.objects.complete().get(pk=escalation_id)


def _lock(actor: User, escalation_id: UUID) -> tuple[Escalation, Trade]:
    """An escalation to be changed: its trade is what is held, so it stands still too."""
    trade_id = Escalation.objects.filter(pk=escalation_id).values_list("trade", flat=True).first()
    if trade_id is None:
        raise NotFound
    trade = access.lock_trade(actor, trade_id, Right.JUDGE)
    return _complete(escalation_id), trade


def _check_silence(trade: Trade, actor: User) -> None:
    if trade.customer_id != actor.pk:
        return
    waits = trade.waiting_since if trade.waiting_on == WaitingOn.SUPPORT else None
    if waits is None or waits > timezone.now() - settings.ESCALATE_AFTER:
        minutes = int(settings.ESCALATE_AFTER.total_seconds() // 60)
        raise Conflict(f"You can call a super admin after waiting {minutes} minutes for an answer.")


def _is_repeat(escalation: Escalation, trade: Trade, actor: User, reason: str) -> bool:
    """A dispute has called the super admins already, whatever the customer says now."""
    if escalation.raised_by_id != actor.pk:
        return False
    return escalation.reason == reason or trade.status == TradeStatus.DISPUTED


def _open(trade: Trade, *, actor: User | None, reason: str) -> Escalation:
    escalation = Escalation.objects.create(trade=trade, raised_by=actor, reason=reason)
    audit.record("escalation.opened", actor=actor, trade=trade, reason=reason)
    conversation = eventlog.lock([trade.conversation_id])[trade.conversation_id]
    body = "A super admin has been asked to look at this trade."
    event = SystemEvent.ESCALATION_OPENED
    announcements.say(trade, conversation, event, body, actor=actor, escalation=shown(escalation))
    announcements.escalation_changed(escalation)
    return escalation


def _take(escalation: Escalation, trade: Trade, actor: User) -> None:
    changes = {"status": EscalationStatus.TAKEN, "taken_by": actor, "taken_at": timezone.now()}
    Escalation.objects.filter(pk=escalation.pk).update(**changes)
    audit.record("escalation.taken", actor=actor, trade=trade)
    conversations = eventlog.lock([trade.conversation_id, trade.notes_conversation_id])
    for conversation in conversations.values():
        people.step_in(conversation, actor, ParticipantRole.MEMBER)
    body = f"{actor.display_name} has stepped in to decide about this trade."
    conversation = conversations[trade.conversation_id]
    event = SystemEvent.ESCALATION_TAKEN
    announcements.say(trade, conversation, event, body, actor=actor, escalation=shown(escalation))
    announcements.escalation_changed(escalation)


def _resolve(escalation: Escalation, trade: Trade, actor: User, decision: TradeStatus, reason: str) -> None:
    now = timezone.now()
    Escalation.objects.filter(pk=escalation.pk).update(
        status=EscalationStatus.RESOLVED, resolved_at=now, decision=decision, decision_reason=reason
    )
    audit.record("escalation.resolved", actor=actor, trade=trade, decision=decision, reason=reason)
    changes = {"resolved_at": now}
    transitions.apply(trade, RESOLVE[decision], actor=actor, reason=reason, escalation=escalation, changes=changes)
    announcements.escalation_changed(escalation)
