"""Starting a conversation, and how it is kept by each of its people."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from chat import access, eventlog
from chat.actions import groups, people, reach
from chat.enums import ConversationKind
from chat.errors import Invalid, NotFound
from chat.models import Conversation, Participant


def open_direct(*, actor: User, user_id: UUID) -> tuple[Conversation, bool]:
    """
    The one conversation between two people, and whether it was just made. Somebody the actor may not write to looks
    like somebody who does not exist.
    """
    if user_id == actor.pk:
        raise Invalid("That is you.", pointer="/user_id")
    [other] = reach.find(actor, [user_id])
    key = direct_key(actor.pk, other.pk)
    existing = access.summaries(actor).filter(direct_key=key).first()
    if existing is not None:
        return existing, False
    try:
        conversation_id, created = _enter_direct(actor, other, key)
    except IntegrityError:  # the account went in between
        raise NotFound from None
    return access.get_summary(actor, conversation_id), created


def direct_key(one: UUID, two: UUID) -> str:
    return ":".join(sorted((str(one), str(two))))


def lock_direct(key: str) -> eventlog.Locked:
    """
    The pair's conversation under its lock, made if need be. Nobody may be in it yet: who opens it and who blocks the
    other at that moment meet at this row.
    """
    conversation, _ = Conversation.objects.get_or_create(
        direct_key=key, defaults={"kind": ConversationKind.DIRECT.value}
    )
    return eventlog.lock([conversation.pk])[conversation.pk]


def _enter_direct(actor: User, other: User, key: str) -> tuple[UUID, bool]:
    with transaction.atomic():
        conversation = lock_direct(key)
        if Participant.objects.filter(conversation=conversation.id).exists():  # the other one opened it just now
            return conversation.id, False
        reach.check_not_blocked(actor, [other])
        for user in (actor, other):
            people.enter(conversation, user)
        return conversation.id, True


def change(*, actor: User, conversation_id: UUID, title: str | None = None, **own: Any) -> Conversation:
    """A group's title and the actor's own settings, all or nothing. What is not given stays."""
    with transaction.atomic():
        if title is not None:
            groups.rename(actor=actor, conversation_id=conversation_id, title=title)
        return keep(actor=actor, conversation_id=conversation_id, **own)


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
