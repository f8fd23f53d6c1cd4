"""
Groups: founding one, its name, and who is in it with which role.

Every change is made under the group's lock, by the actor's role as it is under that lock, and is one system message.
An owner may do everything; a moderator renames, adds members, and removes members and observers; everybody may leave,
but the last owner only behind everybody else.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.serializers import person
from chat import access, eventlog, protocol
from chat.actions import people, reach
from chat.enums import ConversationKind, ParticipantRole, SystemEvent
from chat.errors import Conflict, Forbidden, Invalid, NotFound
from chat.eventlog import Locked
from chat.models import Conversation, Participant

MAX_PEOPLE = 1_000

OWNER, MODERATOR, MEMBER = ParticipantRole.OWNER, ParticipantRole.MODERATOR, ParticipantRole.MEMBER
MANAGERS = (OWNER, MODERATOR)
CALLED = {OWNER: "an owner", MODERATOR: "a moderator", MEMBER: "a member", ParticipantRole.OBSERVER: "an observer"}


def create(*, actor: User, title: str, participant_ids: Sequence[UUID]) -> Conversation:
    """A new group of the actor, its owner, and these people. Naming somebody twice, or oneself, changes nothing."""
    check_title(title)
    others = list(dict.fromkeys(user_id for user_id in participant_ids if user_id != actor.pk))
    if len(others) >= MAX_PEOPLE:
        raise Invalid(f"A group has at most {MAX_PEOPLE} people.", pointer="/participant_ids")
    if not actor.is_staff and settings.CUSTOMER_CONVERSATIONS == "none":
        raise NotFound
    members = reach.find(actor, others)
    reach.check_not_blocked(actor, members)
    with transaction.atomic():
        conversation = Conversation.objects.create(kind=ConversationKind.GROUP.value, title=title)
        people.enter_new(conversation, {actor: OWNER} | dict.fromkeys(members, MEMBER))
    return access.get_summary(actor, conversation.pk)


def check_title(title: str) -> None:
    protocol.check_line(title, "/title")
    if len(title) > protocol.MAX_TITLE:
        raise Invalid(f"A title has at most {protocol.MAX_TITLE} characters.", pointer="/title")


def rename(*, actor: User, conversation_id: UUID, title: str) -> None:
    """Give a group another title. The one it has changes nothing."""
    check_title(title)
    with transaction.atomic():
        group, role = _enter(actor, conversation_id)
        _require(role in MANAGERS)
        if Conversation.objects.filter(pk=group.id).exclude(title=title).update(title=title):
            body = f"{actor.display_name} named this conversation “{title}”."
            _say(group, SystemEvent.CONVERSATION_RENAMED, actor, body, title=title)


def add(
    *, actor: User, conversation_id: UUID, user_id: UUID, role: ParticipantRole = MEMBER
) -> tuple[Participant, bool]:
    """
    Somebody's place in the group, and whether it is new. Who is in it already stays as they are; who was in it before
    gets their marks back, and the history. Only owners give another role than `member`.
    """
    with transaction.atomic():
        group, own_role = _enter(actor, conversation_id)
        _require(own_role == OWNER or (own_role == MODERATOR and role == MEMBER))
        place = _places(group).filter(user=user_id).first()
        if place is not None:
            return place, False
        [user] = reach.find(actor, [user_id])
        reach.check_not_blocked(actor, [user])
        if _places(group).count() >= MAX_PEOPLE:
            raise Conflict(f"A group has at most {MAX_PEOPLE} people.")
        people.enter(group, user, role)
        body = f"{actor.display_name} added {user.display_name}."
        _say(group, SystemEvent.PARTICIPANT_JOINED, actor, body, user=person(user), role=role.value)
        return _places(group).get(user=user), True


def change_role(*, actor: User, conversation_id: UUID, user_id: UUID, role: ParticipantRole) -> Participant:
    """Give somebody in the group another role. The one they have changes nothing; the last owner stays one."""
    with transaction.atomic():
        group, own_role = _enter(actor, conversation_id)
        _require(own_role == OWNER)
        place = _place(group, user_id)
        if place.role == role:
            return place
        if place.role == OWNER:
            _require_another_owner(group, user_id)
        place.role = role.value
        place.save(update_fields=["role"])
        body = f"{actor.display_name} made {place.user.display_name} {CALLED[role]}."
        _say(group, SystemEvent.PARTICIPANT_ROLE_CHANGED, actor, body, user=person(place.user), role=place.role)
        return place


def remove(*, actor: User, conversation_id: UUID, user_id: UUID) -> None:
    """Put somebody out of the group, or leave it. They do not hear of it in the group: out means out."""
    with transaction.atomic():
        group, own_role = _enter(actor, conversation_id)
        leaving = user_id == actor.pk
        _require(leaving or own_role in MANAGERS)
        place = _place(group, user_id)
        _require(leaving or own_role == OWNER or place.role not in MANAGERS)
        if leaving and own_role == OWNER and _places(group).exclude(user=actor).exists():
            _require_another_owner(group, user_id)
        people.leave(group, user_id)  # before the message: sockets are told in this order
        name = place.user.display_name
        body = f"{name} left." if leaving else f"{actor.display_name} removed {name}."
        _say(group, SystemEvent.PARTICIPANT_LEFT, actor, body, user=person(place.user), role=place.role)


def _enter(actor: User, conversation_id: UUID) -> tuple[Locked, str]:
    """The group, locked, and the actor's role in it as it is now. Strangers do not get as far as the lock."""
    access.get_participant(actor, conversation_id)
    conversation = eventlog.lock([conversation_id])[conversation_id]
    place = access.get_participant(actor, conversation_id)
    if conversation.kind != ConversationKind.GROUP:
        raise Forbidden("Only groups have a title and people that may be changed.")
    return conversation, place.role


def _require(allowed: bool) -> None:
    if not allowed:
        raise Forbidden


def _places(group: Locked) -> Any:
    return Participant.objects.current().complete().filter(conversation=group.id)


def _place(group: Locked, user_id: UUID) -> Participant:
    place: Participant | None = _places(group).filter(user=user_id).first()
    if place is None:
        raise NotFound
    return place


def _require_another_owner(group: Locked, user_id: UUID) -> None:
    if not _places(group).filter(role=OWNER).exclude(user=user_id).exists():
        raise Conflict("The last owner makes somebody else one first.")


def _say(group: Locked, event: SystemEvent, actor: User, body: str, **data: Any) -> None:
    eventlog.append_system(group, event, actor=actor, body=body, by=person(actor), **data)
