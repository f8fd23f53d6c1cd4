"""Who takes part in a conversation: the moves other actions are made of. Callers hold the conversation's lock."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.identity import Sender
from accounts.models import User
from chat import fanout
from chat.enums import ParticipantRole
from chat.eventlog import Locked
from chat.models import Conversation, Participant


def enter(
    conversation: Conversation | Locked, user: User | Sender, role: ParticipantRole = ParticipantRole.MEMBER
) -> None:
    """Let somebody in; their sockets follow it from now on. Who is in already keeps their marks and role."""
    place, created = Participant.objects.get_or_create(
        conversation_id=conversation.pk, user_id=user.pk, defaults={"role": role.value}
    )
    if not created and place.left_at is None:
        return
    if not created:
        place.left_at, place.role, place.joined_at = None, role.value, timezone.now()
        place.save(update_fields=["left_at", "role", "joined_at"])
    transaction.on_commit(partial(fanout.joined, conversation.pk, user.pk))


def enter_new(conversation: Conversation, roles: Mapping[User, ParticipantRole]) -> None:
    """Let the first people into a conversation that was just made."""
    Participant.objects.bulk_create(
        Participant(conversation=conversation, user=user, role=role.value) for user, role in roles.items()
    )
    for user in roles:
        transaction.on_commit(partial(fanout.joined, conversation.pk, user.pk))


def step_in(conversation: Conversation | Locked, user: User, role: ParticipantRole) -> None:
    """Let somebody in with just this role, whatever they had in it before. Their marks stay."""
    enter(conversation, user, role)
    Participant.objects.current().filter(conversation_id=conversation.pk, user=user).update(role=role.value)


def leave(conversation: Conversation | Locked, user_id: UUID) -> None:
    """Put somebody out; not one event more reaches them. Who is not in it stays so."""
    left = Participant.objects.current().filter(conversation_id=conversation.pk, user_id=user_id)
    if left.update(left_at=timezone.now()):
        transaction.on_commit(partial(fanout.left, conversation.pk, user_id))
