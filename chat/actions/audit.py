"""The record of who did what. Written in the transaction of what it tells of."""

from typing import Any

from accounts.models import User
from chat.models import AuditEntry, Trade


def record(
    action: str, *, actor: User | None, trade: Trade | None = None, subject: User | None = None, **detail: Any
) -> None:
    """`actor` None is the system itself, `subject` whose account or seat it is about. Never what was said."""
    AuditEntry.objects.create(action=action, actor=actor, trade=trade, subject=subject, detail=detail)
