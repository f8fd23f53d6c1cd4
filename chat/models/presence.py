"""Who is connected: a lease per socket, and what was last announced of a person."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from chat.enums import PresenceStatus


class Connection(models.Model):
    """One live socket. Its server renews `expires_at`; a server that dies lets it lapse."""

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    idle = models.BooleanField(default=False)
    foreground = models.BooleanField(default=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.id)


class Presence(models.Model):
    """What others were last told of a person. A conditional update of it decides which server tells them."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE)
    status = models.CharField(max_length=8, choices=[(status.value, status.value) for status in PresenceStatus])
    last_active = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["status"], name="presence_by_status")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.status}"
