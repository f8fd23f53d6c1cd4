"""The in-app list: what is unread in it, and reading."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from accounts.models import User
from notifications.models import Notification


def unread(user_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many notifications each of these people has not read, in one query."""
    counted = Notification.objects.unread().filter(user__in=user_ids).order_by().values("user").annotate(n=Count("pk"))
    return dict.fromkeys(user_ids, 0) | dict(counted.values_list("user", "n"))


def mark_read(*, actor: User, ids: Collection[UUID] | None = None, now: datetime | None = None) -> int:
    """
    Mark some of one's own notifications as read, or all of them, and say how many are left unread. One read before
    keeps its time; ids of nothing, or of somebody else's, change nothing.
    """
    mine = Notification.objects.of(actor.pk).unread()
    if ids is not None:
        mine = mine.filter(pk__in=ids)
    with transaction.atomic():
        # Locked in one order, as two devices may read the same ones at once.
        found = list(mine.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
        Notification.objects.filter(pk__in=found).update(read_at=now or timezone.now())
    return unread([actor.pk])[actor.pk]
