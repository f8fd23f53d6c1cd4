"""
Blocks: who wants no direct messages from whom.

While one of two people blocks the other, both are observers of their direct conversation, so the check of the role
that every message passes refuses theirs, and it costs nothing more. (Nobody is an observer there for another reason,
and the summary shows them as members.) Block, unblock, opening the conversation and sending take turns at its row.
"""

from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from chat.actions import reach
from chat.actions.conversations import direct_key, lock_direct
from chat.enums import ParticipantRole
from chat.errors import Forbidden, Invalid, NotFound
from chat.models import Block, Participant


def block(*, actor: User, user_id: UUID) -> None:
    """
    No direct messages between the two from now on; what was said stays readable. Twice is once. Nobody blocks staff:
    support has to be able to reach people.
    """
    _check_known(actor, user_id)
    with transaction.atomic():
        conversation = lock_direct(direct_key(actor.pk, user_id))
        other = User.objects.locked().get(pk=user_id)  # who is made staff at this moment is, or loses the block again
        if other.is_staff:
            raise Forbidden("People of support cannot be blocked.")
        Block.objects.get_or_create(blocker=actor, blocked=other)
        _set_roles(conversation.id, actor.pk, user_id)


def unblock(*, actor: User, user_id: UUID) -> None:
    """Take one's own block back. Where there is none nothing changes; messages pass when neither blocks the other."""
    if Block.objects.filter(blocker=actor, blocked=user_id).exists():
        _lift(actor.pk, user_id)
    else:
        _check_known(actor, user_id)


def lift_from_staff(user_id: UUID) -> None:
    """Somebody's role has changed: whoever is staff now is blocked by nobody any more."""
    if User.objects.staff().filter(pk=user_id).exists():
        for blocker_id in list(Block.objects.filter(blocked=user_id).values_list("blocker", flat=True)):
            _lift(blocker_id, user_id)


def _lift(blocker_id: UUID, blocked_id: UUID) -> None:
    with transaction.atomic():
        conversation = lock_direct(direct_key(blocker_id, blocked_id))
        Block.objects.filter(blocker=blocker_id, blocked=blocked_id).delete()
        _set_roles(conversation.id, blocker_id, blocked_id)


def _set_roles(conversation_id: UUID, one: UUID, two: UUID) -> None:
    """As the blocks between the two are now, under the conversation's lock."""
    between = Block.objects.filter(Q(blocker=one, blocked=two) | Q(blocker=two, blocked=one))
    role = ParticipantRole.OBSERVER if between.exists() else ParticipantRole.MEMBER
    Participant.objects.filter(conversation=conversation_id).update(role=role.value)


def _check_known(actor: User, user_id: UUID) -> None:
    """Whom the actor may write to, or has had a conversation with: anybody else is nobody to them."""
    if user_id == actor.pk:
        raise Invalid("That is you.", pointer="/user_id")
    other = User.objects.filter(pk=user_id).first()
    if other is None:
        raise NotFound
    if other.is_active and reach.is_within(actor, other):
        return
    if not Participant.objects.seen_by(actor).filter(user=other, conversation__participants__user=actor).exists():
        raise NotFound
