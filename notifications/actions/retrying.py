"""Sending dead letters again, by hand."""

import logging
from collections import Counter
from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import changes
from accounts.changes import Changed, Kind
from accounts.errors import Forbidden
from accounts.models import User
from notifications.enums import PushState
from notifications.models import Push

logger = logging.getLogger("parley.pushes")


def retry(*, actor: User, push_ids: Collection[UUID]) -> int:
    """A super admin has failed pushes sent again, on devices that are still there. How many. Others stay."""
    if not (actor.is_super_admin and actor.is_active):
        raise Forbidden
    with transaction.atomic():
        failed = Push.objects.filter(pk__in=push_ids, state=PushState.FAILED, device__ended_at=None)
        held = failed.select_for_update(of=("self",)).order_by("pk")
        people = dict(held.values_list("pk", "device__user"))
        afresh = {"attempts": 0, "error": "", "ticket": "", "sent_at": None, "settled_at": None, "claimed_until": None}
        Push.objects.filter(pk__in=people).update(state=PushState.READY, due_at=timezone.now(), **afresh)
        letters = Counter(people.values())
        for user in User.objects.filter(pk__in=letters):
            change = {"dead_letters": (letters[user.pk], 0)}
            changes.announce(Changed(Kind.PUSHES_SENT_AGAIN, actor, user, change))
    for push_id in people:
        logger.info("dead letter sent again", extra={"push": str(push_id), "actor": str(actor.pk)})
    return len(people)
