"""Trades whose assignee does not answer while the customer waits: by the clock they move on to somebody who does."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from chat import access
from chat.actions import assignment
from chat.actions.assignment import passing_over
from chat.enums import EscalationStatus, PresenceStatus
from chat.models import Connection, Escalation, Presence, Trade
from chat.querysets import TradeQuerySet


def reassign_due(now: datetime | None = None) -> int:
    """
    Move on what waits for somebody who is offline since REASSIGN_OFFLINE, or has been silent beyond
    NEXT_RESPONSE_LIMIT since it was given to them. How many moved. Safe to run twice at once.
    """
    at = now or timezone.now()
    moved = 0
    for trade_id in list(_unanswered(at).values_list("pk", flat=True)):
        with passing_over(trade_id), transaction.atomic():
            trade = access.hold_trade(trade_id, _unanswered(at))
            if trade is not None:
                gone: bool = trade.is_gone
                moved += assignment.move_on(trade, why="offline" if gone else "silent", back_soon=gone)
    return moved


def _unanswered(at: datetime) -> TradeQuerySet:
    """
    With `is_gone`. Somebody is offline once that was announced; who was never here since they were given the trade is
    so from then on. A super admin who has taken the escalation looks after the customer: silence is not held against
    the assignee then.
    """
    live = Connection.objects.filter(user=OuterRef("assignee"), expires_at__gt=timezone.now())
    seen = Presence.objects.filter(user=OuterRef("assignee"))
    taken = Escalation.objects.filter(trade=OuterRef("pk"), status=EscalationStatus.TAKEN)
    since = Greatest("waiting_since", Coalesce("assigned_at", "opened_at"))
    rows = Trade.objects.waiting_since(at - settings.REASSIGN_OFFLINE).filter(assignee__isnull=False)
    rows = rows.annotate(
        is_here=Exists(live) | Exists(seen.exclude(status=PresenceStatus.OFFLINE)),
        had_since=since,
        alone_since=Greatest(since, Coalesce(Subquery(seen.values("last_active")), since)),
    )
    gone = Q(is_here=False, alone_since__lte=at - settings.REASSIGN_OFFLINE)
    silent = Q(had_since__lte=at - settings.NEXT_RESPONSE_LIMIT) & ~Exists(taken)
    return (
        rows.annotate(is_gone=Case(When(gone, then=True), default=False))  # type: ignore[no-redef]
        .filter(gone | silent)
        .order_by(F("waiting_since"), "pk")
    )
