"""
The only place that numbers events. Appending and everything it means for the conversation is one transaction; the
committed events go to `fanout` afterwards, where nothing can harm them any more.

Order: `lock()` takes the conversations' rows (sorted, so that two appends never wait for each other in a circle),
the caller looks at rights under those locks, `append()` numbers and stores.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from msgspec import Raw

from accounts.models import User
from accounts.text import timestamp
from chat import fanout, protocol, serializers
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
    rows = Conversation.objects.select_for_update(skip_locked=skip_locked).filter(pk__in=set(conversation_ids))
    return {conversation.pk: conversation for conversation in rows.order_by("pk")}


def append(conversations: dict[UUID, Conversation], entries: Sequence[Entry]) -> list[Appended]:
    """
    Give the entries the next numbers of their conversations, in the order given, and store them. The conversations
    come from `lock()`, in the same transaction. The events go out once it has committed.
    """
    now = timezone.now()
    events = [_number(conversations[entry.message.conversation_id], entry, now) for entry in entries]
    Message.objects.bulk_create([entry.message for entry in entries if entry.is_new])
    Event.objects.bulk_create(events)
    _move_heads([conversations[key] for key in {event.conversation_id for event in events}])
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


def _number(conversation: Conversation, entry: Entry, now: Any) -> Event:
    conversation.head += 1
    if entry.is_new:
        entry.message.seq = conversation.head
        entry.message.created_at = now
        conversation.last_message = entry.message
        conversation.last_activity_at = now
    return Event(
        conversation_id=conversation.pk,
        seq=conversation.head,
        type=entry.type.value,
        actor=entry.actor,
        message=entry.message,
        created_at=now,
    )


_SET_HEAD = f"""
    UPDATE {Conversation._meta.db_table} SET head = %s, last_message_id = %s, last_activity_at = %s WHERE id = %s
"""


def _move_heads(conversations: list[Conversation]) -> None:
    columns = {field.name: field for field in Conversation._meta.concrete_fields}
    fields = [columns[name] for name in ("head", "last_message", "last_activity_at", "id")]
    rows = [
        [field.get_db_prep_save(getattr(conversation, field.attname), connection) for field in fields]
        for conversation in conversations
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_SET_HEAD, rows)
