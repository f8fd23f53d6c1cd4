"""Canned replies over REST, for staff."""

from uuid import UUID

from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts import paging
from accounts.requests import UserRequest, read_body
from chat.actions import canned_replies
from chat.api import bodies
from chat.api.schema import endpoint
from chat.serializers import CannedReplyShape, canned_reply_shape

RENDERED = {"type": "object", "required": ["body"], "properties": {"body": {"type": "string"}}}
VARIABLES = "Variables in the text: " + ", ".join(f"`{{{name}}}`" for name in canned_replies.VARIABLES) + "."


class CannedReplyViewSet(ViewSet):
    @endpoint(
        "My canned replies and the team's, by title",
        answer=CannedReplyShape,
        page=True,
        query={**paging.PAGE_QUERY, "q": "Only those with this in their title or text, 1 to 64 characters."},
        refusals=(403,),
        tag="staff",
    )
    def list(self, request: UserRequest) -> Response:
        rows = canned_replies.usable_by(request.user)
        words = paging.read_text(request, "q")
        if words is not None:
            rows = rows.holding(words)
        pages = paging.Pages(("title", "id"))
        return pages.answer([canned_reply_shape(reply) for reply in pages.page_of(rows, request)])

    @endpoint(
        "Keep a canned reply",
        body=bodies.NewCannedReply,
        answer=CannedReplyShape,
        status=201,
        refusals=(403,),
        description=f"`team` makes it everybody's (super admins). {VARIABLES}",
        tag="staff",
    )
    def create(self, request: UserRequest) -> Response:
        body = read_body(request, bodies.NewCannedReply)
        reply = canned_replies.create(actor=request.user, title=body.title, body=body.body, team=body.team)
        return Response(canned_reply_shape(reply), status=201)

    @endpoint("One canned reply", answer=CannedReplyShape, refusals=(403, 404), tag="staff")
    def retrieve(self, request: UserRequest, reply_id: UUID) -> Response:
        return Response(canned_reply_shape(canned_replies.get(actor=request.user, reply_id=reply_id)))

    @endpoint(
        "Change a canned reply",
        body=bodies.CannedReplyChange,
        answer=CannedReplyShape,
        refusals=(403, 404),
        description=VARIABLES,
        tag="staff",
    )
    def partial_update(self, request: UserRequest, reply_id: UUID) -> Response:
        changes = read_body(request, bodies.CannedReplyChange).changes()
        return Response(canned_reply_shape(canned_replies.change(actor=request.user, reply_id=reply_id, **changes)))

    @endpoint("Drop a canned reply", status=204, refusals=(403, 404), tag="staff")
    def destroy(self, request: UserRequest, reply_id: UUID) -> Response:
        canned_replies.delete(actor=request.user, reply_id=reply_id)
        return Response(status=204)

    @endpoint(
        "A canned reply filled in for a trade",
        body=bodies.FilledIn,
        answer=RENDERED,
        refusals=(403, 404),
        tag="staff",
    )
    def render(self, request: UserRequest, reply_id: UUID) -> Response:
        body = read_body(request, bodies.FilledIn)
        return Response({"body": canned_replies.render(actor=request.user, reply_id=reply_id, trade_id=body.trade_id)})
