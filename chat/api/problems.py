"""Every refusal of REST as `application/problem+json` (RFC 9457), and the plain error pages of everything else."""

import logging
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.defaults import bad_request as bad_request_page
from django.views.defaults import page_not_found as not_found_page
from rest_framework import exceptions
from rest_framework.response import Response

from chat import metrics
from chat.errors import ChatError, Invalid, Unavailable

logger = logging.getLogger("parley.api")

# What DRF and Django raise by themselves, in the contract's words.
CODES = {
    "parse_error": "bad_frame",
    "authentication_failed": "unauthenticated",
    "not_authenticated": "unauthenticated",
    "permission_denied": "forbidden",
    "throttled": "rate_limited",
    "error": "invalid",
}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """For DRF. None means it is a bug: a 500, logged with its traceback."""
    request = context["request"]
    if isinstance(error, OperationalError | InterfaceError):
        logger.warning("database did not answer", extra={"reason": type(error).__name__})
        error = Unavailable()
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, ChatError):
        return _of_chat_error(error, request)
    if isinstance(error, exceptions.APIException):
        return _of_api_exception(error, request)
    return None


def _of_chat_error(error: ChatError, request: Any) -> Response:
    headers = {}
    if error.retry_after_ms is not None:
        headers["Retry-After"] = str(max(1, -(-error.retry_after_ms // 1000)))
    elif isinstance(error, Unavailable):
        headers["Retry-After"] = "1"
    errors = None
    if isinstance(error, Invalid):
        errors = [{"pointer": error.pointer or "", "detail": error.detail}]
    return _problem(request, error.status, error.code, error.detail, errors, headers)


def _of_api_exception(error: exceptions.APIException, request: Any) -> Response:
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    code = error.get_codes() if isinstance(error.detail, str) else error.default_code
    errors = getattr(error, "errors", None)
    detail = str(error.detail) if isinstance(error.detail, str) else str(error.default_detail)
    return _problem(request, error.status_code, CODES.get(str(code), str(code)), detail, errors, headers)


def _problem(
    request: Any, status: int, code: str, detail: str, errors: list[dict[str, str]] | None, headers: dict[str, str]
) -> Response:
    metrics.refusals.labels(code).inc()
    body = problem(request, status, code, detail)
    if errors is not None:
        body["errors"] = errors
    return Response(body, status=status, headers=headers, content_type="application/problem+json")


def problem(request: Any, status: int, code: str, detail: str) -> dict[str, Any]:
    return {
        "type": f"https://parley.invalid/problems/{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": getattr(request, "request_id", ""),
    }


# -- Django's own handlers, for what never reaches DRF -----------------------------------------------------------------


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return _json(request, 400, "invalid", "The request is malformed.")
    return bad_request_page(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return _json(request, 404, "not_found", "There is no such thing.")
    return not_found_page(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if _is_api(request):
        return _json(request, 500, "internal", "Something went wrong on our side.")
    return HttpResponse("Something went wrong on our side.", status=500, content_type="text/plain")


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _json(request: HttpRequest, status: int, code: str, detail: str) -> JsonResponse:
    body = problem(request, status, code, detail)
    return JsonResponse(body, status=status, content_type="application/problem+json")
