"""What the tests of single modules share: quick passwords, and ears for what is told to sockets."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import dj_database_url
import msgspec
import pytest
from django.core.management import call_command
from django.db import connections, transaction
from django.db.utils import ConnectionHandler
from pytest_django import DjangoDbBlocker

from chat import fanout
from chat.fanout import Item

Capture = Callable[..., AbstractContextManager[Any]]


class Ears:
    """Hears, where this process's hub would, everything that is told to sockets once a block has committed."""

    def __init__(self, capture: Capture) -> None:
        self.items: list[Item] = []
        self._capture = capture

    @contextmanager
    def listening(self) -> Iterator[None]:
        fanout.flush()
        self.items.clear()
        with self._capture(execute=True):
            yield
        fanout.flush()

    def of(self, kind: str) -> list[Item]:
        """The items of one kind, without the kind."""
        return [item[1:] for item in self.items if item[0] == kind]

    def frames(self, kind: str) -> list[dict[str, Any]]:
        """The `type`d frames told to some people, in order."""
        told = [msgspec.json.decode(text) for _, text, _ in self.of("users")]
        told += [msgspec.json.decode(item[1]) for item in self.of("room")]
        return [frame for frame in told if frame["type"] == kind]


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ears(django_capture_on_commit_callbacks: Capture) -> Iterator[Ears]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="ears", daemon=True)
    thread.start()
    listener = Ears(django_capture_on_commit_callbacks)

    async def begin() -> None:
        fanout.serve(listener.items.extend)

    asyncio.run_coroutine_threadsafe(begin(), loop).result(5)
    yield listener
    fanout.flush()
    fanout.stop_serving()
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Any]:
    """A connection to a migrated SQLite database, the default one inside of `on_sqlite` only."""
    path: Path = tmp_path_factory.mktemp("sqlite") / "db.sqlite3"
    options = {"transaction_mode": "IMMEDIATE"}
    found = ConnectionHandler({"default": {**dj_database_url.parse(f"sqlite:///{path}"), "OPTIONS": options}})[
        "default"
    ]
    was = connections["default"]
    connections["default"] = found
    with django_db_blocker.unblock():
        call_command("migrate", verbosity=0)
    connections["default"] = was
    yield found
    found.close()


@pytest.fixture
def on_sqlite(sqlite: Any, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test runs on SQLite, and leaves nothing there."""
    was = connections["default"]
    connections["default"] = sqlite
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)
    connections["default"] = was
