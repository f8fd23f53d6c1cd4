"""What a conversation has to say to whoever shows it: small frozen values, no text decisions."""

from dataclasses import dataclass
from typing import Any

from chat.terminal.frames import Frame


@dataclass(frozen=True, slots=True)
class Message:
    """A message not shown before, as the wire gives it."""

    message: Frame


@dataclass(frozen=True, slots=True)
class Edited:
    message: Frame


@dataclass(frozen=True, slots=True)
class Deleted:
    message: Frame


@dataclass(frozen=True, slots=True)
class Refused:
    """A message the server will not take; it is out of the outbox."""

    body: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Presence:
    name: str
    status: str


@dataclass(frozen=True, slots=True)
class Typing:
    """Everybody typing now; empty when nobody is."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Receipts:
    """Who has received and who has read my newest message; `others` is how many could."""

    delivered: tuple[str, ...]
    read: tuple[str, ...]
    others: int


@dataclass(frozen=True, slots=True)
class ServerError:
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Reload:
    """The log is too far ahead or was reset: load the newest page over REST."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The conversation is not, or no longer, mine."""


Notice = Message | Edited | Deleted | Refused | Presence | Typing | Receipts | ServerError | Reload | Gone


def text_of(value: Any) -> str:
    """A wire field as text; absent means empty."""
    return "" if value is None else str(value)
