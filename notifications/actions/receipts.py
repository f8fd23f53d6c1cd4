"""Asking Expo, a quarter of an hour later, what became of pushes."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from notifications import expo
from notifications.actions import settling
from notifications.enums import PushState
from notifications.expo import MAX_RECEIPTS, RequestFailed
from notifications.models import Push

logger = logging.getLogger("parley.pushes")

ASK_AGAIN = timedelta(minutes=15)
KEPT_BY_EXPO = timedelta(hours=24)
MAX_BATCHES = 50  # in one run


def read_due(now: datetime | None = None) -> int:
    """How many receipts came. A failing Expo changes nothing: they are asked for again."""
    at = now or timezone.now()
    came = 0
    for _ in range(MAX_BATCHES):
        pushes = _claim(at)
        if not pushes:
            break
        try:
            found = expo.receipts(list(pushes))
        except RequestFailed as failed:
            logger.warning("no receipts", extra={"trouble": failed.trouble.value})
            break
        settling.settle_receipts(pushes, found, at)
        came += len(found)
    return came


def _claim(now: datetime) -> dict[str, Push]:
    """By ticket. They are due again later, in case no receipt is there yet or this worker dies."""
    with transaction.atomic():
        waiting = Push.objects.filter(state=PushState.SENT, settled_at=None, due_at__lte=now)
        due = list(waiting.select_for_update(skip_locked=True).order_by("due_at")[:MAX_RECEIPTS])
        late = [push.pk for push in due if push.sent_at is not None and push.sent_at < now - KEPT_BY_EXPO]
        Push.objects.filter(pk__in=late).update(settled_at=now, error="no receipt", due_at=now + 1000 * KEPT_BY_EXPO)
        asked = [push for push in due if push.pk not in late]
        again = now + min(ASK_AGAIN, settings.PUSH_RECEIPT_AFTER)
        Push.objects.filter(pk__in=[push.pk for push in asked]).update(due_at=again)
    return {push.ticket: push for push in asked}
