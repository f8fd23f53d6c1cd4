"""
Forgetting what nobody will ask for again.

An outbox row protects from a second push of its cause, and its push from losing its receipt; so only what is settled
and old goes. It is found by its ids, which follow time: no table has an index on its age.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from notifications.actions import devices
from notifications.enums import RowState
from notifications.models import Device, Notification, OutboxRow, Push

KEPT = timedelta(days=30)
BATCH = 1000  # rows of one transaction


def forget(*, now: datetime | None = None) -> int:
    """How many rows went: dropped or settled, read, ended, and all of that KEPT ago."""
    at = now or timezone.now()
    old = at - KEPT
    devices.end_signed_out(now=at)
    over = Q(state=RowState.DROPPED) | Q(push__settled_at__lt=old) | Q(state=RowState.TAKEN, push=None)
    return (
        _forget(OutboxRow.objects.all(), old, over)
        + _forget(Push.objects.all(), old, Q(settled_at__lt=old))
        + _forget(Notification.objects.all(), old, Q(read_at__lt=old))
        + _forget_devices(old)
    )


def _forget(rows: QuerySet[Any], old: datetime, over: Q) -> int:
    """Delete those that are old and over, the oldest first, up to the first that is not old."""
    gone, rest = 0, rows.order_by("pk")
    while True:
        batch = rest.values_list("pk", "created_at")[:BATCH]
        aged = [pk for pk, created_at in batch if created_at < old]
        gone += rows.filter(over, pk__in=aged).delete()[0]
        if len(aged) < BATCH:
            return gone
        rest = rows.order_by("pk").filter(pk__gt=aged[-1])


def _forget_devices(old: datetime) -> int:
    """Those that ended long ago and that nothing speaks of."""
    kept = Exists(OutboxRow.objects.filter(device=OuterRef("pk"))) | Exists(Push.objects.filter(device=OuterRef("pk")))
    gone, over = 0, Device.objects.filter(~kept, ended_at__lt=old).values_list("pk", flat=True)
    while batch := list(over[:BATCH]):
        gone += Device.objects.filter(pk__in=batch).delete()[0]
    return gone
