"""The private PostgreSQL and Valkey: real connections, and the faults that other tests put on them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
import redis

from testing.service import NotPrivate, ServiceUnavailable
from testing.services import create_database, drop_database, start_postgres, start_valkey
from testing.watchdog import PROJECT_ROOT


@pytest.fixture(autouse=True)
def no_external_services(monkeypatch):
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)
    monkeypatch.delenv("TEST_REDIS_URL", raising=False)


def test_postgres_keeps_committed_rows_through_a_kill_and_freezes_on_pause():
    with start_postgres() as service:
        with psycopg.connect(service.url) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
            assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
            connection.execute("CREATE TABLE kept AS SELECT 1 AS number")

        service.kill()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(service.url)
        service.restart()
        with psycopg.connect(service.url) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (1,)

        service.pause()
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            psycopg.connect(service.url, connect_timeout=2)
        service.resume()
        psycopg.connect(service.url, connect_timeout=5).close()


def test_databases_can_be_made_from_a_template_and_dropped():
    with start_postgres(durable=False) as service:
        with psycopg.connect(service.url) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("off",)
            connection.execute("CREATE TABLE kept AS SELECT 1 AS number")

        copy = create_database(service.url, "copy", template="parley")
        with psycopg.connect(copy) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (1,)
        drop_database(copy)
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(copy)


def test_valkey_forgets_all_on_a_kill_and_freezes_on_pause():
    with start_valkey() as service:
        redis.Redis.from_url(service.url).set("key", "value")
        service.pause()
        with pytest.raises(redis.TimeoutError):
            redis.Redis.from_url(service.url, socket_timeout=0.2).get("key")
        service.resume()
        assert redis.Redis.from_url(service.url).get("key") == b"value"

        service.kill()
        with pytest.raises(redis.ConnectionError):
            redis.Redis.from_url(service.url).get("key")
        service.restart()
        assert redis.Redis.from_url(service.url).get("key") is None


def test_an_external_service_is_used_and_never_disturbed(monkeypatch):
    with start_valkey() as private:
        monkeypatch.setenv("TEST_REDIS_URL", private.url)
        with start_valkey() as external:
            assert external.url == private.url
            with pytest.raises(NotPrivate, match="TEST_REDIS_URL"):
                external.kill()

        assert redis.Redis.from_url(private.url).ping()


def test_an_external_service_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("TEST_DATABASE_URL", "postgres://127.0.0.1:1/none")

    with pytest.raises(ServiceUnavailable, match="does not answer"):
        start_postgres()


@pytest.fixture
def folder():
    """A temporary folder that the user `nobody` can reach too, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_python_that_started_it(number, folder):
    command = [sys.executable, "-m", "testing.services"]
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        lines = [runner.stdout.readline() for _ in range(4)]
        postgres_url, valkey_url = (line.partition("=")[2].strip() for line in lines if line.startswith("export"))
        assert len(list(folder.glob("parley-*-*/"))) == 2

        runner.send_signal(number)

    deadline = time.monotonic() + 10
    while list(folder.glob("parley-*-*/")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [path.name.startswith("parley-ports-") for path in folder.iterdir()] == [True]
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(postgres_url)
    with pytest.raises(redis.ConnectionError):
        redis.Redis.from_url(valkey_url).ping()
