"""Writing outbox rows, in the transaction of what caused them. Who has no device costs one query and no row."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.ids import new_id
from notifications import announcing
from notifications.enums import Kind
from notifications.models import Device, Notification, OutboxRow


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something to be pushed to all devices of one person; `waits`: their app is open, it may reach them there."""

    user_id: UUID
    kind: Kind
    cause: UUID
    thread: UUID
    waits: bool


def add(wanted: Sequence[Wanted], *, now: datetime | None = None) -> None:
    """One row for each active device. A cause that has a row on a device already gets no other."""
    at = now or timezone.now()
    devices: dict[UUID, list[UUID]] = {}
    found = Device.objects.active().filter(user__in={one.user_id for one in wanted})
    for device_id, user_id in found.values_list("pk", "user"):
        devices.setdefault(user_id, []).append(device_id)
    rows = [_row(one, device_id, at) for one in wanted for device_id in devices.get(one.user_id, ())]
    if rows:
        OutboxRow.objects.bulk_create(rows, ignore_conflicts=True)


def _row(one: Wanted, device_id: UUID, at: datetime) -> OutboxRow:
    wait = settings.PUSH_WAIT_FOR_APP if one.waits else settings.PUSH_GATHER
    return OutboxRow(
        device_id=device_id,
        user_id=one.user_id,
        kind=one.kind,
        cause=one.cause,
        thread=one.thread,
        waits=one.waits,
        created_at=at,
        due_at=at + wait,
    )


def notify(
    *,
    user_ids: Collection[UUID],
    kind: Kind,
    cause: UUID,
    thread: UUID,
    text: str,
    url: str,
    open_apps: Collection[UUID] = (),
    now: datetime | None = None,
) -> None:
    """
    Tell some people something: an entry in their in-app list, said live, and a push to their devices. `open_apps` are
    those of them who have the app open. Who was told of this cause already is not told again.
    """
    at = now or timezone.now()
    told = set(Notification.objects.filter(cause=cause, user__in=user_ids).values_list("user", flat=True))
    new = [
        Notification(user_id=user_id, kind=kind, cause=cause, text=text, url=url, created_at=at)
        for user_id in dict.fromkeys(user_ids)
        if user_id not in told
    ]
    if not new:
        return
    Notification.objects.bulk_create(new, ignore_conflicts=True)
    new = list(Notification.objects.filter(pk__in=[one.pk for one in new]))  # others tell of it at this moment too
    transaction.on_commit(partial(announcing.announce, new), robust=True)
    add([Wanted(one.user_id, kind, cause, thread, one.user_id in open_apps) for one in new], now=at)


def lower_badges(user_ids: Collection[UUID]) -> None:
    """These people have read something: the icons of their devices that show a number are to be put right, silently."""
    at = timezone.now()
    shown = Device.objects.active().filter(user__in=user_ids, badge__gt=0)
    waiting = OutboxRow.objects.filter(kind=Kind.BADGE, state="pending").values("device")
    OutboxRow.objects.bulk_create(
        OutboxRow(
            device=device,
            user_id=device.user_id,
            kind=Kind.BADGE,
            cause=new_id(),
            thread=device.pk,
            created_at=at,
            due_at=at + settings.PUSH_GATHER,
        )
        for device in shown.exclude(pk__in=waiting)
    )
