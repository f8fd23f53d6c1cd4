"""Alice opened a trade, Tina looks after it, Bob is a customer who has no business in it, Tom is Tina's colleague."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.models import Role, User
from accounts.tests.factories import PASSWORD, DeviceSessionFactory, UserFactory
from accounts.tokens import token_pair
from chat.models import Trade
from chat.tests.factories import open_trade
from testing.server import ServerProcess

__all__ = ["PASSWORD"]


def _person(name: str, **fields: Any) -> User:
    return UserFactory.create(email=f"{name.lower()}@example.com", display_name=name, **fields)


def access_token(user: User) -> str:
    """A token of a new device session, without the second that checking a password takes."""
    return token_pair(DeviceSessionFactory.create(user=user))["access"]


@pytest.fixture
def alice(db: None) -> User:
    return _person("Alice")


@pytest.fixture
def bob(db: None) -> User:
    return _person("Bob")


@pytest.fixture
def tina(db: None) -> User:
    """The trade admin that trades are given to."""
    return _person("Tina", role=Role.TRADE_ADMIN)


@pytest.fixture
def tom(db: None) -> User:
    """A trade admin who is busy: no trade comes to him by itself."""
    return _person("Tom", role=Role.TRADE_ADMIN, availability="busy")


@pytest.fixture
def sara(db: None) -> User:
    return _person("Sara", role=Role.SUPER_ADMIN)


@pytest.fixture
def trade(alice: User, tina: User) -> Trade:
    """Alice's, assigned to Tina."""
    return open_trade(alice)


@pytest.fixture
def start_server(database_url: str) -> Iterator[Callable[..., ServerProcess]]:
    """Starts real server processes on the test database; all are gone after the test."""
    started: list[ServerProcess] = []

    def start(**options: Any) -> ServerProcess:
        env = {"DATABASE_URL": database_url, "REDIS_URL": os.environ["REDIS_URL"], **options.pop("env", {})}
        server = ServerProcess(env, **options).start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def server(start_server: Callable[..., ServerProcess]) -> ServerProcess:
    return start_server()
