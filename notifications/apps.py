"""Telling people who are away: devices, preferences, the outbox of pushes, the in-app list. Knows no chat."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        from accounts.revocation import on_revoked
        from notifications.actions import devices

        on_revoked(devices.sessions_ended)
