"""The BPay app's own four calls, in its words, over the same actions as everything else."""

from typing import Any
from uuid import UUID

from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts import paging
from accounts.ids import new_id
from accounts.models import User
from accounts.requests import UserRequest, read_body
from accounts.text import timestamp
from chat import access, queries
from chat.actions import conversations, messages
from chat.api import bodies
from chat.api.schema import endpoint
from chat.enums import MessageKind
from chat.errors import Forbidden, Invalid, NotFound
from chat.models import Conversation, Message, NewMessage, Trade
from chat.protocol import MAX_PAGE, MAX_SEQ
from chat.ratelimit import charge_message

ENTRY = {
    "type": "object",
    "required": ["id", "senderId", "senderType", "message", "timestamp", "type"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "tradeId": {"type": "string", "description": "The trade's reference; on trade messages."},
        "receiverId": {"type": "string", "format": "uuid", "description": "On messages between admins."},
        "senderId": {"type": ["string", "null"], "format": "uuid"},
        "senderType": {"enum": ["user", "admin", "system"]},
        "message": {"type": "string"},
        "timestamp": {"type": "string", "format": "date-time"},
        "type": {"type": "string"},
    },
}
ENTRIES = {"type": "object", "properties": {"messages": {"type": "array", "items": ENTRY}}}
ONE = {"type": "object", "properties": {"message": ENTRY}}
WINDOW = {
    "before_seq": "The messages before this number.",
    "after_seq": "The messages after this number.",
    "limit": "1 to 100, default 100: the newest.",
}


class TradeMessages(ViewSet):
    @endpoint("Messages of a trade", answer=ENTRIES, query=WINDOW, tag="bpay")
    def list(self, request: UserRequest, reference: str) -> Response:
        trade = _trade(request.user, reference)
        conversation = access.get_conversation(request.user, trade.conversation_id)
        entries = [_entry(message, tradeId=trade.reference) for message in _window(request, conversation)]
        return Response({"messages": entries})

    @endpoint(
        "Write in a trade", body=bodies.TradeMessage, answer=ONE, status=201, refusals=(403, 404, 409), tag="bpay"
    )
    def create(self, request: UserRequest, reference: str) -> Response:
        body = read_body(request, bodies.TradeMessage)
        trade = _trade(request.user, reference)
        message = _send(request.user, trade.conversation_id, body.message, body.client_id)
        return Response({"message": _entry(message, tradeId=trade.reference)}, status=201)


class AdminMessages(ViewSet):
    @endpoint(
        "Messages with a colleague",
        answer=ENTRIES,
        query={"with": "The colleague's id.", **WINDOW},
        refusals=(403, 404),
        tag="bpay",
    )
    def list(self, request: UserRequest) -> Response:
        other = _colleague(request.user, _read_id(request, "with"))
        key = conversations.direct_key(request.user.pk, other.pk)
        conversation = Conversation.objects.of(request.user).filter(direct_key=key).first()
        found = [] if conversation is None else _window(request, conversation)
        receivers = {request.user.pk: other.pk, other.pk: request.user.pk}
        entries = [
            _entry(message, receiverId=str(receivers[message.sender_id])) for message in found if message.sender_id
        ]
        return Response({"messages": entries})

    @endpoint(
        "Write to a colleague", body=bodies.AdminMessage, answer=ONE, status=201, refusals=(403, 404, 409), tag="bpay"
    )
    def create(self, request: UserRequest) -> Response:
        body = read_body(request, bodies.AdminMessage)
        other = _colleague(request.user, body.receiverId)
        conversation, _ = conversations.open_direct(actor=request.user, user_id=other.pk)
        message = _send(request.user, conversation.pk, body.message, body.client_id)
        return Response({"message": _entry(message, receiverId=str(other.pk))}, status=201)


def _trade(user: User, reference: str) -> Trade:
    """By the app's own reference; whose chat is closed to the caller looks missing."""
    trade = Trade.objects.visible_to(user).filter(reference=reference).first() if "\x00" not in reference else None
    if trade is None:
        raise NotFound
    return trade


def _colleague(user: User, other_id: UUID) -> User:
    """These two calls are for staff among themselves."""
    if not user.is_staff:
        raise Forbidden
    other = User.objects.staff().filter(pk=other_id).exclude(pk=user.pk).first()
    if other is None:
        raise NotFound
    return other


def _send(user: User, conversation_id: UUID, text: str, client_id: UUID | None) -> Message | NewMessage:
    charge_message(str(user.pk))
    sent = messages.send_message(
        actor=user, conversation_id=conversation_id, client_id=client_id or new_id(), body=text
    )
    return sent.message


def _window(request: UserRequest, conversation: Conversation) -> list[Message]:
    window = queries.read_window(
        Message.objects.complete().filter(conversation=conversation),
        before=paging.read_integer(request, "before_seq", None, low=0, high=MAX_SEQ),
        after=paging.read_integer(request, "after_seq", None, low=0, high=MAX_SEQ),
        limit=paging.read_limit(request, default=MAX_PAGE),
    )
    return list(window.rows)


def _entry(message: Message | NewMessage, **place: str) -> dict[str, Any]:
    sender = message.sender
    kind = "system" if sender is None else "admin" if sender.is_staff else "user"
    return {
        "id": str(message.pk),
        **place,
        "senderId": None if sender is None else str(sender.pk),
        "senderType": kind,
        "message": "" if message.deleted_at else message.body,
        "timestamp": timestamp(message.created_at),
        "type": MessageKind(message.kind).value,
    }


def _read_id(request: UserRequest, name: str) -> UUID:
    try:
        return UUID(request.query_params.get(name, ""))
    except ValueError:
        raise Invalid(f"`{name}` is a UUID.", pointer=f"/{name}") from None
