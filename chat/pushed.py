"""
The chat's answers for notifications.sources: what a message says on a phone, and whether it is still news. Asked when
the push goes out, so what was read, deleted, muted or left in the meantime is not told.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Count, OuterRef, Q, Subquery, Sum

from accounts.models import User
from chat.enums import OPEN_STATUSES, ConversationKind, ParticipantRole
from chat.models import Block, Connection, Message, Participant, Trade
from notifications.enums import Kind
from notifications.models import Notification
from notifications.sources import Asked, Dropped, Said

Place = tuple[UUID, UUID]  # conversation, user


class ChatSource:
    def answer(self, rows: Sequence[Asked], now: datetime) -> Mapping[int, Said | Dropped]:
        said = [row for row in rows if row.kind is Kind.MESSAGE]
        told = [row for row in rows if row.kind is not Kind.MESSAGE]
        return answer_messages(said, now) | answer_notices(told, now)

    def summary(self, kind: Kind, count: int) -> str:
        return f"{count} new {'messages' if kind is Kind.MESSAGE else 'notifications'}"

    def badges(self, user_ids: Collection[UUID]) -> Mapping[UUID, int]:
        return unread_totals(user_ids)


def answer_messages(rows: Sequence[Asked], now: datetime) -> dict[int, Said | Dropped]:
    """Of rows whose cause is a person's message. Asks as often for many as for one."""
    messages = Message.objects.select_related("sender", "conversation").in_bulk([row.cause for row in rows])
    places = _places(messages.values(), {row.user_id for row in rows})
    senders = {message.sender_id for message in messages.values()}
    blocks = set(Block.objects.filter(blocked__in=senders).values_list("blocker", "blocked"))
    open_apps = _open_apps({row.user_id for row in rows}, now)
    answers: dict[int, Said | Dropped] = {}
    for row in rows:
        message = messages.get(row.cause)
        place = None if message is None else places.get((message.conversation_id, row.user_id))
        if message is None or place is None:
            answers[row.id] = Dropped.GONE
        elif (row.user_id, message.sender_id) in blocks:
            answers[row.id] = Dropped.BLOCKED
        else:
            is_open = row.waits or row.user_id in open_apps
            answers[row.id] = why_not(message, place, is_open=is_open, now=now) or said(message)
    return answers


def answer_notices(rows: Sequence[Asked], now: datetime) -> dict[int, Said | Dropped]:
    """Of rows whose cause somebody was notified of; often a system message, or a note that names them."""
    causes, user_ids = [row.cause for row in rows], {row.user_id for row in rows}
    notes = {(one.cause, one.user_id): one for one in Notification.objects.filter(cause__in=causes, user__in=user_ids)}
    messages = Message.objects.select_related("sender", "conversation").in_bulk(causes)
    places = _places(messages.values(), user_ids)
    trades = _trades({row.thread for row in rows} | {message.conversation_id for message in messages.values()})
    users = User.objects.active().in_bulk(user_ids)
    answers: dict[int, Said | Dropped] = {}
    for row in rows:
        note, user, message = notes.get((row.cause, row.user_id)), users.get(row.user_id), messages.get(row.cause)
        trade = trades.get(row.thread) or (None if message is None else trades.get(message.conversation_id))
        place = None if message is None else places.get((message.conversation_id, row.user_id))
        if note is None or user is None or trade is None or not _concerns(row, user, trade):
            answers[row.id] = Dropped.GONE
        elif note.read_at is not None:
            answers[row.id] = Dropped.READ
        else:
            why = None
            if message is not None and place is not None:
                why = why_not(message, place, is_open=row.waits, now=now)
            answers[row.id] = why or _notice(note, trade, message if place else None)
    return answers


def _trades(conversation_ids: Collection[UUID]) -> dict[UUID, Trade]:
    """By either of their conversations."""
    found = Trade.objects.filter(Q(conversation__in=conversation_ids) | Q(notes_conversation__in=conversation_ids))
    trades = list(found)
    by_chat = {trade.conversation_id: trade for trade in trades}
    return by_chat | {trade.notes_conversation_id: trade for trade in trades}


def _concerns(row: Asked, user: User, trade: Trade) -> bool:
    """Whether somebody still has to do with what they were to be told of."""
    if user.pk == trade.customer_id:
        return row.kind is Kind.TRADE
    if not user.is_staff:
        return False
    if row.thread not in (trade.conversation_id, trade.notes_conversation_id):  # of the queue, as it was
        return trade.assignee_id is None and trade.status in OPEN_STATUSES
    return row.kind is Kind.MENTION or user.is_super_admin or user.pk == trade.assignee_id


def _notice(note: Notification, trade: Trade, message: Message | None) -> Said:
    ids = {} if message is None else {"conversation": str(message.conversation_id), "message": str(message.pk)}
    return Said(f"Trade {trade.reference}", note.text, "There is news for you", {**ids, "url": note.url})


def _places(messages: Collection[Message], user_ids: Collection[UUID]) -> dict[Place, Participant]:
    conversation_ids = {message.conversation_id for message in messages}
    found = Participant.objects.current().filter(conversation__in=conversation_ids, user__in=user_ids)
    watching = Q(role=ParticipantRole.OBSERVER, conversation__kind=ConversationKind.TRADE)
    return {(place.conversation_id, place.user_id): place for place in found.exclude(watching)}


def _open_apps(user_ids: Collection[UUID], now: datetime) -> set[UUID]:
    """
    Who has a socket in the foreground now: its lease is stored a moment after it opens, so a message of that moment
    found none.
    """
    leases = Connection.objects.filter(user__in=user_ids, foreground=True, expires_at__gt=now)
    return set(leases.values_list("user", flat=True))


def why_not(message: Message, place: Participant, *, is_open: bool, now: datetime) -> Dropped | None:
    """Why a message is no news any more for somebody in its conversation, if it is not."""
    if message.deleted_at is not None:
        return Dropped.DELETED
    if place.read_seq >= message.seq:
        return Dropped.READ
    if is_open and place.delivered_seq >= message.seq:
        return Dropped.DELIVERED
    if place.muted_until is not None and place.muted_until > now:
        return Dropped.MUTED
    return None


def said(message: Message) -> Said:
    """A person's message: the title names the conversation, in a direct one its other person."""
    assert message.sender is not None
    name, conversation = message.sender.display_name, message.conversation
    title = {
        ConversationKind.DIRECT.value: name,
        ConversationKind.TRADE.value: f"Trade {conversation.title}",
        ConversationKind.STAFF_NOTES.value: f"Notes on {conversation.title}",
        ConversationKind.GROUP.value: conversation.title,
    }[conversation.kind]
    is_direct = conversation.kind == ConversationKind.DIRECT
    text = message.body if is_direct else f"{name}: {message.body}"
    return Said(title=title, text=text, generic="New message", data=data(message))


def data(message: Message) -> dict[str, str]:
    conversation = str(message.conversation_id)
    return {"conversation": conversation, "message": str(message.pk), "url": f"/conversations/{conversation}"}


def unread_totals(user_ids: Collection[UUID]) -> dict[UUID, int]:
    """By person all that is unread, as `unread/` counts it."""
    later = Message.objects.filter(
        conversation=OuterRef("conversation"), seq__gt=OuterRef("read_seq"), sender__isnull=False, deleted_at=None
    ).exclude(sender=OuterRef("user"))
    count = later.order_by().values("conversation").annotate(n=Count("pk")).values("n")
    places = Participant.objects.current().filter(user__in=user_ids)
    rows = places.values("user").annotate(total=Sum(Subquery(count))).values_list("user", "total")
    return dict.fromkeys(user_ids, 0) | {user_id: total or 0 for user_id, total in rows}
