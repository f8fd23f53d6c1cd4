"""What became of pushes, stored: tickets, receipts, errors, and the end of devices that are no more."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from notifications.actions import devices
from notifications.actions.composing import Composed
from notifications.enums import PushState
from notifications.expo import DEVICE_NOT_REGISTERED, RATE_EXCEEDED, Outcome
from notifications.models import Device, Push

FIRST_RETRY = timedelta(seconds=10)  # of one push; doubled each time
LAST_RETRY = timedelta(minutes=10)


def drop(pushes: Collection[Push], now: datetime) -> None:
    """Nothing of them is wanted any more."""
    _release(pushes, state=PushState.DROPPED, settled_at=now)


def settle(sent: Sequence[tuple[Composed, Outcome]], until: datetime, now: datetime) -> None:
    """
    A batch that Expo answered, in one transaction. A ticket counts even where the claim has lapsed meanwhile: whoever
    was to send the push again finds it sent. An error counts only for whoever holds the push still.
    """
    with transaction.atomic():
        held = _hold([one.push.pk for one, _ in sent])
        devices.hold({one.push.device_id for one, _ in sent})
        accepted: list[Push] = []
        badges: list[Device] = []
        for composed, outcome in sent:
            push = held[composed.push.pk]
            if outcome.error is None:
                if push.state in (PushState.READY, PushState.SENDING):
                    accepted.append(_with_ticket(push, composed, outcome, now))
                    badges.append(Device(pk=push.device_id, badge=composed.badge))
            elif push.state == PushState.SENDING and push.claimed_until == until:
                refuse(push, outcome.error, now)
        Push.objects.bulk_update(accepted, _TICKET_FIELDS)
        Device.objects.bulk_update(badges, ["badge"])


_TICKET_FIELDS = ["state", "ticket", "sent_at", "due_at", "claimed_until", "count", "error"]


def _with_ticket(push: Push, composed: Composed, outcome: Outcome, now: datetime) -> Push:
    push.state, push.ticket, push.sent_at, push.error = PushState.SENT.value, outcome.ticket, now, ""
    push.due_at, push.claimed_until, push.count = now + settings.PUSH_RECEIPT_AFTER, None, composed.count
    return push


def refuse(push: Push, error: str, now: datetime) -> None:
    """Expo's word about one push: too fast is tried again later, everything else is final."""
    if error == RATE_EXCEEDED:
        _update([push.pk], state=PushState.READY, due_at=now + retry_after(push), claimed_until=None, error=error)
        return
    if error == DEVICE_NOT_REGISTERED:
        # Who has registered the token again since then is reachable by it again.
        gone = Device.objects.active().filter(pk=push.device_id, registered_at__lte=push.created_at)
        gone.update(ended_at=now, end_reason="not_registered")
    _update([push.pk], state=PushState.FAILED, error=error[:200], settled_at=now, claimed_until=None)


def fail(pushes: Collection[Push], error: str, now: datetime) -> None:
    """For good: dead letters."""
    _release(pushes, state=PushState.FAILED, error=error[:200], settled_at=now)


def give_back(pushes: Collection[Push], due_at: datetime, *, unanswered: bool) -> None:
    """To be sent again, by whoever comes first. `unanswered`: Expo may have them already."""
    more = {"unanswered": F("unanswered") + 1} if unanswered else {}
    _release(pushes, state=PushState.READY, due_at=due_at, **more)


def retry_after(push: Push) -> timedelta:
    doublings = min(max(push.attempts - 1, 0), 10)
    return min(FIRST_RETRY * (1 << doublings), LAST_RETRY)


def _release(pushes: Collection[Push], **values: object) -> None:
    """Only what is still held under the claim it was taken with: another worker may have sent a push meanwhile."""
    marks = {push.claimed_until for push in pushes}
    held = Push.objects.filter(pk__in=[push.pk for push in pushes], state=PushState.SENDING, claimed_until__in=marks)
    held.update(claimed_until=None, **values)


def _update(push_ids: Collection[UUID], **values: object) -> None:
    open_states = (PushState.READY, PushState.SENDING, PushState.SENT)
    Push.objects.filter(pk__in=push_ids, state__in=open_states).update(**values)


def settle_receipts(pushes: Mapping[str, Push], found: Mapping[str, Outcome], now: datetime) -> None:
    """By ticket. What has no receipt yet stays as it is, and so does what was sent again since: it has another."""
    with transaction.atomic():
        held = _hold([pushes[ticket].pk for ticket in found if ticket in pushes])
        waiting = {push.ticket: push for push in held.values() if push.state == PushState.SENT}
        known = [(waiting[ticket], outcome.error) for ticket, outcome in found.items() if ticket in waiting]
        devices.hold({push.device_id for push, error in known if error is not None})
        _update([push.pk for push, error in known if error is None], state=PushState.DELIVERED, settled_at=now)
        for push, error in known:
            if error is not None:
                refuse(push, error, now)


def _hold(push_ids: Collection[UUID]) -> dict[UUID, Push]:
    """Pushes by id, then devices by id: the one order of locks."""
    return Push.objects.select_for_update().order_by("pk").in_bulk(push_ids)
