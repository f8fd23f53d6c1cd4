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
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from msgspec import Raw

from accounts.models import User
from accounts.text import timestamp
from chat import fanout, protocol, serializers, sql
from chat.enums import EventType, MessageKind, SystemEvent
from chat.models import Conversation, Event, Message


@dataclass(frozen=True, slots=True)
class Entry:
    """One event to be: its type, who caused it, and the message it brings (unsaved) or speaks of."""

    type: EventType
    actor: User | None
    message: Message
    is_new: bool = True


class Appended:
    """A stored event, and its JSON: made once, after the locks are gone, for the live frame and the ack alike."""

    def __init__(self, event: Event, message: Message) -> None:
        self.event = event
        self.message = message

    @cached_property
    def message_json(self) -> Raw:
        return Raw(protocol.encode(serializers.full_message(self.message)))

    @cached_property
    def frame(self) -> str:
        event = self.event
        return protocol.to_text(
            serializers.EventShape(
                type=event.type,
                conversation=event.conversation_id,
                seq=event.seq,
                at=timestamp(event.created_at),
                actor=event.actor_id,
                message=self.message_json,
            )
        )


def lock(conversation_ids: Iterable[UUID], *, skip_locked: bool = False) -> dict[UUID, Conversation]:
    """
    The conversations, their rows held until the commit, by id. With `skip_locked` those that somebody else holds are
    left out. SQLite has no row locks: there the transaction itself holds the whole database.
    """
    wanted = set(conversation_ids)
    if sql.is_postgres():
        rows = sql.execute(_LOCK_FREE if skip_locked else _LOCK, [list(wanted)]).fetchall()
        return {row[0]: Conversation.from_db(connection.alias, _LOCKED_FIELDS, row) for row in rows}
    found = Conversation.objects.select_for_update().only(*_LOCKED_FIELDS).filter(pk__in=wanted)
    return {conversation.pk: conversation for conversation in found.order_by("pk")}


_LOCKED_FIELDS = ["id", "kind", "head", "closed_at"]
_LOCK = "SELECT id, kind, head, closed_at FROM chat_conversation WHERE id = ANY(%s) ORDER BY id FOR UPDATE"
_LOCK_FREE = f"{_LOCK} SKIP LOCKED"


def append(conversations: dict[UUID, Conversation], entries: Sequence[Entry]) -> list[Appended]:
    """
    Give the entries the next numbers of their conversations, in the order given, and store them. The conversations
    come from `lock()`, in the same transaction. The events go out once it has committed.
    """
    now = timezone.now()
    events = [_number(conversations[entry.message.conversation_id], entry, now) for entry in entries]
    moved = [conversations[key] for key in {event.conversation_id for event in events}]
    if sql.is_postgres():
        _store_at_once([entry.message for entry in entries if entry.is_new], events, moved)
    else:
        _store([entry.message for entry in entries if entry.is_new], events, moved)
    appended = [Appended(event, entry.message) for event, entry in zip(events, entries, strict=True)]
    transaction.on_commit(partial(fanout.committed, appended))
    return appended


def append_system(
    conversation: Conversation, event: SystemEvent, *, actor: User | None, body: str, **data: Any
) -> Appended:
    """Say in a conversation (locked by the caller) what happened: words for people, `data` for programs."""
    message = Message(
        conversation=conversation, kind=MessageKind.SYSTEM.value, body=body, data={"event": event.value, **data}
    )
    return append({conversation.pk: conversation}, [Entry(EventType.MESSAGE_NEW, actor, message)])[0]


def _number(conversation: Conversation, entry: Entry, now: datetime) -> Event:
    conversation.head += 1
    message = entry.message
    if entry.is_new:
        message.seq = conversation.head
        message.created_at = now
        conversation.last_message = message
        conversation.last_activity_at = now
    actor_id = None if entry.actor is None else entry.actor.pk
    values: list[Any] = [conversation.pk, conversation.head, entry.type.value, actor_id, message.pk, None, now]
    return Event(*values)  # type: ignore[misc]  # by position, the quickest way to make one


def _store(messages: list[Message], events: list[Event], moved: list[Conversation]) -> None:
    Message.objects.bulk_create(messages)
    Event.objects.bulk_create(events)
    for conversation in moved:
        conversation.save(update_fields=["head", "last_message", "last_activity_at"])


def _store_at_once(messages: list[Message], events: list[Event], moved: list[Conversation]) -> None:
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
