"""What happened to a trade, from the audit log, with people by their names."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import User
from chat.models import AuditEntry


@dataclass(frozen=True, slots=True)
class Row:
    at: datetime
    action: str
    who: str
    facts: dict[str, Any]


def rows(entries: Iterable[AuditEntry]) -> list[Row]:
    """For entries fetched with their actor. One query more, for the people that details name by id."""
    entries = list(entries)
    named = {id_ for entry in entries for value in entry.detail.values() if (id_ := _id(value))}
    names = dict(User.objects.filter(pk__in=named).values_list("pk", "display_name"))
    return [
        Row(
            at=entry.at,
            action=entry.action,
            who="the system" if entry.actor is None else entry.actor.display_name,
            facts={name: _named(value, names) for name, value in entry.detail.items()},
        )
        for entry in entries
    ]


def _named(value: Any, names: dict[UUID, str]) -> Any:
    id_ = _id(value)
    return value if id_ is None else names.get(id_, value)


def _id(value: object) -> UUID | None:
    if not (isinstance(value, str) and len(value) == 36):
        return None
    try:
        return UUID(value)
    except ValueError:
        return None
