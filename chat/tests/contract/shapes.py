"""The shapes of PROTOCOL sections 2 and 3, written down a second time from the models alone."""

from typing import Any

from accounts.models import User
from accounts.text import timestamp
from chat.models import Conversation, Escalation, Message, Participant, Trade

NEVER_HERE = {"status": "offline", "last_active": None}


def optional(at: Any) -> str | None:
    return at and timestamp(at)


def person(user: User) -> dict[str, Any]:
    return {
        "id": str(user.pk),
        "display_name": user.display_name,
        "role": user.role,
        "staff": user.role in ("trade_admin", "super_admin"),
    }


def message(row: Message) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "conversation": str(row.conversation_id),
        "seq": row.seq,
        "sender": row.sender and person(row.sender),
        "client_id": row.client_id and str(row.client_id),
        "kind": row.kind,
        "body": row.body,
        "data": row.data,
        "reply_to": row.reply_to_id and str(row.reply_to_id),
        "attachments": [],
        "reactions": {},
        "pinned": False,
        "created_at": timestamp(row.created_at),
        "edited_at": None,
        "deleted_at": None,
    }


def event(row: Message) -> dict[str, Any]:
    """The `message.new` of a message that has a sender."""
    return {
        "type": "message.new",
        "conversation": str(row.conversation_id),
        "seq": row.seq,
        "at": timestamp(row.created_at),
        "actor": row.sender_id and str(row.sender_id),
        "message": message(row),
    }


def participant(row: Participant) -> dict[str, Any]:
    return {
        "user": person(row.user),
        "role": row.role,
        "delivered_seq": row.delivered_seq,
        "read_seq": row.read_seq,
        "presence": NEVER_HERE,
    }


def conversation(pk: Any, viewer: User, *, unread: int, trade: Any = None) -> dict[str, Any]:
    row = Conversation.objects.get(pk=pk)
    places = list(row.participants.filter(left_at=None).order_by("id"))
    mine = next(place for place in places if place.user_id == viewer.pk)
    return {
        "id": str(row.pk),
        "kind": row.kind,
        "title": row.title,
        "trade": trade and str(trade),
        "head": row.head,
        "closed_at": optional(row.closed_at),
        "last_message": row.last_message and message(row.last_message),
        "last_activity_at": timestamp(row.last_activity_at),
        "unread": unread,
        "delivered_seq": mine.delivered_seq,
        "read_seq": mine.read_seq,
        "muted_until": optional(mine.muted_until),
        "archived": mine.archived_at is not None,
        "participants": [participant(place) for place in places],
    }


def trade(pk: Any, *, staff: bool = False, queue_position: int | None = None) -> dict[str, Any]:
    row = Trade.objects.get(pk=pk)
    shape = {
        "id": str(row.pk),
        "reference": row.reference,
        "customer": person(row.customer),
        "assignee": row.assignee and person(row.assignee),
        "side": row.side,
        "asset": row.asset,
        "asset_amount": str(row.asset_amount),
        "fiat_currency": row.fiat_currency,
        "fiat_amount": str(row.fiat_amount),
        "payment_method": row.payment_method,
        "status": row.status,
        "deadline_at": optional(row.deadline_at),
        "waiting_on": row.waiting_on,
        "waiting_since": optional(row.waiting_since),
        "queue_position": queue_position,
        "expected_wait_s": None,
        "conversation_id": str(row.conversation_id),
        "rating": row.rating,
        "opened_at": timestamp(row.opened_at),
        "closed_at": optional(row.closed_at),
    }
    return shape | ({"notes_conversation_id": str(row.notes_conversation_id)} if staff else {})


def escalation(row: Escalation) -> dict[str, Any]:
    """As staff see it."""
    return {
        "id": str(row.pk),
        "trade": str(row.trade_id),
        "reference": row.trade.reference,
        "raised_by": row.raised_by and person(row.raised_by),
        "reason": row.reason,
        "status": row.status,
        "taken_by": row.taken_by and person(row.taken_by),
        "decision": row.decision,
        "decision_reason": row.decision_reason or None,
        "created_at": timestamp(row.created_at),
        "resolved_at": optional(row.resolved_at),
    }
