"""One server per module, people who need no password, and a log that has to stay clean."""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accounts.models import Role, User
from accounts.tests.factories import UserFactory
from chat.live import PRESENCE_GATHER
from chat.models import Connection
from chat.tests.hardening.tools import MARK
from chat.tests.hardening.world import World, make_world
from testing.server import ServerProcess

SESSIONS = f"parley-hostile-{os.getpid()}"
NEVER_LOGGED = ("Traceback (most recent call last)", MARK, "eyJ", '"level": "ERROR"', "Exception in ASGI")


def _person(name: str, **fields: Any) -> User:
    return UserFactory.create(email=f"{name.lower()}@example.com", display_name=name, password=None, **fields)


@pytest.fixture
def alice(db: None) -> User:
    return _person("Alice")


@pytest.fixture
def bob(db: None) -> User:
    return _person("Bob")


@pytest.fixture
def tina(db: None) -> User:
    return _person("Tina", role=Role.TRADE_ADMIN)


@pytest.fixture
def tom(db: None) -> User:
    return _person("Tom", role=Role.TRADE_ADMIN, availability="busy")


@pytest.fixture
def sara(db: None) -> User:
    return _person("Sara", role=Role.SUPER_ADMIN)


@pytest.fixture
def world(alice: User, bob: User, tina: User, tom: User, sara: User, settings: Any) -> World:
    settings.WHITENOISE_AUTOREFRESH = True
    return make_world(alice, bob, tina, tom, sara)


@pytest.fixture(scope="module")
def start_shared(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Callable[..., ServerProcess]]:
    """Starts servers that live as long as the module. Each test has rows of its own on them."""
    with django_db_blocker.unblock():
        name = connection.settings_dict["NAME"]
    url = f"sqlite:///{name}" if connection.vendor == "sqlite" else _with_name(settings.DATABASE_URL, name)
    started: list[ServerProcess] = []

    def start(**env: str) -> ServerProcess:
        # What the peer's own words are worth is to be seen: uvicorn must not believe a local X-Forwarded-For for us.
        options = ("--no-proxy-headers",)
        environment = {"DATABASE_URL": url, "REDIS_URL": os.environ["REDIS_URL"], "PGAPPNAME": SESSIONS, **env}
        server = ServerProcess(environment, options=options).start()
        started.append(server)
        return server

    start.servers = started  # type: ignore[attr-defined]
    yield start
    for server in started:
        server.kill()
    with django_db_blocker.unblock():
        _wait_for_the_sessions_to_end()


def _wait_for_the_sessions_to_end() -> None:
    """PostgreSQL notices a killed client a moment later; until then the test database cannot be dropped."""
    if connection.vendor != "postgresql":
        return
    deadline = time.monotonic() + 10
    with connection.cursor() as cursor:
        while cursor.execute("SELECT 1 FROM pg_stat_activity WHERE application_name = %s", [SESSIONS]).fetchone():
            assert time.monotonic() < deadline
    connection.close()


@pytest.fixture(autouse=True)
def _still_while_tables_are_emptied(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[None]:
    """A query of a server's own clockwork and the flush after a test could wait for each other: servers stand still."""
    if "start_shared" not in request.fixturenames:
        yield
        return
    servers = request.getfixturevalue("start_shared").servers
    for server in servers:
        server.resume()
    yield
    deadline = time.monotonic() + 10
    while not _paused_at_rest(servers):
        assert time.monotonic() < deadline, "the servers never came to rest"
        for server in servers:
            server.resume()
        time.sleep(0.02)


def _paused_at_rest(servers: list[ServerProcess]) -> bool:
    """Frozen with all sockets gone (an ended one leaves a lease no longer than the grace) and no query under way."""
    if Connection.objects.filter(expires_at__gt=timezone.now() + settings.PRESENCE_GRACE).exists():
        return False
    time.sleep(PRESENCE_GATHER + 0.03)  # what a socket that just ended still has to say
    for server in servers:
        server.pause()
    busy = "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND state <> 'idle'"
    with connection.cursor() as cursor:
        return connection.vendor != "postgresql" or cursor.execute(busy, [SESSIONS]).fetchone() is None


def _with_name(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


@pytest.fixture(scope="module")
def shared_server(start_shared: Callable[..., ServerProcess]) -> ServerProcess:
    return start_shared()


@pytest.fixture
def server(shared_server: ServerProcess) -> Iterator[ServerProcess]:
    """The module's server; what it logs during the test holds no traceback, no token and nothing that was said."""
    before = len(shared_server.log)
    yield shared_server
    written = shared_server.log[before:]
    found = [words for words in NEVER_LOGGED if words in written]
    assert not found, f"the log holds {found}:\n{written[-6000:]}"
    assert shared_server.exit_code is None
