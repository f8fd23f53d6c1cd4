"""Escalations over REST, for super admins: the list, taking one, deciding it."""

from uuid import UUID

from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts import paging
from accounts.requests import UserRequest, read_body
from chat.actions import escalations
from chat.api import bodies
from chat.api.schema import endpoint
from chat.enums import EscalationStatus, TradeStatus
from chat.errors import Forbidden
from chat.models import Escalation
from chat.serializers import EscalationShape, escalation_shape


class EscalationViewSet(ViewSet):
    @endpoint(
        "Escalations, newest first",
        answer=EscalationShape,
        page=True,
        query={
            "limit": "1 to 100, default 50.",
            "cursor": "From `next` or `previous`.",
            "status": "Only those in this status: open, taken or resolved.",
        },
        refusals=(403,),
        tag="escalations",
    )
    def list(self, request: UserRequest) -> Response:
        if not request.user.is_super_admin:
            raise Forbidden
        rows = Escalation.objects.complete().exclude(trade__customer=request.user)
        status = paging.read_choice(request, "status", tuple(EscalationStatus))
        if status is not None:
            rows = rows.filter(status=status)
        pages = paging.Pages(("-created_at", "-id"))
        found = pages.page_of(rows, request)
        return pages.answer([escalation_shape(escalation, for_staff=True) for escalation in found])

    @endpoint("Take an escalation", answer=EscalationShape, refusals=(403, 404, 409), tag="escalations")
    def take(self, request: UserRequest, escalation_id: UUID) -> Response:
        return _shape(escalations.take(actor=request.user, escalation_id=escalation_id))

    @endpoint(
        "Decide about the trade, for good",
        body=bodies.Decision,
        answer=EscalationShape,
        refusals=(403, 404, 409),
        tag="escalations",
    )
    def resolve(self, request: UserRequest, escalation_id: UUID) -> Response:
        body = read_body(request, bodies.Decision)
        resolved = escalations.resolve(
            actor=request.user,
            escalation_id=escalation_id,
            decision=TradeStatus(body.decision),
            reason=body.reason or "",
        )
        return _shape(resolved)


def _shape(escalation: Escalation) -> Response:
    return Response(escalation_shape(escalation, for_staff=True))
