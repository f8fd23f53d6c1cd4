"""
Where a push gets its words from, and who says that it is not wanted any more.

This app knows no other. The part that causes pushes (the chat) says once at start, with `use`, who answers for them.
It is asked when a push is about to be sent, with all rows of a batch at once, so that what was read, left or muted in
the meantime is not told, and no text waits in the outbox.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from notifications.enums import Kind


class Dropped(StrEnum):
    """Why a row is not pushed."""

    READ = "read"
    DELIVERED = "delivered"  # to the open app, which was waited for
    DELETED = "deleted"
    MUTED = "muted"
    BLOCKED = "blocked"
    GONE = "gone"  # the recipient may not see it any more
    UNWANTED = "unwanted"  # the preference for its kind is off
    QUIET = "quiet"  # quiet hours
    DEVICE = "device"  # ended, signed out or re-owned
    STALE = "stale"  # older than anybody wants to hear of
    SAME_BADGE = "same_badge"  # the icon shows this number already


@dataclass(frozen=True, slots=True)
class Asked:
    """A row about to be pushed: what caused it, for whom, and whether their open app was waited for."""

    id: int
    user_id: UUID
    kind: Kind
    cause: UUID
    thread: UUID
    waits: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """
    What a row says: `title` and `text` with content, `generic` ("New message") for who hides it. `data` goes along for
    the app: ids and an address, never text.
    """

    title: str
    text: str
    generic: str
    data: Mapping[str, Any] = field(default_factory=dict)


class Source(Protocol):
    def answer(self, rows: Sequence[Asked], now: datetime) -> Mapping[int, Said | Dropped]:
        """For each row by id what it says, or why it is not wanted any more."""
        ...

    def summary(self, kind: Kind, count: int) -> str:
        """The text of `count` rows of one thread together ("3 new messages")."""
        ...

    def badges(self, user_ids: Collection[UUID]) -> Mapping[UUID, int]:
        """The number on the app's icon for each person: all that is unread."""
        ...


_source: Source | None = None


def use(source: Source) -> None:
    global _source
    _source = source


def current() -> Source:
    assert _source is not None, "nobody answers for pushes: notifications.sources.use was not called"
    return _source
