"""Texts that admins use again and again."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.ids import new_id
from chat.querysets import CannedReplyQuerySet


class CannedReply(models.Model):
    """One admin's own, or (`owner` None) the team's. Variables in the body are filled in when it is used."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="canned_replies"
    )
    title = models.CharField(max_length=80)
    body = models.TextField(max_length=5_000)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = CannedReplyQuerySet.as_manager()

    class Meta:
        ordering = ["title", "id"]
        verbose_name_plural = "canned replies"

    def __str__(self) -> str:
        return self.title
