"""What the tests of accounts share: Alice the customer, Bob of trade support, Root the super admin, a phone."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts import revocation
from accounts.models import DeviceSession, User
from accounts.revocation import Revoked
from accounts.tests.factories import DeviceSessionFactory, SuperAdminFactory, TradeAdminFactory, UserFactory
from accounts.throttling import request_buckets
from accounts.tokens import token_pair

Api = Callable[..., Client]


@pytest.fixture(autouse=True)
def _quick_and_throttled(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.THROTTLE = True
    settings.SECURE_SSL_REDIRECT = False
    request_buckets.cache_clear()


@pytest.fixture
def alice(db: None) -> User:
    return UserFactory(email="alice@example.com", display_name="Alice")


@pytest.fixture
def bob(db: None) -> User:
    return TradeAdminFactory(email="bob@example.com", display_name="Bob")


@pytest.fixture
def root(db: None) -> User:
    return SuperAdminFactory(email="root@example.com", display_name="Root")


@pytest.fixture
def phone(alice: User) -> DeviceSession:
    return DeviceSessionFactory(user=alice)


@pytest.fixture
def api() -> Api:
    """A client that sends the access token of a session, as a browser with CSRF checks would."""

    def client(session: DeviceSession | None = None, **headers: str) -> Client:
        if session is not None:
            headers["Authorization"] = f"Bearer {token_pair(session)['access']}"
        return Client(enforce_csrf_checks=True, headers=headers)

    return client


@pytest.fixture
def revoked(monkeypatch: pytest.MonkeyPatch) -> list[Revoked]:
    """What was announced, in order; in tests that run in a transaction, wrap in django_capture_on_commit_callbacks."""
    heard: list[Revoked] = []
    monkeypatch.setattr(revocation, "_listeners", [heard.append])
    return heard
