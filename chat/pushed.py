"""
The chat's answers for notifications.sources: what a message says on a phone, and whether it is still news. Asked when
the push goes out, so what was read, deleted, muted or left in the meantime is not told.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Count, OuterRef, Q, Subquery, Sum

from chat.enums import ConversationKind, ParticipantRole
from chat.models import Block, Message, Participant
from notifications.enums import Kind
from notifications.sources import Asked, Dropped, Said

Place = tuple[UUID, UUID]  # conversation, user


class ChatSource:
    def answer(self, rows: Sequence[Asked], now: datetime) -> Mapping[int, Said | Dropped]:
        return answer_messages(rows, now)

    def summary(self, kind: Kind, count: int) -> str:
        return f"{count} new messages"

    def badges(self, user_ids: Collection[UUID]) -> Mapping[UUID, int]:
        return unread_totals(user_ids)


def answer_messages(rows: Sequence[Asked], now: datetime) -> dict[int, Said | Dropped]:
    """Of rows whose cause is a person's message. Asks as often for many as for one."""
    messages = Message.objects.select_related("sender", "conversation").in_bulk([row.cause for row in rows])
    places = _places(messages.values(), {row.user_id for row in rows})
    senders = {message.sender_id for message in messages.values()}
    blocks = set(Block.objects.filter(blocked__in=senders).values_list("blocker", "blocked"))
    answers: dict[int, Said | Dropped] = {}
    for row in rows:
        message = messages.get(row.cause)
        place = None if message is None else places.get((message.conversation_id, row.user_id))
        if message is None or place is None:
            answers[row.id] = Dropped.GONE
        elif (row.user_id, message.sender_id) in blocks:
            answers[row.id] = Dropped.BLOCKED
        else:
            answers[row.id] = why_not(message, place, waits=row.waits, now=now) or said(message)
    return answers


def _places(messages: Collection[Message], user_ids: Collection[UUID]) -> dict[Place, Participant]:
    conversation_ids = {message.conversation_id for message in messages}
    found = Participant.objects.current().filter(conversation__in=conversation_ids, user__in=user_ids)
    watching = Q(role=ParticipantRole.OBSERVER, conversation__kind=ConversationKind.TRADE)
    return {(place.conversation_id, place.user_id): place for place in found.exclude(watching)}


def why_not(message: Message, place: Participant, *, waits: bool, now: datetime) -> Dropped | None:
    """Why a message is no news any more for somebody in its conversation, if it is not."""
    if message.deleted_at is not None:
        return Dropped.DELETED
    if place.read_seq >= message.seq:
        return Dropped.READ
    if waits and place.delivered_seq >= message.seq:
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
