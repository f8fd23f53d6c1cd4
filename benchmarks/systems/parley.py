"""Parley itself, run as in production: uvicorn, PostgreSQL, Redis; rate limits lifted."""

import subprocess
import tempfile
from pathlib import Path

import msgspec

from benchmarks.generator.order import Cast
from benchmarks.plan import PAIRS, ROOM
from benchmarks.services import Services
from benchmarks.systems.base import JWT_KEY, ROOT, count_rows, environment, python


class Parley:
    name = "parley"
    driver = "parley"
    workloads = frozenset({"W1", "W1o", "W2r", "W2", "W3", "W1x2"})
    _database_url = ""
    _redis_url = ""

    def prepare(self, services: Services) -> None:
        self._database_url = services.database("bench_parley")
        self._redis_url = services.redis_url
        self._files = tempfile.TemporaryDirectory(prefix="bench-parley-files-")
        self._do("manage.py", "migrate", "--verbosity", "0")
        self._do("-m", "benchmarks.seed_parley", "people", str(PAIRS), str(ROOM))

    def cast(self) -> Cast:
        return msgspec.json.decode(self._do("-m", "benchmarks.seed_parley", "cast"), type=Cast)

    def stored(self) -> int | None:
        return count_rows(self._database_url, "chat_message")

    def command(self, port: int) -> list[str]:
        where = ["config.asgi:application", "--host", "127.0.0.1", "--port", str(port)]
        options = ["--ws", "websockets-sansio", "--ws-max-size", "65536", "--loop", "uvloop", "--no-access-log"]
        options += ["--ws-per-message-deflate", "false", "--no-proxy-headers"]
        return [*python("-m", "uvicorn"), *where, *options]

    def environment(self, port: int) -> dict[str, str]:
        return {
            "PORT": str(port),
            "DATABASE_URL": self._database_url,
            "REDIS_URL": self._redis_url,
            "SECRET_KEY": JWT_KEY,
            "ALLOWED_HOSTS": "127.0.0.1",
            "VAR_DIR": self._files.name,
            "THROTTLE": "off",
            "LOG_LEVEL": "WARNING",
        }

    def folder(self) -> Path:
        return ROOT

    def _do(self, *words: str) -> bytes:
        settings = self.environment(8000) | {"DJANGO_SETTINGS_MODULE": "config.settings"}
        done = subprocess.run(python(*words), cwd=ROOT, env=environment(settings), stdout=subprocess.PIPE, check=True)
        return done.stdout
