"""What a sign-in leaves behind: a session per device, one-time socket tickets, and failures, which slow guessing."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.ids import new_id


class DeviceSessionQuerySet(models.QuerySet["DeviceSession"]):
    def live(self, at: datetime | None = None) -> Self:
        """Not logged out, not run out, of a person who may sign in."""
        return self.filter(revoked_at=None, expires_at__gt=at or timezone.now(), user__is_active=True)


class DeviceSession(models.Model):
    """
    A login on one device (or in one browser). Access tokens carry its id as `sid`; the refresh tokens made one after
    the other are a family of which only the latest counts.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="device_sessions")
    device_id = models.CharField(max_length=200, blank=True)
    device_name = models.CharField(max_length=200, blank=True)
    is_browser = models.BooleanField(default=False, help_text="A staff page's cookie, not a token.")
    refresh_id = models.UUIDField(default=new_id, editable=False, help_text="jti of the latest refresh token.")
    previous_refresh_id = models.UUIDField(null=True, editable=False)
    refreshed_at = models.DateTimeField(default=timezone.now, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_seen_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = DeviceSessionQuerySet.as_manager()

    class Meta:
        ordering = ["-last_seen_at"]
        indexes = [models.Index(fields=["user", "revoked_at"], name="session_of_user")]

    def __str__(self) -> str:
        return self.device_name or str(self.id)


class WsTicket(models.Model):
    """A one-time pass to open a socket, for clients that can set no header. Only its SHA-256 is kept."""

    digest = models.CharField(primary_key=True, max_length=64)
    session = models.ForeignKey(DeviceSession, on_delete=models.CASCADE, related_name="+")
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.digest[:8]


class LoginFailure(models.Model):
    """One refused sign-in. Counted per account and per address over the last minutes, on every process alike."""

    id = models.BigAutoField(primary_key=True)
    account = models.CharField(max_length=64, help_text="SHA-256 of the e-mail tried.")
    address = models.GenericIPAddressField(null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["account", "at"], name="failures_of_account"),
            models.Index(fields=["address", "at"], name="failures_of_address"),
        ]

    def __str__(self) -> str:
        return f"{self.account[:8]} {self.at:%F %T}"
