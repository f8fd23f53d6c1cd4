"""The append-only log of a conversation."""

from django.conf import settings
from django.db import models

from chat.enums import EventType
from chat.models.conversation import Conversation
from chat.models.message import Message
from chat.querysets import EventQuerySet


class Event(models.Model):
    """
    Event `seq` of its conversation: 1, 2, 3 … without a gap. Never updated, never deleted.

    Its foreign keys have no constraint in the database: the one place that writes it holds the conversation's row and
    has just written or read the message, and checking all that again took a third of the time of a commit.
    """

    pk = models.CompositePrimaryKey("conversation_id", "seq")
    conversation = models.ForeignKey(
        Conversation, on_delete=models.DO_NOTHING, related_name="events", db_index=False, db_constraint=False
    )
    seq = models.PositiveBigIntegerField()
    type = models.CharField(max_length=24, choices=[(kind.value, kind.value) for kind in EventType])
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    message = models.ForeignKey(
        Message, null=True, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    data = models.JSONField(null=True)
    created_at = models.DateTimeField()

    objects = EventQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.conversation_id} #{self.seq} {self.type}"
