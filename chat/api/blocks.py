"""Blocking people over REST."""

from uuid import UUID

from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts import paging
from accounts.requests import UserRequest
from accounts.serializers import PersonShape, person
from chat.actions import blocks
from chat.api.schema import endpoint
from chat.models import Block


class BlockViewSet(ViewSet):
    @endpoint("People I have blocked, the latest first", answer=PersonShape, page=True, refusals=())
    def list(self, request: UserRequest) -> Response:
        pages = paging.Pages(("-id",))
        rows = Block.objects.filter(blocker=request.user).select_related("blocked")
        return pages.answer([person(block.blocked) for block in pages.page_of(rows, request)])

    @endpoint(
        "Block somebody",
        status=204,
        refusals=(403, 404),
        description="No direct messages pass between the two any more, in either direction. Staff cannot be blocked.",
    )
    def update(self, request: UserRequest, user_id: UUID) -> Response:
        blocks.block(actor=request.user, user_id=user_id)
        return Response(status=204)

    @endpoint("Take back my block of somebody", status=204)
    def destroy(self, request: UserRequest, user_id: UUID) -> Response:
        blocks.unblock(actor=request.user, user_id=user_id)
        return Response(status=204)
