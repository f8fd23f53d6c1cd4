"""How the pushes stand: what waits, what failed for good, and whether Expo answers. Only reads, by small indexes."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min
from django.utils import timezone

from notifications.enums import PushState, RowState
from notifications.models import OutboxRow, Push, Service


@dataclass(frozen=True, slots=True)
class Health:
    """`waiting`: outbox rows in no push yet; `oldest`: since when the oldest of these and of the ready pushes waits."""

    waiting: int
    ready: int
    sending: int
    dead_letters: int
    oldest: datetime | None
    paused_until: datetime | None
    failures: int
    last_error: str


def dead_letters() -> int:
    return Push.objects.filter(state=PushState.FAILED).count()


def read(now: datetime | None = None) -> Health:
    """Five queries."""
    at = now or timezone.now()
    service = Service.objects.filter(pk=1).first() or Service()
    rows = OutboxRow.objects.filter(state=RowState.PENDING).aggregate(count=Count("pk"), oldest=Min("created_at"))
    ready = Push.objects.filter(state=PushState.READY).aggregate(count=Count("pk"), oldest=Min("created_at"))
    paused = service.paused_until is not None and service.paused_until > at
    return Health(
        waiting=rows["count"],
        ready=ready["count"],
        sending=Push.objects.filter(state=PushState.SENDING).count(),
        dead_letters=dead_letters(),
        oldest=min((one for one in (rows["oldest"], ready["oldest"]) if one is not None), default=None),
        paused_until=service.paused_until if paused else None,
        failures=service.failures,
        last_error=service.last_error,
    )
