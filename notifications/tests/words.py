"""A source of words that is none of the chat's, and things to be told."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from accounts.models import User
from notifications.actions import outbox
from notifications.actions.outbox import Wanted
from notifications.enums import Kind
from notifications.sources import Asked, Dropped, Said


class Words:
    """Says of each cause what a test put here, else always the same."""

    def __init__(self) -> None:
        self.said: dict[UUID, Said | Dropped] = {}
        self.unread: dict[UUID, int] = {}
        self.broken: set[UUID] = set()

    def answer(self, rows: Sequence[Asked], now: datetime) -> Mapping[int, Said | Dropped]:
        for row in rows:
            if row.cause in self.broken:
                raise ValueError("nobody thought of this")
        return {row.id: self.said.get(row.cause) or say("Hello") for row in rows}

    def summary(self, kind: Kind, count: int) -> str:
        return f"{count} new messages"

    def badges(self, user_ids: Collection[UUID]) -> Mapping[UUID, int]:
        return {user_id: self.unread.get(user_id, 1) for user_id in user_ids}


def say(text: str, **data: Any) -> Said:
    return Said(title="Trade BP-1", text=text, generic="New message", data=data)


def want(
    user: User, *, kind: Kind = Kind.MESSAGE, thread: UUID | None = None, waits: bool = False, **fields: Any
) -> UUID:
    """A new cause to be told to somebody's phones."""
    cause = uuid4()
    outbox.add([Wanted(user.pk, kind, cause, thread or uuid4(), waits)], **fields)
    return cause
