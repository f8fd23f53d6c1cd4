"""What is kept about telling people."""

from notifications.models.device import Device, Preferences
from notifications.models.notification import Notification
from notifications.models.outbox import OutboxRow, Push, Service

__all__ = ["Device", "Notification", "OutboxRow", "Preferences", "Push", "Service"]
