"""Conversations, their event log, trades, and the live sockets."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        from accounts.changes import on_changed
        from accounts.revocation import Reason, Revoked, on_revoked
        from chat import fanout, presence
        from chat.actions import assignment, blocks, centre, staffing
        from chat.pushed import ChatSource
        from notifications import announcing, sources

        def step_down(revoked: Revoked) -> None:
            if revoked.reason is Reason.ACCOUNT:
                assignment.step_down(revoked.user_id)

        def lift_blocks(revoked: Revoked) -> None:
            if revoked.reason is Reason.ACCOUNT:
                blocks.lift_from_staff(revoked.user_id)

        on_revoked(fanout.revoked)
        on_revoked(step_down)
        on_revoked(lift_blocks)
        on_changed(staffing.account_changed)
        presence.on_arrival(staffing.arrived)
        sources.use(ChatSource())
        announcing.on_created(centre.announce)
