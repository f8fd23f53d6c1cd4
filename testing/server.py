"""The real application in a server process of its own, on its own port. Knows no endpoint but readiness."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import httpx

from testing.ports import reserve_port
from testing.process import Process
from testing.service import make_folder
from testing.watchdog import PROJECT_ROOT

APP = "config.asgi:application"
READY_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 20.0
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "COVERAGE_PROCESS_START", "CI")
UVICORN_OPTIONS = (
    *("--ws", "websockets-sansio", "--ws-max-size", "65536", "--ws-ping-interval", "20", "--ws-ping-timeout", "10"),
    *("--ws-per-message-deflate", "false", "--no-proxy-headers", "--loop", "uvloop"),
)

ServerName = Literal["uvicorn", "daphne"]


@functools.cache
def _var_folder() -> Path:
    """Files of the servers of one test run: shared, because two servers of one site share their uploads."""
    return make_folder("parley-var-")


def default_environment() -> dict[str, str]:
    """What a server gets beside DATABASE_URL and REDIS_URL. Nothing else of our environment reaches it."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {
        "SECRET_KEY": "a secret key for tests only, never used elsewhere",
        "JWT_KEY": "a signing key for tests only, long enough for the sixty-four bytes that HMAC-SHA-256 wants",
        "ALLOWED_HOSTS": "*",
        "HTTPS_ONLY": "off",
        "THROTTLE": "off",
        "VAR_DIR": str(_var_folder()),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


class ServerProcess:
    """One server on 127.0.0.1, a context manager. `env` adds to `default_environment()` and wins over it.

    `options` are further words of the command line. `/readyz` with 200 means ready. `restart` keeps the port.
    """

    def __init__(
        self,
        env: Mapping[str, str] | None = None,
        *,
        server: ServerName = "uvicorn",
        app: str = APP,
        cwd: Path = PROJECT_ROOT,
        options: Sequence[str] = (),
        ready_path: str = "/readyz",
    ) -> None:
        self.port = reserve_port()
        self.http_url = f"http://127.0.0.1:{self.port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}/ws/"
        self._ready_url = self.http_url + ready_path
        self._folder = make_folder("parley-server-")
        self.process = Process(
            [sys.executable, "-m", *self._command(server, app), *options],
            cwd=cwd,
            log_path=self._folder / "server.log",
            env=default_environment() | {"PORT": str(self.port)} | dict(env or {}),
        )

    def _command(self, server: ServerName, app: str) -> list[str]:
        if server == "daphne":
            return ["daphne", "-b", "127.0.0.1", "-p", str(self.port), app]
        return ["uvicorn", app, "--host", "127.0.0.1", "--port", str(self.port), *UVICORN_OPTIONS]

    @property
    def log(self) -> str:
        """Text of stdout and stderr, over all restarts; gone after the `with` block."""
        return self.process.log

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: ended by that signal."""
        return self.process.exit_code

    def start(self) -> Self:
        """Start and wait for readiness; raises ProcessFailed with the end of the log, and leaves nothing running."""
        self.process.start()
        try:
            self.process.wait_until(self._is_ready, timeout=READY_TIMEOUT_S)
        except BaseException:
            self.process.kill()
            raise
        return self

    def _is_ready(self) -> bool:
        try:
            return httpx.get(self._ready_url, timeout=2, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def terminate(self) -> int:
        """SIGTERM, as in a deploy; returns the exit code."""
        return self.process.stop(timeout=STOP_TIMEOUT_S)

    def kill(self) -> None:
        """SIGKILL, as in a crash."""
        self.process.kill()

    def restart(self) -> Self:
        """A deploy: SIGTERM if it still runs, then a new run on the same port."""
        if self.process.pid is not None:
            self.terminate()
        return self.start()

    def pause(self) -> None:
        """Freeze it: sockets stay open, nothing is answered."""
        self.process.pause()

    def resume(self) -> None:
        """Undo `pause`."""
        self.process.resume()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self.process.pid is not None:
                self.terminate()
        finally:
            self.process.kill()
            shutil.rmtree(self._folder, ignore_errors=True)  # a second exit finds nothing left
