"""Ending devices by hand."""

from collections import Counter
from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import changes
from accounts.changes import Changed, Kind
from accounts.errors import Forbidden
from accounts.models import User
from notifications.enums import EndReason
from notifications.models import Device


def end(*, actor: User, device_ids: Collection[UUID]) -> int:
    """
    A super admin has these devices get no more pushes, whosever they are, until their app registers again. How many
    of them had not ended yet.
    """
    if not (actor.is_super_admin and actor.is_active):
        raise Forbidden
    with transaction.atomic():
        active = Device.objects.active().filter(pk__in=device_ids)
        held = dict(active.order_by("pk").select_for_update(no_key=True).values_list("pk", "user"))
        Device.objects.filter(pk__in=held).update(ended_at=timezone.now(), end_reason=EndReason.ADMIN)
        ended = Counter(held.values())
        for user in User.objects.filter(pk__in=ended):
            changes.announce(Changed(Kind.PUSH_DEVICES_ENDED, actor, user, {"devices": (ended[user.pk], 0)}))
    return len(held)
