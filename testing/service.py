"""What a test sees of a database or a Redis, whether it is our private process or one given from outside."""

from __future__ import annotations

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from testing import watchdog
from testing.process import Process

START_TIMEOUT_S = 30.0


class ServiceUnavailable(RuntimeError):
    """No way to provide the service on this machine; the text says what to install."""


class NotPrivate(RuntimeError):
    """A fault was asked of a service that belongs to somebody else."""


class Service(ABC):
    """`url` is what DATABASE_URL or REDIS_URL takes; `describe` is one line on what it is and where from."""

    url: str
    describe: str

    @abstractmethod
    def stop(self) -> None:
        """End it and remove its files; a second call changes nothing."""

    @abstractmethod
    def kill(self) -> None:
        """SIGKILL to all its processes; `restart` brings it back."""

    @abstractmethod
    def pause(self) -> None:
        """Freeze it: connections stay open, nothing is answered."""

    @abstractmethod
    def resume(self) -> None:
        """Undo `pause`."""

    @abstractmethod
    def restart(self) -> None:
        """Stop it if it runs and start it at the same address; returns when it answers."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class ExternalService(Service):
    """A service named by an environment variable: it can be used, never disturbed."""

    def __init__(self, *, url: str, describe: str, variable: str) -> None:
        self.url = url
        self.describe = describe
        self._variable = variable

    def stop(self) -> None:
        """It runs on: it is not ours."""

    def kill(self) -> None:
        self._refuse("killed")

    def pause(self) -> None:
        self._refuse("paused")

    def resume(self) -> None:
        self._refuse("resumed")

    def restart(self) -> None:
        self._refuse("restarted")

    def _refuse(self, what: str) -> None:
        raise NotPrivate(f"the service from {self._variable} cannot be {what}; unset {self._variable} for fault tests")


class PrivateService(Service):
    """A server process of our own in a folder of our own."""

    def __init__(self, *, process: Process, folder: Path, url: str, is_ready: Callable[[], bool]) -> None:
        self.url = url
        self.describe = ""
        self.process = process
        self._folder = folder
        self._is_ready = is_ready
        self._was_killed = False

    @property
    def log(self) -> str:
        return self.process.log

    def start(self) -> None:
        self.process.start()
        self.process.wait_until(self._is_ready, timeout=START_TIMEOUT_S)
        self._was_killed = False

    def stop(self) -> None:
        if not self._folder.exists():
            return
        try:
            if self._was_killed:
                self.start()  # only an orderly end frees the shared memory a killed PostgreSQL leaves behind
            if self.process.pid is not None:
                self.process.stop()
        finally:
            self.process.kill()
            shutil.rmtree(self._folder)

    def kill(self) -> None:
        self.process.kill()
        self._was_killed = True

    def pause(self) -> None:
        self.process.pause()

    def resume(self) -> None:
        self.process.resume()

    def restart(self) -> None:
        if self.process.pid is not None:
            self.process.stop()
        self.start()


def make_folder(prefix: str, *, parent: str | None = None) -> Path:
    """A temporary folder that also goes when this Python is killed."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    watchdog.watch_folder(folder)
    return folder
