"""Who was reached by a message, and how: over a socket, by push, read. Only reads; the right to it is the caller's."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from chat.models import Connection, Message, Participant, Presence
from notifications.enums import PushState, RowState
from notifications.models import Device, OutboxRow

MAX_PEOPLE = 200  # of a large group, in the order they came
CLOCK_SLACK = timedelta(seconds=1)  # somebody's place and the first words in it are written one after the other


@dataclass(frozen=True, slots=True)
class OnDevice:
    """
    What became of a message on one device. `state` is the row's until it is in a push, then the push's; "" where no
    push was to be made. `together` counts the messages of its push; `receipt` is when Apple or Google answered.
    """

    name: str
    platform: str
    state: str
    why: str = ""
    due_at: datetime | None = None
    sent_at: datetime | None = None
    receipt: datetime | None = None
    ticket: str = ""
    together: int = 0
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Recipient:
    """`app_open` when it was sent, as their devices' rows tell: None without a row. `late`: they came after it."""

    user: User
    role: str
    late: bool
    gone: bool
    online: bool
    last_active: datetime | None
    app_open: bool | None
    delivered: bool
    read: bool
    devices: list[OnDevice]


@dataclass(frozen=True, slots=True)
class Reached:
    message: Message
    recipients: list[Recipient]
    more: int  # recipients beyond MAX_PEOPLE


def reached(message: Message, now: datetime | None = None) -> Reached:
    """Everybody but the sender who was there when it was stored or came later. Six queries for any number of them."""
    at = now or timezone.now()
    there = Q(left_at=None) | Q(left_at__gt=message.created_at)
    places = Participant.objects.filter(there, conversation=message.conversation_id).exclude(user=message.sender_id)
    count = places.count()
    shown = list(places.select_related("user").order_by("id")[:MAX_PEOPLE])
    user_ids = {place.user_id for place in shown}
    online = set(Connection.objects.filter(user__in=user_ids, expires_at__gt=at).values_list("user", flat=True))
    active = dict(Presence.objects.filter(user__in=user_ids).values_list("user", "last_active"))
    rows = _rows(message, user_ids)
    others = _without_row(message, user_ids, rows)
    return Reached(
        message,
        [
            Recipient(
                user=place.user,
                role=place.role,
                late=place.joined_at > message.created_at + CLOCK_SLACK,
                gone=place.left_at is not None,
                online=place.user_id in online,
                last_active=active.get(place.user_id),
                app_open=any(row.waits for row in rows[place.user_id]) if place.user_id in rows else None,
                delivered=place.delivered_seq >= message.seq,
                read=place.read_seq >= message.seq,
                devices=[_told(row) for row in rows.get(place.user_id, ())]
                + [_untold(device) for device in others.get(place.user_id, ())],
            )
            for place in shown
        ],
        more=max(0, count - len(shown)),
    )


def _rows(message: Message, user_ids: Collection[UUID]) -> dict[UUID, list[OutboxRow]]:
    found = OutboxRow.objects.filter(cause=message.pk, user__in=user_ids).select_related("device", "push")
    rows: dict[UUID, list[OutboxRow]] = defaultdict(list)
    for row in found.order_by("device__registered_at", "id"):
        rows[row.user_id].append(row)
    return dict(rows)


def _without_row(
    message: Message, user_ids: Collection[UUID], rows: dict[UUID, list[OutboxRow]]
) -> dict[UUID, list[Device]]:
    """The devices people had when it was sent, and have still, that nothing was to be pushed to."""
    told = {row.device_id for some in rows.values() for row in some}
    found = Device.objects.active().filter(user__in=user_ids, registered_at__lte=message.created_at)
    devices: dict[UUID, list[Device]] = defaultdict(list)
    for device in found.order_by("registered_at", "pk"):
        if device.pk not in told:
            devices[device.user_id].append(device)
    return dict(devices)


def _told(row: OutboxRow) -> OnDevice:
    device, push = row.device, row.push
    common = {"name": device.name, "platform": device.platform, "ended": device.ended_at is not None}
    if row.state != RowState.TAKEN or push is None:
        due = row.due_at if row.state == RowState.PENDING else None
        return OnDevice(state=row.state, why=row.reason, due_at=due, **common)  # type: ignore[arg-type]
    answered = push.state in (PushState.DELIVERED, PushState.FAILED) and bool(push.ticket)
    return OnDevice(
        state=push.state,
        why=push.error,
        due_at=push.due_at if push.state == PushState.READY else None,
        sent_at=push.sent_at,
        receipt=push.settled_at if answered else None,
        ticket=push.ticket,
        together=push.count,
        **common,  # type: ignore[arg-type]
    )


def _untold(device: Device) -> OnDevice:
    return OnDevice(name=device.name, platform=device.platform, state="")
