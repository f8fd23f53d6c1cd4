"""Is it alive, is it ready, what does it count; and an id for each request, in its answer and in the logs."""

import asyncio
import re
from collections.abc import Callable
from ipaddress import ip_address
from uuid import uuid4

from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from chat import database
from chat.errors import Unavailable
from chat.live import running

READY_WITHIN = 3.0  # seconds
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestIdMiddleware:
    """Keeps a caller's X-Request-ID where it is harmless, else makes one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request.request_id = given if REQUEST_ID.fullmatch(given) else uuid4().hex  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Nothing else is asked: restarting it would mend nothing else."""
    return JsonResponse({"status": "ok"})


@require_safe
async def readyz(request: HttpRequest) -> HttpResponse:
    """May be sent traffic: not draining, and the database answers. Redis is not asked; sends go on without it."""
    current = running()
    if current is not None and current.draining:
        return JsonResponse({"status": "draining"}, status=503)
    try:
        async with asyncio.timeout(READY_WITHIN):
            await database.run(_ask_database)
    except (DatabaseError, Unavailable, TimeoutError):
        return JsonResponse({"status": "database does not answer"}, status=503)
    return JsonResponse({"status": "ready"})


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For a collector on this machine. From anywhere else, or through a proxy, there is no such page."""
    peer = request.META.get("REMOTE_ADDR", "")
    if "HTTP_X_FORWARDED_FOR" in request.META or not peer or not ip_address(peer).is_loopback:
        raise Http404
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
