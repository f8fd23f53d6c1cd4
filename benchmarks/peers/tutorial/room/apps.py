"""Names the app."""

from django.apps import AppConfig


class RoomApp(AppConfig):
    name = "room"
    default_auto_field = "django.db.models.BigAutoField"
