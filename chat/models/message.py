"""What was said."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.identity import Sender
from accounts.ids import new_id
from accounts.models import User
from chat.enums import MessageKind
from chat.models.conversation import Conversation
from chat.querysets import MessageQuerySet


class Message(models.Model):
    """
    One message. `(sender, client_id)` is unique for ever, and `sent_digest` remembers what was first sent under it,
    so a repeat is told from a reuse even after an edit. A system message has no sender and speaks through `data`.

    Conversation and sender have no constraint in the database: whoever stores a message holds the conversation's row
    and has just read the sender, neither of which is ever deleted; to look again, and write a lock onto the sender's
    row, took a fourth of the time.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages", db_index=False, db_constraint=False
    )
    seq = models.PositiveBigIntegerField()
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    client_id = models.UUIDField(null=True)
    sent_digest = models.CharField(max_length=32, blank=True, editable=False)
    kind = models.CharField(
        max_length=8, choices=[(kind.value, kind.value) for kind in MessageKind], default=MessageKind.TEXT.value
    )
    body = models.TextField(blank=True)
    data = models.JSONField(null=True)
    reply_to = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    created_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="one_message_per_seq"),
            models.UniqueConstraint(fields=["sender", "client_id"], name="one_message_per_client_id"),
            models.CheckConstraint(
                condition=Q(kind=MessageKind.SYSTEM.value, sender=None) | ~Q(kind=MessageKind.SYSTEM.value),
                name="system_messages_have_no_sender",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.conversation_id} #{self.seq}"


@dataclass(slots=True, kw_only=True)
class NewMessage:
    """
    A message on its way into the log, with the names of a Message: a plain value, as building and reading models was
    a third of the time of storing one.
    """

    conversation_id: UUID
    sender: User | Sender | None = None
    client_id: UUID | None = None
    sent_digest: str = ""
    kind: str = MessageKind.TEXT.value
    body: str
    data: dict[str, Any] | None = None
    reply_to_id: UUID | None = None
    id: UUID = field(default_factory=new_id)
    seq: int = 0
    created_at: datetime = field(default_factory=timezone.now)
    edited_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def pk(self) -> UUID:
        return self.id

    @property
    def sender_id(self) -> UUID | None:
        return None if self.sender is None else self.sender.pk
