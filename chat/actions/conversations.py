"""Starting a conversation, and how it is kept by each of its people."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from chat import access
from chat.actions import people
from chat.enums import ConversationKind
from chat.errors import Invalid, NotFound
from chat.models import Conversation, Participant


def open_direct(*, actor: User, user_id: UUID) -> tuple[Conversation, bool]:
    """
    The one conversation between two people, and whether it was just made. Somebody the actor may not write to looks
    like somebody who does not exist.
    """
    other = _reachable(actor, user_id)
    key = direct_key(actor.pk, other.pk)
    for _ in range(2):
        existing = Conversation.objects.filter(direct_key=key).first()
        if existing is not None:
            return access.get_summary(actor, existing.pk), False
        try:
            return _create_direct(actor, other, key), True
        except IntegrityError:
            continue  # the other one opened it at the same moment
    raise NotFound


def direct_key(one: UUID, two: UUID) -> str:
    return ":".join(sorted((str(one), str(two))))


def _create_direct(actor: User, other: User, key: str) -> Conversation:
    with transaction.atomic():
        conversation = Conversation.objects.create(kind=ConversationKind.DIRECT.value, direct_key=key)
        for user in (actor, other):
            people.enter(conversation, user)
    return access.get_summary(actor, conversation.pk)


def _reachable(actor: User, user_id: UUID) -> User:
    """Staff may write to anybody, customers to whom CUSTOMER_CONVERSATIONS lets them."""
    if user_id == actor.pk:
        raise Invalid("That is you.", pointer="/user_id")
    other = User.objects.filter(is_active=True, pk=user_id).first()
    if other is None:
        raise NotFound
    allowed = settings.CUSTOMER_CONVERSATIONS
    if not actor.is_staff and (allowed == "none" or (allowed == "staff" and not other.is_staff)):
        raise NotFound
    return other


def keep(
    *, actor: User, conversation_id: UUID, muted_until: datetime | str | None = "", archived: bool | None = None
) -> Conversation:
    """The actor's own settings for a conversation. What is not given stays."""
    place = access.get_participant(actor, conversation_id)
    changed: dict[str, object] = {}
    if muted_until != "":
        changed["muted_until"] = muted_until
    if archived is not None and archived != (place.archived_at is not None):
        changed["archived_at"] = timezone.now() if archived else None
    if changed:
        Participant.objects.filter(pk=place.pk).update(**changed)
    return access.get_summary(actor, conversation_id)
