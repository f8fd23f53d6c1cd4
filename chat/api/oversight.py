"""What super admins look at: the audit log, the figures, the report of trades."""

from datetime import timedelta
from uuid import UUID

from django.db.models import Q
from django.http import HttpResponseBase
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts import paging
from accounts.requests import UserRequest
from chat import reporting
from chat.actions import reports
from chat.api import figures
from chat.api.renderers import CSVRenderer, JSONRenderer
from chat.api.schema import endpoint
from chat.errors import Forbidden
from chat.models import AuditEntry, Trade
from chat.serializers import AuditShape, audit_shape
from chat.streaming import csv_answer, csv_headers

DEFAULT_RANGE = timedelta(days=30)
A_TIME = "a day (2026-11-29, in UTC) or a time (2026-11-29T10:00:00Z)"


class AuditViewSet(ViewSet):
    @endpoint(
        "The audit log, newest first",
        answer=AuditShape,
        page=True,
        query={
            "limit": "1 to 100, default 50.",
            "cursor": "From `next` or `previous`.",
            "action": "Only this action.",
            "actor": "Only what this person (id) did.",
            "trade": "Only what was about this trade: its reference or id.",
            "since": f"From then on: {A_TIME}.",
            "until": f"Before then: {A_TIME}; a day is included.",
        },
        refusals=(403,),
        tag="oversight",
    )
    def list(self, request: UserRequest) -> Response:
        if not request.user.is_super_admin:
            raise Forbidden
        pages = paging.Pages(("-at", "-id"))
        rows = AuditEntry.objects.filter(_asked_for(request)).select_related("actor", "subject", "trade")
        return pages.answer([audit_shape(entry) for entry in pages.page_of(rows, request)])


def _asked_for(request: UserRequest) -> Q:
    asked = Q()
    if (action := paging.read_text(request, "action")) is not None:
        asked &= Q(action=action)
    if (actor := paging.read_id(request, "actor")) is not None:
        asked &= Q(actor=actor)
    if (trade := paging.read_text(request, "trade")) is not None:
        asked &= Q(trade__in=Trade.objects.filter(_called(trade)))  # so that the index by trade is what is read
    if (since := paging.read_moment(request, "since")) is not None:
        asked &= Q(at__gte=since)
    if (until := paging.read_moment(request, "until", is_end=True)) is not None:
        asked &= Q(at__lt=until)
    return asked


def _called(name: str) -> Q:
    """A reference, which is any text, or an id where the text is one."""
    try:
        return Q(reference=name) | Q(pk=UUID(name))
    except ValueError:
        return Q(reference=name)


class StatsViewSet(ViewSet):
    @endpoint("How support stands, and how it did", answer=figures.StatsShape, refusals=(403,), tag="oversight")
    def retrieve(self, request: UserRequest) -> Response:
        if not request.user.is_super_admin:
            raise Forbidden
        now = timezone.now()
        return Response(figures.stats_shape(now, reporting.dashboard(now), reporting.traffic(now)))


class ReportViewSet(ViewSet):
    renderer_classes = [CSVRenderer, JSONRenderer]

    @endpoint(
        "One row per trade opened in a range, as CSV",
        answer={"type": "string"},
        media="text/csv",
        query={
            "from": f"From then on: {A_TIME}. Default: 30 days before `to`.",
            "to": f"Before then: {A_TIME}; a day is included. Default: now. At most 366 days after `from`.",
        },
        refusals=(403,),
        description="RFC 4180 in UTF-8, with a header; oldest first; times in UTC. Each export is audited.",
        tag="oversight",
    )
    def trades(self, request: UserRequest) -> HttpResponseBase:
        until = paging.read_moment(request, "to", is_end=True) or timezone.now()
        since = paging.read_moment(request, "from") or until - DEFAULT_RANGE
        name = f"trades-{since:%Y%m%d}-{until:%Y%m%d}.csv"
        if request.method == "HEAD":
            reports.check_trades(actor=request.user, since=since, until=until)
            return csv_headers(name)
        return csv_answer(request._request, reports.export_trades(actor=request.user, since=since, until=until), name)
