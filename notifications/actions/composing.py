"""What claimed pushes say, asked at the last moment; what nobody wants any more is dropped with its reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.conf import settings

from notifications import payload, sources
from notifications.actions.quiet import is_quiet
from notifications.enums import PREFERENCES, Kind, RowState
from notifications.models import Device, OutboxRow, Preferences, Push
from notifications.payload import Payload
from notifications.sources import Asked, Dropped, Said

APP = "Parley"  # the title where content is hidden


@dataclass(slots=True)
class Composed:
    """A push ready to be sent, or (without a payload) one of which nothing is left."""

    push: Push
    payload: Payload | None = None
    badge: int = 0
    count: int = 0


@dataclass(slots=True)
class _Known:
    """What a batch is judged by, read at once."""

    now: datetime
    devices: Mapping[UUID, Device]
    preferences: Mapping[UUID, Preferences]
    answers: dict[int, Said | Dropped] = field(default_factory=dict)
    badges: Mapping[UUID, int] = field(default_factory=dict)


def compose(pushes: Sequence[Push], now: datetime) -> list[Composed]:
    """In the order given. Rows that are dropped are stored as such; asks as often for a hundred pushes as for one."""
    rows: dict[UUID | None, list[OutboxRow]] = {}
    taken = OutboxRow.objects.filter(push__in=[push.pk for push in pushes], state=RowState.TAKEN).order_by("id")
    for row in taken:
        rows.setdefault(row.push_id, []).append(row)
    known = _Known(
        now,
        Device.objects.reachable(now).in_bulk([push.device_id for push in pushes]),
        Preferences.objects.in_bulk([row.user_id for row in taken]),
    )
    _ask(list(taken), known)
    composed = [_compose(push, rows.get(push.pk, []), known) for push in pushes]
    _store_dropped(list(taken), known)
    return composed


def _ask(rows: Sequence[OutboxRow], known: _Known) -> None:
    for row in rows:
        if (reason := _why_not(row, known)) is not None:
            known.answers[row.pk] = reason
    left = [row for row in rows if row.pk not in known.answers]
    source = sources.current()
    known.badges = source.badges({row.user_id for row in left})
    asked = [
        Asked(row.pk, row.user_id, Kind(row.kind), row.cause, row.thread, row.waits, row.created_at)
        for row in left
        if row.kind != Kind.BADGE
    ]
    known.answers.update(source.answer(asked, known.now))
    for row in left:
        if row.kind == Kind.BADGE and known.devices[row.device_id].badge == known.badges[row.user_id]:
            known.answers[row.pk] = Dropped.SAME_BADGE


def _why_not(row: OutboxRow, known: _Known) -> Dropped | None:
    """What can be said without knowing what it is about."""
    device = known.devices.get(row.device_id)
    if device is None or device.user_id != row.user_id:
        return Dropped.DEVICE
    if row.created_at < known.now - settings.PUSH_LIFETIME:
        return Dropped.STALE
    preferences = known.preferences.get(row.user_id)
    if preferences is None or row.kind == Kind.BADGE:
        return None
    if row.kind in PREFERENCES and not getattr(preferences, row.kind):
        return Dropped.UNWANTED
    return Dropped.QUIET if is_quiet(preferences, known.now) else None


def _compose(push: Push, rows: Sequence[OutboxRow], known: _Known) -> Composed:
    left = [row for row in rows if not isinstance(known.answers.get(row.pk), Dropped)]
    if not left:
        return Composed(push)
    user_id, device = left[-1].user_id, known.devices[push.device_id]
    badge = known.badges[user_id]
    if push.kind == Kind.BADGE:
        return Composed(push, payload.silent(token=device.token, push_id=push.pk, badge=badge), badge, len(left))
    said = known.answers[left[-1].pk]
    assert isinstance(said, Said)
    preferences = known.preferences.get(user_id)
    hidden = preferences is not None and preferences.hide_content
    one = said.generic if hidden else said.text
    text = one if len(left) == 1 else sources.current().summary(Kind(push.kind), len(left))
    title = APP if hidden else said.title
    ready = payload.visible(
        token=device.token,
        push_id=push.pk,
        kind=Kind(push.kind),
        title=title,
        text=text,
        badge=badge,
        data=said.data,
    )
    return Composed(push, ready, badge, len(left))


def _store_dropped(rows: Sequence[OutboxRow], known: _Known) -> None:
    by_reason: dict[Dropped, list[int]] = {}
    for row in rows:
        answer = known.answers.get(row.pk)
        if isinstance(answer, Dropped):
            by_reason.setdefault(answer, []).append(row.pk)
    for reason, ids in by_reason.items():
        OutboxRow.objects.filter(pk__in=ids).update(state=RowState.DROPPED, reason=reason)
