"""Whom somebody may start a conversation with, or bring into one."""

from collections.abc import Collection
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from accounts.models import User
from chat.errors import Forbidden, NotFound
from chat.models import Block


def find(actor: User, user_ids: Collection[UUID]) -> list[User]:
    """
    The people, in the order given. Staff reach everybody, customers those that CUSTOMER_CONVERSATIONS lets them. Who is
    out of reach or has a closed account looks like who does not exist: NotFound, without saying who of them it is.
    """
    found = User.objects.active().in_bulk(user_ids)
    if len(found) < len(set(user_ids)) or not all(is_within(actor, user) for user in found.values()):
        raise NotFound
    return [found[user_id] for user_id in user_ids]


def is_within(actor: User, other: User) -> bool:
    allowed = settings.CUSTOMER_CONVERSATIONS
    return actor.is_staff or allowed == "anyone" or (allowed == "staff" and other.is_staff)


def check_not_blocked(actor: User, others: Collection[User]) -> None:
    """Whoever blocked the actor looks missing to them; whom the actor blocked has to be unblocked first."""
    among = Q(blocker=actor, blocked__in=others) | Q(blocker__in=others, blocked=actor)
    blockers = set(Block.objects.filter(among).values_list("blocker", flat=True))
    if blockers - {actor.pk}:
        raise NotFound
    if blockers:
        raise Forbidden("You have blocked this person.")
