"""
Whose turn it is to talk to Expo, and how fast: pushes are claimed under the lock of the service's one row, which keeps
the rate and the circuit breaker for all workers together. What is claimed belongs to the worker until `claimed_until`;
one that died lets it lapse, and it is sent again under the same id.
"""

import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from notifications.actions import gathering
from notifications.enums import PushState, RowState
from notifications.expo import MAX_BATCH, RequestFailed
from notifications.models import OutboxRow, Push, Service

MAX_IN_FLIGHT = 2 * MAX_BATCH  # claimed at once by all workers: an Expo that hangs holds up no more of them than two
PROBE = 10  # pushes risked while Expo is not well
PACE = 0.8  # of the rate: on a busy machine batches arrive closer together than they were sent
SPARE = timedelta(seconds=20)  # beyond the time limit of the request, to store what came of it
LONGEST_PAUSE = 60.0  # seconds
MAX_FAILURES = 1000  # counted: more would fit neither the column nor a power of two


@dataclass(frozen=True, slots=True)
class Claimed:
    """Pushes of this worker, the mark they carry, and from when on they keep to the rate (of time.monotonic)."""

    pushes: list[Push]
    until: datetime
    slot: float


def is_anything_due(now: datetime) -> bool:
    """Without a lock: most of the time there is nothing to do."""
    rows = OutboxRow.objects.filter(state=RowState.PENDING, due_at__lte=now)
    ready = Push.objects.filter(state=PushState.READY, due_at__lte=now)
    lapsed = Push.objects.filter(state=PushState.SENDING, claimed_until__lte=now)
    return rows.exists() or ready.exists() or lapsed.exists()


def claim(now: datetime) -> Claimed:
    """Gather what is due, and take the pushes that may go out now."""
    until = now + settings.PUSH_TIMEOUT + SPARE
    with transaction.atomic():
        service = _hold()
        gathering.gather(now)
        _take_back_lapsed(now)
        room = _room(service, now)
        ready = Push.objects.filter(state=PushState.READY, due_at__lte=now).order_by("due_at", "id")
        pushes = list(ready[:room]) if room else []
        if not pushes:
            return Claimed([], until, 0.0)
        claimed = Push.objects.filter(pk__in=[push.pk for push in pushes])
        claimed.update(state=PushState.SENDING, claimed_until=until, attempts=F("attempts") + 1)
        for push in pushes:
            push.attempts, push.claimed_until = push.attempts + 1, until
        slot = max(now, service.next_slot_at)
        service.next_slot_at = slot + timedelta(seconds=len(pushes) / (PACE * settings.PUSHES_PER_SECOND))
        service.save(update_fields=["next_slot_at"])
    return Claimed(pushes, until, time.monotonic() + (slot - now).total_seconds())


def _hold() -> Service:
    Service.objects.get_or_create(pk=1)
    return Service.objects.select_for_update().get(pk=1)


def _take_back_lapsed(now: datetime) -> None:
    """Of workers that died: whether Expo has these pushes nobody knows."""
    lapsed = Push.objects.filter(state=PushState.SENDING, claimed_until__lte=now)
    lapsed.update(state=PushState.READY, due_at=now, claimed_until=None, unanswered=F("unanswered") + 1)


def _room(service: Service, now: datetime) -> int:
    if service.paused_until is not None and service.paused_until > now:
        return 0
    in_flight = Push.objects.filter(state=PushState.SENDING).count()
    if service.failures:
        return 0 if in_flight else PROBE
    return min(MAX_BATCH, MAX_IN_FLIGHT - in_flight) if in_flight < MAX_IN_FLIGHT else 0


def note_success() -> None:
    """Expo answers: all may talk to it again."""
    Service.objects.filter(failures__gt=0).update(failures=0, paused_until=None, last_error="")


def note_failure(failed: RequestFailed, now: datetime) -> datetime:
    """The circuit breaker: nobody asks until the time returned, longer with each failure."""
    with transaction.atomic():
        service = _hold()
        service.failures = min(service.failures + 1, MAX_FAILURES)
        pause = min(2.0 ** (service.failures - 1), LONGEST_PAUSE) * random.uniform(0.8, 1.2)
        service.paused_until = now + timedelta(seconds=failed.retry_after or pause)
        service.last_error = f"{failed.trouble}: {failed.reason}"[:200]
        service.save(update_fields=["failures", "paused_until", "last_error"])
    return service.paused_until
