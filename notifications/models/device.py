"""Where pushes go, and what somebody wants of them."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.ids import new_id
from accounts.models import DeviceSession
from notifications.enums import Platform


class DeviceQuerySet(models.QuerySet["Device"]):
    def active(self) -> Self:
        """Those that have not ended. Whether their sign-in still lives is asked when a push is sent."""
        return self.filter(ended_at=None)

    def reachable(self, at: datetime | None = None) -> Self:
        """Those that pushes may go to: not ended, signed in, of a person who may sign in."""
        return self.active().filter(
            session__revoked_at=None, session__expires_at__gt=at or timezone.now(), user__is_active=True
        )


class Device(models.Model):
    """
    An app on a phone that somebody signed in to. Its Expo token belongs to whoever registered it last; `token_key` is
    what both spellings of a token share. A device that ended stays, as its pushes speak of it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="devices", db_index=False)
    session = models.ForeignKey(DeviceSession, on_delete=models.CASCADE, related_name="devices")
    token = models.CharField(max_length=200)
    token_key = models.CharField(max_length=200, editable=False)
    platform = models.CharField(max_length=8, choices=[(one.value, one.value) for one in Platform])
    name = models.CharField(max_length=200, blank=True)
    badge = models.PositiveIntegerField(default=0, help_text="The number last sent to its icon.")
    registered_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=32, blank=True)  # removed, signed_out, re_owned, not_registered, too_many

    objects = DeviceQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user"], condition=Q(ended_at=None), name="devices_of_user")]
        constraints = [
            models.UniqueConstraint(fields=["token_key"], condition=Q(ended_at=None), name="one_owner_per_token"),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.platform} {self.id}"

    @property
    def active(self) -> bool:
        return self.ended_at is None


class Preferences(models.Model):
    """What somebody wants to be pushed. Who has no row wants everything, with its text, at any time."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="notification_preferences"
    )
    message = models.BooleanField(default=True)
    trade = models.BooleanField(default=True)
    escalation = models.BooleanField(default=True)
    mention = models.BooleanField(default=True)
    hide_content = models.BooleanField(default=False)
    quiet_from = models.TimeField(null=True)  # in time_zone; after quiet_to: over midnight
    quiet_to = models.TimeField(null=True)
    time_zone = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_to=None) | Q(quiet_from__isnull=False, quiet_to__isnull=False),
                name="quiet_hours_begin_and_end",
            ),
        ]

    def __str__(self) -> str:
        return f"preferences of {self.user_id}"
