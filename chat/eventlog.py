"""
The only place that numbers events. Appending and everything it means for the conversation is one transaction; the
committed events go to `fanout` afterwards, where nothing can harm them any more.

Order: `lock()` takes the conversations' rows (sorted, so that two appends never wait for each other in a circle),
the caller looks at rights under those locks, `append()` numbers and stores.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone
from msgspec import Raw

from accounts.identity import Sender
from accounts.models import User
from accounts.text import timestamp
from chat import fanout, protocol, serializers, sql
from chat.enums import EventType, MessageKind, SystemEvent
from chat.models import Conversation, Event, Message, NewMessage

Row = TypeVar("Row", bound=models.Model)


@dataclass(frozen=True, slots=True)
class Entry:
    """One event to be: its type, who caused it, and the message it brings or (not new) speaks of."""

    type: EventType
    actor: User | Sender | None
    message: NewMessage | Message
    is_new: bool = True


@dataclass(slots=True)
class Locked:
    """A conversation whose row this transaction holds, and where the log will stand with it."""

    id: UUID
    kind: str
    head: int
    closed_at: datetime | None
    last_message_id: UUID | None
    last_activity_at: datetime

    @property
    def pk(self) -> UUID:
        return self.id

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None


@dataclass(frozen=True)
class Appended:
    """A stored event, and its JSON: made once, after the locks are gone, for the live frame and the ack alike."""

    type: str
    conversation_id: UUID
    seq: int
    actor_id: UUID | None
    created_at: datetime
    message: NewMessage | Message

    @property
    def message_id(self) -> UUID:
        return self.message.id

    @cached_property
    def message_json(self) -> Raw:
        return Raw(protocol.encode(serializers.full_message(self.message)))

    @cached_property
    def frame(self) -> str:
        return protocol.to_text(
            serializers.EventShape(
                type=self.type,
                conversation=self.conversation_id,
                seq=self.seq,
                at=timestamp(self.created_at),
                actor=self.actor_id,
                message=self.message_json,
            )
        )


def lock(conversation_ids: Iterable[UUID], *, skip_locked: bool = False) -> dict[UUID, Locked]:
    """
    The conversations, their rows held until the commit, by id. With `skip_locked` those that somebody else holds are
    left out. SQLite has no row locks: there the transaction itself holds the whole database.
    """
    wanted = set(conversation_ids)
    rows: Iterable[Any]
    if sql.is_postgres():
        rows = sql.execute(_LOCK_FREE if skip_locked else _LOCK, [list(wanted)]).fetchall()
    else:
        rows = Conversation.objects.filter(pk__in=wanted).order_by("pk").values_list(*_LOCKED_FIELDS)
    return {row[0]: Locked(*row) for row in rows}


_LOCKED_FIELDS = ("id", "kind", "head", "closed_at", "last_message_id", "last_activity_at")
_LOCK = f"SELECT {', '.join(_LOCKED_FIELDS)} FROM chat_conversation WHERE id = ANY(%b) ORDER BY id FOR UPDATE"
_LOCK_FREE = f"{_LOCK} SKIP LOCKED"


def append(conversations: dict[UUID, Locked], entries: Sequence[Entry]) -> list[Appended]:
    """
    Give the entries the next numbers of their conversations, in the order given, and store them. The conversations
    come from `lock()`, in the same transaction. The events go out once it has committed.
    """
    now = timezone.now()
    events = [_number(conversations[entry.message.conversation_id], entry, now) for entry in entries]
    new = [entry.message for entry in entries if entry.is_new]
    moved = [conversations[key] for key in {event.conversation_id for event in events}]
    if sql.is_postgres():
        _store_at_once(new, events, moved)
    else:
        _store(new, events, moved)
    transaction.on_commit(partial(fanout.committed, events))
    return events


def append_system(conversation: Locked, event: SystemEvent, *, actor: User | None, body: str, **data: Any) -> Appended:
    """Say in a conversation (locked by the caller) what happened: words for people, `data` for programs."""
    kind = MessageKind.SYSTEM.value
    message = NewMessage(conversation_id=conversation.id, kind=kind, body=body, data={"event": event.value, **data})
    return append({conversation.id: conversation}, [Entry(EventType.MESSAGE_NEW, actor, message)])[0]


def _number(conversation: Locked, entry: Entry, now: datetime) -> Appended:
    conversation.head += 1
    message = entry.message
    if entry.is_new:
        message.seq = conversation.head
        message.created_at = now
        conversation.last_message_id = message.id
        conversation.last_activity_at = now
    actor_id = None if entry.actor is None else entry.actor.pk
    return Appended(entry.type.value, conversation.id, conversation.head, actor_id, now, message)


def _store(messages: Sequence[NewMessage | Message], events: list[Appended], moved: list[Locked]) -> None:
    Message.objects.bulk_create(_model(Message, message, (*_MESSAGE_FIELDS, "data")) for message in messages)
    Event.objects.bulk_create(_model(Event, event, _EVENT_FIELDS) for event in events)
    for conversation in moved:
        values = {name: getattr(conversation, name) for name in _HEAD_FIELDS}
        Conversation.objects.filter(pk=values.pop("id")).update(**values)


def _model(kind: type[Row], value: object, names: Sequence[str]) -> Row:
    return kind(**{name: getattr(value, name) for name in names})


def _store_at_once(messages: Sequence[NewMessage | Message], events: list[Appended], moved: list[Locked]) -> None:
    """The same in one statement: a tenth of the client's time for a batch of a hundred."""
    parameters = [
        *_columns(messages, _MESSAGE_FIELDS),
        [None if message.data is None else protocol.to_text(message.data) for message in messages],
        *_columns(events, _EVENT_FIELDS),
        *_columns(moved, _HEAD_FIELDS),
    ]
    sql.execute(_STORE, parameters)


def _columns(rows: Sequence[Any], names: Sequence[str]) -> list[list[Any]]:
    return [[getattr(row, name) for row in rows] for name in names]


_MESSAGE_FIELDS = (
    *("id", "conversation_id", "seq", "sender_id", "client_id", "sent_digest", "kind", "body", "reply_to_id"),
    "created_at",
)
_EVENT_FIELDS = ("conversation_id", "seq", "type", "actor_id", "message_id", "created_at")
_HEAD_FIELDS = ("id", "head", "last_message_id", "last_activity_at")
_STORE = """
    WITH new_message AS (
        INSERT INTO chat_message (id, conversation_id, seq, sender_id, client_id, sent_digest, kind, body, reply_to_id,
                                  created_at, data)
        SELECT id, conversation, seq, sender, client, digest, kind, body, reply_to, at, data::jsonb
        FROM unnest(%b::uuid[], %b::uuid[], %b::bigint[], %b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::text[],
                    %b::uuid[], %b::timestamptz[], %b::text[])
            AS m (id, conversation, seq, sender, client, digest, kind, body, reply_to, at, data)
        ORDER BY sender, client
    ), new_event AS (
        INSERT INTO chat_event (conversation_id, seq, type, actor_id, message_id, created_at)
        SELECT * FROM unnest(%b::uuid[], %b::bigint[], %b::text[], %b::uuid[], %b::uuid[], %b::timestamptz[])
    )
    UPDATE chat_conversation AS c
    SET head = moved.head,
        last_message_id = moved.last_message,
        last_activity_at = moved.at
    FROM unnest(%b::uuid[], %b::bigint[], %b::uuid[], %b::timestamptz[]) AS moved (id, head, last_message, at)
    WHERE c.id = moved.id
"""
