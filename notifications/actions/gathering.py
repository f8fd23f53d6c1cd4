"""
From outbox rows to pushes: what was said to one device in one thread within moments becomes one push.

A thread has to be quiet for PUSH_GATHER, so that a burst is counted as a whole, yet nobody waits longer than
PUSH_EVERY; and that long lies between two pushes of messages in it. While a push has not gone out, what follows joins
it. Callers hold the service's row, so nobody gathers or claims at the same time.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Max

from notifications.enums import Kind, PushState, RowState
from notifications.models import OutboxRow, Push

MAX_ROWS = 1000  # at a time: memory stays the same however much is due

Group = tuple[UUID, UUID, str]  # device, thread, kind


def gather(now: datetime) -> int:
    """Put what is due into pushes. How many rows were due; fewer than MAX_ROWS means that this was all."""
    pending = OutboxRow.objects.filter(state=RowState.PENDING)
    due = list(pending.filter(due_at__lte=now).order_by("due_at", "id")[:MAX_ROWS])
    if not due:
        return 0
    groups: dict[Group, list[OutboxRow]] = {}
    for row in due:
        groups.setdefault(_group(row), []).append(row)
    places = {"device__in": {key[0] for key in groups}, "thread__in": {key[1] for key in groups}}
    for row in pending.filter(**places, due_at__gt=now, waits=False).order_by("id")[:MAX_ROWS]:
        if _group(row) in groups:
            groups[_group(row)].append(row)
    _join(groups, now, _unsent(places), _latest(places, now))
    return len(due)


def _join(
    groups: dict[Group, list[OutboxRow]], now: datetime, unsent: dict[Group, UUID], latest: dict[Group, datetime]
) -> None:
    new: list[Push] = []
    for key, rows in groups.items():
        ready_at = max(_quiet_at(rows, now), latest.get(key, now))
        if key not in unsent and ready_at > now:
            for row in rows:
                row.due_at = ready_at
            continue
        if key not in unsent:
            device_id, thread, kind = key
            new.append(Push(device_id=device_id, thread=thread, kind=kind, created_at=now, due_at=now))
            unsent[key] = new[-1].pk
        for row in rows:
            row.push_id, row.state = unsent[key], RowState.TAKEN.value
    Push.objects.bulk_create(new)
    changed = [row for rows in groups.values() for row in rows]
    OutboxRow.objects.bulk_update(changed, ["push", "state", "due_at"], batch_size=500)


def _group(row: OutboxRow) -> Group:
    return row.device_id, row.thread, row.kind


def _quiet_at(rows: Collection[OutboxRow], now: datetime) -> datetime:
    """When it has been quiet for long enough, or somebody waited for too long. What waited for an open app is late."""
    said = [row.created_at for row in rows if not row.waits]
    if not said:
        return now
    return min(max(said) + settings.PUSH_GATHER, min(said) + settings.PUSH_EVERY)


def _unsent(places: dict[str, set[UUID]]) -> dict[Group, UUID]:
    ready = Push.objects.filter(state=PushState.READY, device__in=places["device__in"], thread__in=places["thread__in"])
    return {
        (device, thread, kind): pk for pk, device, thread, kind in ready.values_list("pk", "device", "thread", "kind")
    }


def _latest(places: dict[str, set[UUID]], now: datetime) -> dict[Group, datetime]:
    """From when on the next push of messages may be made, where the last one was made just now."""
    lately = Push.objects.filter(
        kind=Kind.MESSAGE,
        device__in=places["device__in"],
        thread__in=places["thread__in"],
        created_at__gt=now - settings.PUSH_EVERY,
    ).exclude(state=PushState.DROPPED)
    rows = lately.values_list("device", "thread", "kind").annotate(last=Max("created_at")).order_by()
    return {(device, thread, kind): last + settings.PUSH_EVERY for device, thread, kind, last in rows}
