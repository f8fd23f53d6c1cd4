"""Sending dead letters again, by hand."""

import logging
from collections.abc import Collection
from uuid import UUID

from django.utils import timezone

from accounts.errors import Forbidden
from accounts.models import User
from notifications.enums import PushState
from notifications.models import Device, Push

logger = logging.getLogger("parley.pushes")


def retry(*, actor: User, push_ids: Collection[UUID]) -> int:
    """A super admin has failed pushes sent again, on devices that are still there. How many. Others stay."""
    if not (actor.is_super_admin and actor.is_active):
        raise Forbidden
    failed = Push.objects.filter(pk__in=push_ids, state=PushState.FAILED, device__in=Device.objects.active())
    sent = failed.update(
        state=PushState.READY, due_at=timezone.now(), attempts=0, error="", settled_at=None, claimed_until=None
    )
    logger.info("dead letters sent again", extra={"pushes": sent, "actor": str(actor.pk)})
    return sent
