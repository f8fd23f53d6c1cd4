"""REST as a client meets it: a client per person, and problems read as the contract says."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from chat.tests.conftest import access_token

API = "/api/v1/"
PROBLEM = {"type", "title", "status", "detail", "code", "request_id"}


class Rest:
    """One person's requests. Paths are below /api/v1/ unless they begin with a slash."""

    def __init__(self, user: User | None) -> None:
        bearer = {"Authorization": f"Bearer {access_token(user)}"} if user else {}
        self._client = Client(enforce_csrf_checks=True, headers=bearer)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        where = path if path.startswith(("/", "http")) else API + path
        content = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(self._client, method)(where, headers=headers, **content)

    def get(self, path: str, **query: Any) -> Any:
        return self._client.get(path if path.startswith(("/", "http")) else API + path, query)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self("post", path, {} if body is None else body, **headers)

    def patch(self, path: str, body: Any) -> Any:
        return self("patch", path, body)


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def rest(db: None) -> Callable[..., Rest]:
    return lambda user=None: Rest(user)


def answer(response: Any) -> tuple[int, Any]:
    """Status and JSON of a good answer."""
    assert response["Content-Type"] == "application/json", response.content
    return response.status_code, response.json()


def problem(response: Any) -> tuple[int, str]:
    """Status and code of a refusal, once its shape has been looked at."""
    body = response.json()
    assert response["Content-Type"] == "application/problem+json"
    assert set(body) - {"errors"} == PROBLEM
    assert (body["status"], body["request_id"]) == (response.status_code, response["X-Request-ID"])
    assert ("errors" in body) == (body["code"] == "invalid")
    return response.status_code, body["code"]


def pointers(response: Any) -> list[str]:
    """Which fields a 400 names."""
    assert problem(response) == (400, "invalid")
    return [error["pointer"] for error in response.json()["errors"]]
