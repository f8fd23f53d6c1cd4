"""Alice and Bob, customers; Sara, a super admin; and their REST clients."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.models import Role, User
from accounts.tests.factories import UserFactory
from chat.tests.contract.conftest import Rest
from notifications import sources
from notifications.expostub.server import ExpoStub
from notifications.tests.words import Words


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def alice(db: None) -> User:
    return UserFactory.create(email="alice@example.com", display_name="Alice")


@pytest.fixture
def bob(db: None) -> User:
    return UserFactory.create(email="bob@example.com", display_name="Bob")


@pytest.fixture
def sara(db: None) -> User:
    return UserFactory.create(email="sara@example.com", display_name="Sara", role=Role.SUPER_ADMIN)


@pytest.fixture
def rest(db: None) -> Callable[..., Rest]:
    """A client of somebody; each has a sign-in of its own."""
    return lambda user=None: Rest(user)


@pytest.fixture
def words() -> Iterator[Words]:
    before = sources.current()
    found = Words()
    sources.use(found)
    yield found
    sources.use(before)


@pytest.fixture
def stub(settings: Any) -> Iterator[ExpoStub]:
    with ExpoStub() as stub:
        settings.EXPO_URL = stub.url
        yield stub
