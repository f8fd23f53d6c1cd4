"""The in-app list."""

from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.ids import new_id
from notifications.enums import PREFERENCES


class NotificationQuerySet(models.QuerySet["Notification"]):
    def of(self, user_id: UUID) -> Self:
        return self.filter(user=user_id)

    def unread(self) -> Self:
        return self.filter(read_at=None)


class Notification(models.Model):
    """
    Something somebody was told beside the chat. `cause` is the id of what it tells of: the same cause tells the same
    person once.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications", db_index=False
    )
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in PREFERENCES])
    cause = models.UUIDField()
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["user", "-id"], name="notifications_of_user"),
            models.Index(fields=["user"], condition=models.Q(read_at=None), name="unread_of_user"),
        ]
        constraints = [models.UniqueConstraint(fields=["cause", "user"], name="one_notification_per_cause")]

    def __str__(self) -> str:
        return self.text
