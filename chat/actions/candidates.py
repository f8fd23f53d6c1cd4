"""
Who may be given a trade, and who is next. Only questions and locks: giving it is for chat.actions.assignment.

The pool: available trade admins who are online (a lease of a socket that has not run out). Where none of them is online
at all, ASSIGN_OFFLINE says whether those who are away may be given trades (docs/decisions/0008-offline-admins.md).
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Avg, Count, Exists, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Availability, Role, User
from accounts.models.user import UserQuerySet
from chat.models import Connection, Trade

NEVER = datetime.min.replace(tzinfo=UTC)


def next_admin(trade: Trade, *, but: Collection[UUID] = (), online_only: bool = False) -> User | None:
    """
    Of the pool, the one with room and the fewest open trades, then the longest without a new one, then the better
    rated. All who may be chosen are locked in one order first: two trades opened at once are given out one after the
    other, so that nobody gets more than their capacity. (No key lock, so these admins' messages do not wait for it.)
    """
    locked = [admin.pk for admin in _available().locked().order_by("pk")]
    excluded = {trade.customer_id, trade.released_by_id, *but}
    free = [admin for admin in _pool(locked, online_only) if admin.pk not in excluded and _has_room(admin)]
    if not free:
        return None
    first = min(map(_turn, free))
    return _best_rated([admin for admin in free if _turn(admin) == first])


def with_room() -> set[UUID]:
    """Who could be given some trade now, without a lock: a reason to try, not a promise."""
    found = _pool(list(_available().values_list("pk", flat=True)), online_only=False)
    return {admin.pk for admin in found if _has_room(admin)}


def is_anybody_online(trade: Trade, *, but: Collection[UUID] = ()) -> bool:
    """Whether somebody else could have the trade soon, full as they may be now."""
    locked = list(_available().exclude(pk__in={trade.customer_id, *but}).values_list("pk", flat=True))
    return bool(_pool(locked, online_only=True))


def _available() -> UserQuerySet:
    return User.objects.staff().filter(role=Role.TRADE_ADMIN, availability=Availability.AVAILABLE)


def _pool(admins: list[UUID], online_only: bool) -> list[Any]:
    """Users, each with `is_online` and `open_trades`."""
    live = Connection.objects.filter(user=OuterRef("pk"), expires_at__gt=timezone.now())
    load = Trade.objects.open().filter(assignee=OuterRef("pk")).order_by().values("assignee")
    found = list(
        User.objects.filter(pk__in=admins)
        .annotate(is_online=Exists(live))
        .annotate(open_trades=Coalesce(Subquery(load.annotate(n=Count("pk")).values("n")), Value(0)))
        .order_by("pk")
    )
    online = [admin for admin in found if admin.is_online]
    if online or online_only or settings.ASSIGN_OFFLINE == "never":
        return online
    return found


def _has_room(admin: Any) -> bool:
    return bool(admin.open_trades < admin.capacity)


def _turn(admin: Any) -> tuple[int, datetime]:
    return admin.open_trades, admin.last_assigned_at or NEVER


def _best_rated(tied: list[User]) -> User:
    """Who has no ratings comes after those who have; among equals the one who is known for longer."""
    if len(tied) == 1:
        return tied[0]
    rated = Trade.objects.filter(assignee__in=tied, rating__isnull=False).values_list("assignee")
    average = dict(rated.annotate(mean=Avg("rating")).values_list("assignee", "mean"))
    return max(tied, key=lambda admin: average.get(admin.pk, 0))
