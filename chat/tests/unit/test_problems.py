"""Every refusal of REST is one problem, whoever raised it; bugs stay bugs."""

import json

import pytest
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.test import RequestFactory
from rest_framework import exceptions

from chat.api import problems
from chat.errors import NotFound, RateLimited, Unavailable


def handled(error, path="/api/v1/x/"):
    response = problems.exception_handler(error, {"request": RequestFactory().get(path)})
    return response.status_code, response.data["code"], response.get("Retry-After")


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (OperationalError("secret"), (503, "unavailable", "1")),
        (InterfaceError("secret"), (503, "unavailable", "1")),
        (Unavailable(), (503, "unavailable", "1")),
        (Http404(), (404, "not_found", None)),
        (NotFound(), (404, "not_found", None)),
        (PermissionDenied(), (403, "forbidden", None)),
        (RateLimited(retry_after_ms=1), (429, "rate_limited", "1")),
        (RateLimited(retry_after_ms=1_001), (429, "rate_limited", "2")),
        (exceptions.Throttled(wait=3), (429, "rate_limited", "3")),
        (exceptions.NotAuthenticated(), (401, "unauthenticated", None)),
        (exceptions.ParseError(), (400, "bad_frame", None)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_has_its_code(error, answer):
    assert handled(error) == answer


def test_a_bug_is_nobodys_refusal():
    assert problems.exception_handler(ValueError(), {"request": RequestFactory().get("/")}) is None


@pytest.mark.parametrize(
    ("handler", "arguments", "status", "code"),
    [
        (problems.bad_request, (BadRequest("secret"),), 400, "invalid"),
        (problems.not_found, (Http404("secret"),), 404, "not_found"),
        (problems.server_error, (), 500, "internal"),
    ],
)
def test_what_never_reaches_a_view_is_a_problem_below_api_and_a_plain_page_elsewhere(handler, arguments, status, code):
    api, page = (handler(RequestFactory().get(path), *arguments) for path in ("/api/x", "/x"))

    assert (api.status_code, json.loads(api.content)["code"], api["Content-Type"]) == (
        status,
        code,
        "application/problem+json",
    )
    assert page.status_code == status
    assert page["Content-Type"].startswith("text/")
    assert b"secret" not in api.content + page.content
