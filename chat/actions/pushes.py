"""
What a message means for the phones of those who are away: outbox rows, in the message's own transaction. For plain
messages on PostgreSQL the function `parley_send_plain` writes the same rows (migration 0009); tests compare the two.

Everybody else in the conversation is told who has not muted it and not blocked the sender. Whoever has the app open
(a socket in the foreground) gets PUSH_WAIT_FOR_APP to receive the message there first.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from chat.enums import ConversationKind, ParticipantRole
from chat.eventlog import Appended, Locked
from chat.models import Block, Connection, Participant
from notifications.actions import outbox
from notifications.actions.outbox import Wanted
from notifications.enums import Kind


def note_messages(conversations: Mapping[UUID, Locked], appended: Sequence[Appended]) -> None:
    """For people's messages that were just stored, under their conversations' locks."""
    listeners = _listeners({event.conversation_id for event in appended})
    if not listeners:
        return
    open_apps = with_open_app({user_id for people in listeners.values() for user_id in people})
    blocks = set(Block.objects.filter(blocked__in={event.actor_id for event in appended}).values_list(*_BLOCK))
    outbox.add(
        [
            Wanted(user_id, Kind.MESSAGE, event.message_id, event.conversation_id, user_id in open_apps)
            for event in appended
            for user_id in listeners.get(event.conversation_id, ())
            if user_id != event.actor_id and (user_id, event.actor_id) not in blocks
        ],
        now=appended[0].created_at,
    )


_BLOCK = ("blocker", "blocked")


def _listeners(conversation_ids: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """By conversation those with a device who want to hear of it."""
    muted = Q(muted_until__isnull=False, muted_until__gt=timezone.now())
    watching = Q(role=ParticipantRole.OBSERVER, conversation__kind=ConversationKind.TRADE)
    rows = Participant.objects.current().filter(
        conversation__in=conversation_ids, user__devices__isnull=False, user__devices__ended_at=None
    )
    listeners: dict[UUID, set[UUID]] = {}
    for conversation_id, user_id in rows.exclude(muted).exclude(watching).values_list("conversation", "user"):
        listeners.setdefault(conversation_id, set()).add(user_id)
    return listeners


def with_open_app(user_ids: Collection[UUID]) -> set[UUID]:
    """Those of them who have a socket in the foreground."""
    leases = Connection.objects.filter(user__in=user_ids, foreground=True, expires_at__gt=timezone.now())
    return set(leases.values_list("user", flat=True))
