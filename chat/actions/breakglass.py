"""A super admin who opens the chat of a trade they are no part of: with a reason, and never unrecorded."""

from uuid import UUID

from django.db import transaction

from accounts.models import User
from accounts.serializers import person
from chat import access, eventlog
from chat.access import Right
from chat.actions import announcements, audit, people, words
from chat.enums import UNRESOLVED_STATUSES, ParticipantRole, SystemEvent
from chat.errors import Conflict, ConversationClosed
from chat.models import Escalation, Participant, Trade


def join(*, actor: User, trade_id: UUID, reason: str, write: bool = False) -> Trade:
    """
    To read: the customer learns nothing of it, other staff find it in the trade's history. To write: for everybody to
    see, while the trade is open. Who may do as much already changes nothing; a reader may step up to writing.
    """
    with transaction.atomic():
        trade = access.lock_trade(actor, trade_id, Right.JOIN)
        words.require_reason(reason)
        words.check(reason, "/reason")
        role = _role(trade, actor)
        if role is None and not write:
            conversations = eventlog.lock([trade.conversation_id])
            people.step_in(conversations[trade.conversation_id], actor, ParticipantRole.OBSERVER)
            audit.record("trade.read", actor=actor, trade=trade, reason=reason)
        elif write and role in (None, ParticipantRole.OBSERVER):
            _step_up(trade, actor, reason)
    return access.get_trade(actor, trade_id)


def leave(*, actor: User, trade_id: UUID) -> Trade:
    """Undo a join. Whoever the trade or its escalation belongs to hands it on, or decides, instead."""
    with transaction.atomic():
        trade = access.lock_trade(actor, trade_id, Right.JOIN)
        role = _role(trade, actor)
        if role is not None:
            _check_free_to_leave(trade, actor)
            conversations = eventlog.lock([trade.conversation_id, trade.notes_conversation_id])
            for conversation in conversations.values():
                people.leave(conversation, actor.pk)
            audit.record("trade.left", actor=actor, trade=trade)
            if role != ParticipantRole.OBSERVER:
                body = f"{actor.display_name} has left."
                _say(trade, conversations[trade.conversation_id], SystemEvent.PARTICIPANT_LEFT, body, actor)
    return access.get_trade(actor, trade_id)


def _role(trade: Trade, actor: User) -> str | None:
    seats = Participant.objects.current().filter(conversation=trade.conversation_id, user=actor)
    return seats.values_list("role", flat=True).first()


def _step_up(trade: Trade, actor: User, reason: str) -> None:
    conversations = eventlog.lock([trade.conversation_id, trade.notes_conversation_id])
    conversation = conversations[trade.conversation_id]
    if conversation.is_closed:
        raise ConversationClosed
    for each in conversations.values():
        people.step_in(each, actor, ParticipantRole.MEMBER)
    audit.record("trade.joined", actor=actor, trade=trade, reason=reason)
    body = f"{actor.display_name} from support has joined."
    _say(trade, conversation, SystemEvent.PARTICIPANT_JOINED, body, actor)


def _say(trade: Trade, conversation: eventlog.Locked, event: SystemEvent, body: str, actor: User) -> None:
    who = person(actor)
    role = ParticipantRole.MEMBER.value
    announcements.say(trade, conversation, event, body, actor=actor, user=who, role=role, by=who)


def _check_free_to_leave(trade: Trade, actor: User) -> None:
    if trade.assignee_id == actor.pk:
        raise Conflict("You look after this trade: hand it over, or release it.")
    taken = Escalation.objects.filter(trade=trade, taken_by=actor, status__in=UNRESOLVED_STATUSES)
    if taken.exists():
        raise Conflict("You have taken this trade's escalation: decide it first.")
