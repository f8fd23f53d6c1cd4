"""What follows for trades when an admin's account changes, or an admin comes online."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.changes import Changed, Kind
from accounts.models import Role, User
from chat.actions import assignment, audit

MAKES_ROOM = {"availability", "capacity", "role", "is_active"}


def account_changed(changed: Changed) -> None:
    """In the transaction of the change: what a super admin did is recorded, and new room is used after the commit."""
    if changed.kind is not Kind.PROFILE:
        detail: dict[str, Any] = {name: list(values) for name, values in changed.fields.items()}
        audit.record(changed.kind.value, actor=changed.actor, subject=changed.user, **detail)
    if changed.user.is_staff and MAKES_ROOM & set(changed.fields):
        transaction.on_commit(assignment.drain_queue, robust=True)


def arrived(user_ids: Collection[UUID]) -> None:
    """These people have come online."""
    if User.objects.staff().filter(pk__in=user_ids, role=Role.TRADE_ADMIN).exists():
        assignment.drain_queue()
