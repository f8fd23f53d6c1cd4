"""A stretch of a conversation as a page shows it: who said what on which side, without a word that was deleted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import QueryDict

from accounts.models import User
from chat import queries
from chat.enums import ConversationKind, MessageKind
from chat.models import Conversation, Message

PAGE = 50
MAX_SEQ = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Line:
    id: UUID
    seq: int
    side: str  # "left", "right" or "middle"
    author: str
    from_staff: bool
    body: str
    at: datetime
    edited: bool
    deleted: bool
    reply_to: int | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """Ascending. `before` and `after` are the cursors of the neighbouring pages, where there are any."""

    conversation: Conversation
    lines: list[Line]
    before: int | None
    after: int | None


def read(conversation: Conversation, viewer: User, cursor: QueryDict | dict[str, Any] | None = None) -> Timeline:
    """The page that `before` or `after` in the query string asks for, else the newest. Rights are the caller's."""
    rows = Message.objects.complete().select_related("reply_to").filter(conversation=conversation)
    before, after = (_seq((cursor or {}).get(name)) for name in ("before", "after"))
    window = queries.read_window(rows, before=before if after is None else None, after=after, limit=PAGE)
    lines = [_line(message, conversation, viewer.pk) for message in window.rows]
    return Timeline(
        conversation,
        lines,
        before=lines[0].seq if lines and window.earlier else None,
        after=lines[-1].seq if lines and window.later else None,
    )


def _line(message: Message, conversation: Conversation, viewer_id: UUID) -> Line:
    sender, deleted = message.sender, message.deleted_at is not None
    return Line(
        id=message.pk,
        seq=message.seq,
        side=_side(message, conversation, viewer_id),
        author="" if sender is None else sender.display_name,
        from_staff=sender is not None and sender.is_staff,
        body="" if deleted else message.body,
        at=message.created_at,
        edited=message.edited_at is not None,
        deleted=deleted,
        reply_to=None if message.reply_to is None else message.reply_to.seq,
    )


def _side(message: Message, conversation: Conversation, viewer_id: UUID) -> str:
    """Support stands on the right in a chat with a customer, and whoever looks does everywhere."""
    if message.kind == MessageKind.SYSTEM or message.sender is None:
        return "middle"
    facing_customer = conversation.kind == ConversationKind.TRADE and message.sender.is_staff
    return "right" if facing_customer or message.sender_id == viewer_id else "left"


def _seq(text: Any) -> int | None:
    """A cursor from an address. Anything that is none is none."""
    if not (isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 19):
        return None
    return min(int(text), MAX_SEQ)
