"""The peers' shared tables (schema.sql) as Django models."""

from django.db import models
from django.utils import timezone


class Participant(models.Model):
    conversation_id = models.UUIDField()
    user_id = models.UUIDField()

    class Meta:
        managed = False
        db_table = "participants"


class Message(models.Model):
    conversation_id = models.UUIDField()
    sender_id = models.UUIDField()
    client_id = models.UUIDField()
    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        managed = False
        db_table = "messages"
