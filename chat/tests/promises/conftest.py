"""Servers that live as long as a module, in a database that is emptied after it and not after each test."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from testing.server import APP, ServerProcess
from testing.services import Service, start_valkey

QUIET_WITHIN = 10.0  # seconds that killed servers' last statements may take


class Farm:
    """Starts servers side by side on one database; all of them go with the module."""

    def __init__(self, database_url: str) -> None:
        self.database_url = database_url
        self._started: list[ServerProcess] = []

    def start(self, *environments: dict[str, str], app: str = APP) -> list[ServerProcess]:
        """One server for each of the environments."""
        shared = {"DATABASE_URL": self.database_url, "REDIS_URL": os.environ["REDIS_URL"]}
        servers = [ServerProcess(shared | environment, app=app) for environment in environments]
        self._started += servers
        with ThreadPoolExecutor(len(servers)) as threads:
            return list(threads.map(ServerProcess.start, servers))

    def stop(self) -> None:
        for server in self._started:
            server.kill()
            server.__exit__(None, None, None)


@pytest.fixture(scope="module")
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The address of the test database. What a test writes is seen by every process and stays until the module ends."""
    with django_db_blocker.unblock():
        url = urlsplit(settings.DATABASE_URL)._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
        yield url
        _wait_until_quiet(url)
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture(autouse=True)
def db(committed: str) -> None:
    """In place of pytest-django's, which would undo or empty everything after each test, under running servers."""


def _wait_until_quiet(url: str) -> None:
    """A statement of a server that was just killed would hold up the flush, or deadlock with it."""
    busy = """SELECT count(*) FROM pg_stat_activity
              WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()"""
    deadline = time.monotonic() + QUIET_WITHIN
    with psycopg.connect(url, autocommit=True) as observer:
        while observer.execute(busy).fetchone() != (0,):
            assert time.monotonic() < deadline, "a statement outlived the servers"
            time.sleep(0.02)


@pytest.fixture(scope="module")
def farm(committed: str) -> Iterator[Farm]:
    farm = Farm(committed)
    yield farm
    farm.stop()


@pytest.fixture(scope="module")
def own_valkey() -> Iterator[Service]:
    """One that may be paused, emptied and killed, whatever the other tests use."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TEST_REDIS_URL", raising=False)
        service = start_valkey()
    yield service
    service.stop()
