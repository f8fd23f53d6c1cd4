"""
The devices that pushes go to: registered, taken over, ended.

Whoever changes several rows locks them in one order: the person, the session, then devices by id.
"""

import re
from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.errors import Conflict, InvalidBody, NotFound, Unauthenticated
from accounts.models import DeviceSession, User
from accounts.revocation import Revoked
from notifications.enums import EndReason, Platform
from notifications.models import Device

# Both spellings that Expo gives out; what stands between the brackets is the same in both.
TOKEN = re.compile(r"Expo(?:nent)?PushToken\[([!-Z\\^-~]{1,160})\]")
ATTEMPTS = 10  # each one lost is a registration of the same token that somebody else won


def register(
    *,
    actor: User,
    session: DeviceSession,
    token: str,
    platform: Platform,
    name: str = "",
    now: datetime | None = None,
) -> tuple[Device, bool]:
    """
    The device of this token, which from now on belongs to this person and this sign-in alone, and whether it is new.
    Whoever had the token before gets no more pushes on it; an earlier token of the same sign-in ends, and so does the
    device registered longest ago when there are more than DEVICES_PER_USER.
    """
    match = TOKEN.fullmatch(token)
    if match is None:
        raise InvalidBody("This is not an Expo push token.", pointer="/token")
    said = {"token": token, "platform": platform, "name": name, "registered_at": now or timezone.now()}
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                _lock(actor, session)
                return _register(actor, session, match[1], said)
        except IntegrityError:  # somebody registered this token since we looked; now it can be seen
            continue
    raise Conflict("This device is being registered by others at this moment.")


def remove(*, actor: User, device_id: UUID, now: datetime | None = None) -> None:
    """No more pushes to one of one's own devices. Raises NotFound for any other, and for one that has ended."""
    mine = Device.objects.active().filter(user=actor, pk=device_id)
    if not mine.update(ended_at=now or timezone.now(), end_reason=EndReason.REMOVED):
        raise NotFound


def hold(device_ids: Collection[UUID]) -> None:
    """Lock these until the end of the transaction, for whoever will change more than one."""
    list(Device.objects.filter(pk__in=device_ids).order_by("pk").select_for_update(no_key=True).values_list("pk"))


def sessions_ended(revoked: Revoked) -> None:
    """The devices of sessions that ended. Pushes to them stop with the session; here the list learns of it."""
    with transaction.atomic():
        _end_found(Q(user=revoked.user_id, session__revoked_at__isnull=False), timezone.now())


def end_signed_out(*, now: datetime | None = None) -> int:
    """How many devices were left behind by a sign-in that ran out, or that nobody told us the end of."""
    at = now or timezone.now()
    gone = Q(session__revoked_at__isnull=False) | Q(session__expires_at__lte=at) | Q(user__is_active=False)
    with transaction.atomic():
        return _end_found(gone, at)


def _lock(actor: User, session: DeviceSession) -> None:
    """Hold the sign-in, so that its end comes before, and is refused here, or after, and finds the device."""
    list(User.objects.locked().filter(pk=actor.pk))
    live = DeviceSession.objects.live().filter(pk=session.pk, user=actor)
    if not live.select_for_update(no_key=True, of=("self",)):
        raise Unauthenticated


def _register(actor: User, session: DeviceSession, key: str, said: dict[str, object]) -> tuple[Device, bool]:
    at = said["registered_at"]
    found = Device.objects.active().filter(Q(token_key=key) | Q(user=actor))
    devices = list(found.order_by("pk").select_for_update(no_key=True))
    mine = next((device for device in devices if device.token_key == key and device.user_id == actor.pk), None)
    theirs = [device for device in devices if device.user_id != actor.pk]
    replaced = [one for one in devices if one.session_id == session.pk and one not in (mine, *theirs)]
    kept = [one for one in devices if one not in (mine, *theirs, *replaced)]
    kept.sort(key=lambda device: device.registered_at)
    too_many = kept[: max(0, len(kept) + 1 - settings.DEVICES_PER_USER)]
    for reason, ending in (
        (EndReason.RE_OWNED, theirs),
        (EndReason.REPLACED, replaced),
        (EndReason.TOO_MANY, too_many),
    ):
        _end((device.pk for device in ending), reason, at)
    if mine is None:
        return Device.objects.create(user=actor, session=session, token_key=key, **said), True
    mine.session = session
    for field, value in said.items():
        setattr(mine, field, value)
    mine.save(update_fields=["session", *said])
    return mine, False


def _end_found(which: Q, at: datetime) -> int:
    found = Device.objects.active().filter(which).order_by("pk").select_for_update(no_key=True, of=("self",))
    return _end(found.values_list("pk", flat=True), EndReason.SIGNED_OUT, at)


def _end(device_ids: Iterable[UUID], reason: EndReason, at: object) -> int:
    ids = list(device_ids)
    return Device.objects.filter(pk__in=ids).update(ended_at=at, end_reason=reason) if ids else 0
