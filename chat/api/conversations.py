"""Conversations, their messages and events, over REST."""

from uuid import UUID

from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts import paging
from accounts.requests import UserRequest, read_body
from chat import access, queries
from chat.actions import conversations, groups, messages, receipts
from chat.api import bodies
from chat.api.schema import endpoint, reference
from chat.enums import ConversationKind
from chat.errors import Invalid
from chat.models import Event, Message
from chat.protocol import MAX_SEQ, MAX_SYNC_EVENTS
from chat.ratelimit import charge_message
from chat.serializers import (
    ConversationShape,
    EventShape,
    MarksShape,
    MessageShape,
    conversation_shape,
    event_shape,
    full_message,
)

SEQ_QUERY = {
    "before_seq": "The page before this number.",
    "after_seq": "The page after this number.",
    "limit": "1 to 100, default 50.",
}
EVENTS = {
    "type": "object",
    "required": ["events", "head"],
    "properties": {
        "events": {"type": "array", "items": reference(EventShape)},
        "head": {"type": "integer"},
    },
}


class ConversationViewSet(ViewSet):
    @endpoint(
        "My conversations, newest activity first",
        answer=ConversationShape,
        page=True,
        refusals=(),
        query={
            **paging.PAGE_QUERY,
            "kind": "trade, staff_notes, direct or group.",
            "unread": "true: only those with something unread.",
            "archived": "true: the archived ones, else the others.",
        },
    )
    def list(self, request: UserRequest) -> Response:
        rows = access.summaries(request.user).archived_by(request.user, paging.read_flag(request, "archived"))
        kind = paging.read_choice(request, "kind", tuple(ConversationKind))
        if kind is not None:
            rows = rows.filter(kind=kind)
        if paging.read_flag(request, "unread"):
            rows = rows.with_something_unread()
        pages = paging.Pages(("-last_activity_at", "-id"))
        page = pages.page_of(rows, request)
        return pages.answer([conversation_shape(conversation, request.user) for conversation in page])

    @endpoint(
        "Open the direct conversation with somebody",
        body=bodies.NewDirect,
        answer=ConversationShape,
        status=201,
        also={200: "It was there already."},
        refusals=(403, 404),
    )
    def direct(self, request: UserRequest) -> Response:
        body = read_body(request, bodies.NewDirect)
        conversation, created = conversations.open_direct(actor=request.user, user_id=body.user_id)
        return Response(conversation_shape(conversation, request.user), status=201 if created else 200)

    @endpoint("One conversation", answer=ConversationShape)
    def retrieve(self, request: UserRequest, conversation_id: UUID) -> Response:
        conversation = access.get_summary(request.user, conversation_id)
        return Response(conversation_shape(conversation, request.user))

    @endpoint(
        "Found a group",
        body=bodies.NewGroup,
        answer=ConversationShape,
        status=201,
        refusals=(403, 404),
        description="The founder is its owner. Somebody I may not write to looks like somebody who does not exist.",
    )
    def group(self, request: UserRequest) -> Response:
        body = read_body(request, bodies.NewGroup)
        conversation = groups.create(actor=request.user, title=body.title, participant_ids=body.participant_ids)
        return Response(conversation_shape(conversation, request.user), status=201)

    @endpoint(
        "Mute or archive a conversation for myself, rename a group",
        body=bodies.ConversationChange,
        answer=ConversationShape,
        refusals=(403, 404),
    )
    def partial_update(self, request: UserRequest, conversation_id: UUID) -> Response:
        changes = read_body(request, bodies.ConversationChange).changes()
        conversation = conversations.change(actor=request.user, conversation_id=conversation_id, **changes)
        return Response(conversation_shape(conversation, request.user))

    @endpoint("Everything unread", answer={"type": "object"}, refusals=())
    def unread(self, request: UserRequest) -> Response:
        counts = queries.unread_counts(request.user)
        return Response({"total": sum(counts.values()), "conversations": counts})


class MessageViewSet(ViewSet):
    @endpoint(
        "Messages of a conversation, ascending",
        answer=MessageShape,
        page=True,
        query=SEQ_QUERY,
        description="Without a position, the newest page.",
    )
    def list(self, request: UserRequest, conversation_id: UUID) -> Response:
        conversation = access.get_conversation(request.user, conversation_id)
        window = queries.read_window(
            Message.objects.complete().filter(conversation=conversation),
            before=paging.read_integer(request, "before_seq", None, low=0, high=MAX_SEQ),
            after=paging.read_integer(request, "after_seq", None, low=0, high=MAX_SEQ),
            limit=paging.read_limit(request),
        )
        here = request.build_absolute_uri(request.path)
        limit = paging.read_limit(request)
        return Response(
            {
                "results": [full_message(message) for message in window.rows],
                "next": f"{here}?after_seq={window.rows[-1].seq}&limit={limit}" if window.later else None,
                "previous": f"{here}?before_seq={window.rows[0].seq}&limit={limit}" if window.earlier else None,
            }
        )

    @endpoint(
        "Send a message",
        body=bodies.NewMessage,
        answer=MessageShape,
        status=201,
        also={200: "The same was sent before: the message as it is now."},
        refusals=(403, 404, 409),
        description="`client_id` (or the header `Idempotency-Key`) makes a repeat safe for ever.",
    )
    def create(self, request: UserRequest, conversation_id: UUID) -> Response:
        body = read_body(request, bodies.NewMessage)
        charge_message(str(request.user.pk))
        sent = messages.send_message(
            actor=request.user,
            conversation_id=conversation_id,
            client_id=body.client_id or _idempotency_key(request),
            body=body.body,
            reply_to=body.reply_to,
        )
        return Response(full_message(sent.message), status=200 if sent.duplicate else 201)

    @endpoint("One message", answer=MessageShape)
    def retrieve(self, request: UserRequest, message_id: UUID) -> Response:
        return Response(full_message(access.get_message(request.user, message_id)))


class EventViewSet(ViewSet):
    @endpoint(
        "The log of a conversation behind a position",
        answer=EVENTS,
        query={"after_seq": "Default 0.", "limit": "1 to 300, default 300."},
        description="For resuming and for polling; each event is `EventShape`.",
    )
    def list(self, request: UserRequest, conversation_id: UUID) -> Response:
        after = paging.read_integer(request, "after_seq", 0, low=0, high=MAX_SEQ)
        limit = paging.read_limit(request, high=MAX_SYNC_EVENTS, default=MAX_SYNC_EVENTS)
        conversation = access.get_conversation(request.user, conversation_id)
        rows = Event.objects.after(conversation.pk, after or 0, until=conversation.head)[:limit]
        return Response({"events": [event_shape(event) for event in rows], "head": conversation.head})


class ReceiptViewSet(ViewSet):
    @endpoint("I have read up to here", body=bodies.Position, answer=MarksShape)
    def read(self, request: UserRequest, conversation_id: UUID) -> Response:
        return self._mark(request, conversation_id, read=True)

    @endpoint("My device has received up to here", body=bodies.Position, answer=MarksShape)
    def delivered(self, request: UserRequest, conversation_id: UUID) -> Response:
        return self._mark(request, conversation_id, read=False)

    @endpoint("I am typing, or stopped to", body=bodies.Typing, status=204, refusals=(403, 404, 409))
    def typing(self, request: UserRequest, conversation_id: UUID) -> Response:
        body = read_body(request, bodies.Typing)
        receipts.type_in(actor=request.user, conversation_id=conversation_id, typing=body.typing)
        return Response(status=204)

    def _mark(self, request: UserRequest, conversation_id: UUID, *, read: bool) -> Response:
        body = read_body(request, bodies.Position)
        return Response(receipts.mark(actor=request.user, conversation_id=conversation_id, seq=body.seq, read=read))


def _idempotency_key(request: UserRequest) -> UUID:
    text = request.headers.get("Idempotency-Key", "").strip('"')
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("`client_id` is a UUID (or the header Idempotency-Key is).", pointer="/client_id") from None
