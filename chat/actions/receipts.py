"""How far somebody got: marks that only grow, and the signs of life beside them (typing)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Greatest

from accounts.models import User
from chat import access, fanout
from chat.enums import ConversationKind, ParticipantRole
from chat.errors import ChatError
from chat.models import Message, Participant
from chat.serializers import MarksShape
from notifications.actions import outbox


@dataclass(frozen=True, slots=True)
class Mark:
    """Somebody has received (or, with `read`, seen) everything up to `seq`."""

    user: User
    conversation_id: UUID
    seq: int
    read: bool


def mark(*, actor: User, conversation_id: UUID, seq: int, read: bool) -> MarksShape:
    """Move a mark forward. Beyond the head it is clamped, backwards changes nothing, and read raises delivered."""
    [outcome] = mark_all([Mark(actor, conversation_id, seq, read)])
    if isinstance(outcome, ChatError):
        raise outcome
    return outcome


def mark_all(marks: Sequence[Mark]) -> list[MarksShape | ChatError]:
    """Many marks in one transaction. Rows are taken in one order, so two servers never wait for each other."""
    ordered = sorted(range(len(marks)), key=lambda place: (marks[place].conversation_id, marks[place].user.pk))
    outcomes: dict[int, MarksShape | ChatError] = {}
    read_by = {mark.user.pk for mark in marks if mark.read}
    with transaction.atomic():
        for place in ordered:
            try:
                outcomes[place] = _move(marks[place])
            except ChatError as refusal:
                outcomes[place] = refusal
        outbox.lower_badges(read_by)
    return [outcomes[place] for place in range(len(marks))]


def _move(mark: Mark) -> MarksShape:
    place = access.get_participant(mark.user, mark.conversation_id)
    seq = min(mark.seq, place.conversation.head)
    moved = 0
    if mark.read:
        moved = Participant.objects.filter(pk=place.pk, read_seq__lt=seq).update(
            read_seq=seq, delivered_seq=Greatest("delivered_seq", seq)
        )
    else:
        moved = Participant.objects.filter(pk=place.pk, delivered_seq__lt=seq).update(delivered_seq=seq)
    if place.pk is not None:
        place.refresh_from_db(fields=["delivered_seq", "read_seq"])
    marks = MarksShape(
        delivered_seq=place.delivered_seq,
        read_seq=place.read_seq,
        unread=Message.objects.unread_by(mark.user.pk, mark.conversation_id).count(),
    )
    if moved:
        unseen = place.role == ParticipantRole.OBSERVER and place.conversation.kind == ConversationKind.TRADE
        transaction.on_commit(partial(_announce, mark, seq, marks.unread, to_others=not unseen))
    return marks


def _announce(mark: Mark, seq: int, unread: int, *, to_others: bool) -> None:
    """Nobody hears how far a super admin has read who only looks in."""
    frame: dict[str, Any] = {
        "type": "message.read" if mark.read else "message.delivered",
        "conversation": mark.conversation_id,
        "user": mark.user.pk,
        "seq": seq,
    }
    if to_others:
        fanout.to_conversation(mark.conversation_id, frame, but=mark.user.pk)
    fanout.to_users([mark.user.pk], {**frame, "unread": unread})


def type_in(*, actor: User, conversation_id: UUID, typing: bool) -> None:
    """Show the others in the conversation that somebody types, or stopped to. Stored nowhere."""
    place = access.get_participant(actor, conversation_id)
    access.check_may_write(place.role, is_closed=place.conversation.is_closed, kind=place.conversation.kind)
    frame = {
        "type": "typing.start" if typing else "typing.stop",
        "conversation": conversation_id,
        "user": {"id": actor.pk, "display_name": actor.display_name},
    }
    fanout.to_conversation(conversation_id, frame, but=actor.pk, droppable=True)
