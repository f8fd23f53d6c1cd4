"""One JSON shape per resource, shared by REST, events and acks. Nothing here runs a query or decides a right."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import Raw, Struct, structs

from accounts.models import User
from accounts.serializers import PersonShape, person
from accounts.text import timestamp
from chat.enums import ConversationKind, ParticipantRole, PresenceStatus
from chat.errors import NotFound
from chat.models import (
    AuditEntry,
    CannedReply,
    Conversation,
    Escalation,
    Event,
    Message,
    NewMessage,
    Participant,
    Presence,
    Trade,
)


class MessageShape(Struct):
    """A message as everybody who may read it sees it. A deleted one keeps its place and loses its body."""

    id: UUID
    conversation: UUID
    seq: int
    sender: PersonShape | None
    client_id: UUID | None
    kind: str
    body: str
    data: dict[str, Any] | None
    reply_to: UUID | None
    attachments: list[dict[str, Any]]
    reactions: dict[str, list[UUID]]
    pinned: bool
    created_at: str
    edited_at: str | None
    deleted_at: str | None


class EventShape(Struct):
    """One entry of the log, as it is sent live, in `sync` and by `events/`."""

    type: str
    conversation: UUID
    seq: int
    at: str
    actor: UUID | None
    message: MessageShape | Raw


class TradeShape(Struct):
    """A trade. `notes_conversation_id` is there for staff only."""

    id: UUID
    reference: str
    customer: PersonShape
    assignee: PersonShape | None
    side: str
    asset: str
    asset_amount: str
    fiat_currency: str
    fiat_amount: str
    payment_method: str
    status: str
    deadline_at: str | None
    waiting_on: str
    waiting_since: str | None
    queue_position: int | None
    expected_wait_s: int | None
    conversation_id: UUID
    rating: int | None
    opened_at: str
    closed_at: str | None


class StaffTradeShape(TradeShape):
    notes_conversation_id: UUID


class EarlierTradeShape(Struct):
    """What staff see of another trade of the same customer."""

    id: UUID
    reference: str
    status: str
    fiat_amount: str
    fiat_currency: str
    opened_at: str
    closed_at: str | None
    rating: int | None


class TradeDetailShape(StaffTradeShape):
    """One trade, for staff: with the customer's newest earlier ones, and how many there are."""

    earlier_trades: list[EarlierTradeShape]
    earlier_trades_total: int


class TradeName(Struct):
    id: UUID
    reference: str


class AuditShape(Struct):
    """An entry of the audit log. Without an actor it was the system; the subject is whose account or seat it was."""

    id: int
    at: str
    actor: PersonShape | None
    subject: PersonShape | None
    action: str
    trade: TradeName | None
    detail: dict[str, Any]


class EscalationShape(Struct):
    """A trade that needs, or needed, a super admin. The reason an admin gives is for staff only."""

    id: UUID
    trade: UUID
    reference: str
    raised_by: PersonShape | None
    reason: str
    status: str
    taken_by: PersonShape | None
    decision: str | None
    decision_reason: str | None
    created_at: str
    resolved_at: str | None


class PresenceShape(Struct):
    status: str
    last_active: str | None


class ParticipantShape(Struct):
    user: PersonShape
    role: str
    delivered_seq: int
    read_seq: int
    presence: PresenceShape


class ConversationShape(Struct):
    """A conversation as one of its participants sees it."""

    id: UUID
    kind: str
    title: str
    trade: UUID | None
    head: int
    closed_at: str | None
    last_message: MessageShape | None
    last_activity_at: str
    unread: int
    delivered_seq: int
    read_seq: int
    muted_until: str | None
    archived: bool
    participants: list[ParticipantShape]


class ColleagueShape(Struct):
    """An admin as other staff see them."""

    id: str
    display_name: str
    role: str
    staff: bool
    presence: PresenceShape
    availability: str
    open_trades: int


class CannedReplyShape(Struct):
    """One of the reader's own, or (`team`) everybody's."""

    id: UUID
    title: str
    body: str
    team: bool
    created_at: str
    updated_at: str


class MentionShape(Struct):
    """A staff note that names the reader."""

    message: MessageShape | Raw
    conversation: UUID
    trade: UUID
    created_at: str


class MarksShape(Struct):
    delivered_seq: int
    read_seq: int
    unread: int


def optional_timestamp(at: datetime | None) -> str | None:
    return None if at is None else timestamp(at)


def amount(value: Decimal) -> str:
    return format(value, "f")


def message_shape(message: Message | NewMessage, sender: PersonShape | None) -> MessageShape:
    """Takes the sender's shape, so that a batch by few people makes each of them once."""
    gone = message.deleted_at is not None
    return MessageShape(
        id=message.id,
        conversation=message.conversation_id,
        seq=message.seq,
        sender=sender,
        client_id=message.client_id,
        kind=message.kind,
        body="" if gone else message.body,
        data=None if gone else message.data,
        reply_to=message.reply_to_id,
        attachments=[],
        reactions={},
        pinned=False,
        created_at=timestamp(message.created_at),
        edited_at=optional_timestamp(message.edited_at),
        deleted_at=optional_timestamp(message.deleted_at),
    )


def full_message(message: Message | NewMessage) -> MessageShape:
    """For a message fetched with `complete()`."""
    return message_shape(message, None if message.sender is None else person(message.sender))


def event_shape(event: Event) -> EventShape:
    """For an event fetched with its message and sender: the message as it is now."""
    assert event.message is not None
    return EventShape(
        type=event.type,
        conversation=event.conversation_id,
        seq=event.seq,
        at=timestamp(event.created_at),
        actor=event.actor_id,
        message=full_message(event.message),
    )


def trade_shape(trade: Trade, *, for_staff: bool) -> TradeShape:
    """For a trade fetched with `complete()`."""
    shape = TradeShape(
        id=trade.id,
        reference=trade.reference,
        customer=person(trade.customer),
        assignee=None if trade.assignee is None else person(trade.assignee),
        side=trade.side,
        asset=trade.asset,
        asset_amount=amount(trade.asset_amount),
        fiat_currency=trade.fiat_currency,
        fiat_amount=amount(trade.fiat_amount),
        payment_method=trade.payment_method,
        status=trade.status,
        deadline_at=optional_timestamp(trade.deadline_at),
        waiting_on=trade.waiting_on,
        waiting_since=optional_timestamp(trade.waiting_since),
        queue_position=None if trade.queued_at is None else trade.ahead_in_queue + 1,
        expected_wait_s=None if trade.expected_wait is None else round(trade.expected_wait.total_seconds()),
        conversation_id=trade.conversation_id,
        rating=trade.rating,
        opened_at=timestamp(trade.opened_at),
        closed_at=optional_timestamp(trade.closed_at),
    )
    if not for_staff:
        return shape
    return StaffTradeShape(**structs.asdict(shape), notes_conversation_id=trade.notes_conversation_id)


def audit_shape(entry: AuditEntry) -> AuditShape:
    """For an entry fetched with actor, subject and trade."""
    return AuditShape(
        id=entry.pk,
        at=timestamp(entry.at),
        actor=None if entry.actor is None else person(entry.actor),
        subject=None if entry.subject is None else person(entry.subject),
        action=entry.action,
        trade=None if entry.trade is None else TradeName(entry.trade.pk, entry.trade.reference),
        detail=entry.detail,
    )


def escalation_shape(escalation: Escalation, *, for_staff: bool) -> EscalationShape:
    """For an escalation fetched with `complete()`."""
    own = escalation.raised_by_id == escalation.trade.customer_id
    return EscalationShape(
        id=escalation.id,
        trade=escalation.trade_id,
        reference=escalation.trade.reference,
        raised_by=None if escalation.raised_by is None else person(escalation.raised_by),
        reason=escalation.reason if for_staff or own else "",
        status=escalation.status,
        taken_by=None if escalation.taken_by is None else person(escalation.taken_by),
        decision=escalation.decision,
        decision_reason=escalation.decision_reason or None,
        created_at=timestamp(escalation.created_at),
        resolved_at=optional_timestamp(escalation.resolved_at),
    )


def trade_detail_shape(trade: Trade, earlier: Sequence[Trade], total: int) -> TradeDetailShape:
    """For a trade fetched with `complete()`, and the earlier ones as they are."""
    shape = trade_shape(trade, for_staff=True)
    shown = [
        EarlierTradeShape(
            id=one.id,
            reference=one.reference,
            status=one.status,
            fiat_amount=amount(one.fiat_amount),
            fiat_currency=one.fiat_currency,
            opened_at=timestamp(one.opened_at),
            closed_at=optional_timestamp(one.closed_at),
            rating=one.rating,
        )
        for one in earlier
    ]
    return TradeDetailShape(**structs.asdict(shape), earlier_trades=shown, earlier_trades_total=total)


def presence_shape(presence: Presence | None) -> PresenceShape:
    if presence is None:
        return PresenceShape(status=PresenceStatus.OFFLINE, last_active=None)
    return PresenceShape(status=presence.status, last_active=timestamp(presence.last_active))


def colleague_shape(user: User, *, open_trades: int) -> ColleagueShape:
    """For staff fetched with their presence."""
    return ColleagueShape(
        **person(user),
        presence=presence_shape(getattr(user, "presence", None)),
        availability=str(user.availability),
        open_trades=open_trades,
    )


def canned_reply_shape(reply: CannedReply) -> CannedReplyShape:
    return CannedReplyShape(
        id=reply.id,
        title=reply.title,
        body=reply.body,
        team=reply.owner_id is None,
        created_at=timestamp(reply.created_at),
        updated_at=timestamp(reply.updated_at),
    )


def participant_shape(participant: Participant, *, kind: str) -> ParticipantShape:
    """For a participant fetched with `complete()`. In a direct one both look like members: blocks are hidden."""
    return ParticipantShape(
        user=person(participant.user),
        role=ParticipantRole.MEMBER.value if kind == ConversationKind.DIRECT else participant.role,
        delivered_seq=participant.delivered_seq,
        read_seq=participant.read_seq,
        presence=presence_shape(getattr(participant.user, "presence", None)),
    )


def conversation_shape(conversation: Conversation, viewer: User) -> ConversationShape:
    """For a conversation of access.summaries(): with `unread`, `present`, the trade's id and the last message."""
    mine = next((participant for participant in conversation.present if participant.user_id == viewer.pk), None)
    if mine is None:  # left between the two queries
        raise NotFound
    return ConversationShape(
        id=conversation.id,
        kind=conversation.kind,
        title=conversation.title,
        trade=conversation.trade_id,
        head=conversation.head,
        closed_at=optional_timestamp(conversation.closed_at),
        last_message=None if conversation.last_message is None else full_message(conversation.last_message),
        last_activity_at=timestamp(conversation.last_activity_at),
        unread=conversation.unread,
        delivered_seq=mine.delivered_seq,
        read_seq=mine.read_seq,
        muted_until=optional_timestamp(mine.muted_until),
        archived=mine.archived_at is not None,
        participants=[participant_shape(participant, kind=conversation.kind) for participant in conversation.present],
    )
