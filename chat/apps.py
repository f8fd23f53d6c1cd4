"""Conversations, their event log, trades, and the live sockets."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        from accounts.revocation import on_revoked
        from chat import fanout

        on_revoked(fanout.revoked)
