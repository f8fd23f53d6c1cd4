"""One server process with a log file that can be stopped, killed, frozen and started again. Knows no protocol."""

from __future__ import annotations

import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from testing import watchdog
from testing.processtree import is_alive, signal_family

LOG_TAIL = 4000  # characters of the log in an error


class ProcessFailed(RuntimeError):
    """A server did not start, did not become ready or did not stop in time."""


class Process:
    """A command that may be started several times; one run at a time, all runs in one log.

    `stop_signal` asks for an orderly end. `user` is the account to run under (None: ours).
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        log_path: Path,
        env: Mapping[str, str] | None = None,
        stop_signal: int = signal.SIGTERM,
        user: str | None = None,
    ) -> None:
        self.command = list(command)
        self.cwd = cwd
        self.log_path = log_path
        self.env = None if env is None else dict(env)
        self.stop_signal = stop_signal
        self.user = user
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Id of the running process, else None."""
        return self._popen.pid if self._popen and self.exit_code is None else None

    @property
    def exit_code(self) -> int | None:
        """None while it runs and before the first start; negative: ended by that signal."""
        if self._popen is None or self._popen.returncode is not None:
            return self._popen.returncode if self._popen else None
        if self._popen.poll() is not None:
            watchdog.forget_process(self._popen.pid)
        return self._popen.returncode

    @property
    def log(self) -> str:
        """Everything written so far to stdout and stderr, over all runs."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def start(self) -> None:
        if self.pid is not None:
            raise ProcessFailed(f"{self.command[0]} is already running")
        with self.log_path.open("ab") as log:
            self._popen = subprocess.Popen(
                self.command,
                cwd=self.cwd,
                env=self.env,
                user=self.user,
                group=None if self.user is None else pwd.getpwnam(self.user).pw_gid,
                extra_groups=None if self.user is None else [],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches only us, and we stop it in order
            )
        watchdog.watch_process(self._popen.pid, self.stop_signal)

    def wait_until(self, ready: Callable[[], bool], *, timeout: float) -> None:
        """Poll `ready`; raise with the tail of the log when the process ends first or the time is over."""
        deadline = time.monotonic() + timeout
        while not ready():
            if self.exit_code is not None:
                raise self._failure(f"ended with {self.exit_code} before it was ready")
            if time.monotonic() > deadline:
                raise self._failure(f"was not ready after {timeout:g} s")
            time.sleep(0.02)

    def stop(self, *, timeout: float = 10) -> int:
        """Ask it to end in order, also when frozen; returns the exit code, raises (and kills) when it does not."""
        if self._popen is None:
            raise ProcessFailed(f"{self.command[0]} was never started")
        if self.pid is not None:
            self._popen.send_signal(self.stop_signal)
            self.resume()
            try:
                self._popen.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise self._failure(f"did not stop within {timeout:g} s and was killed") from None
            watchdog.forget_process(self._popen.pid)
        return self._popen.returncode

    def kill(self) -> None:
        """SIGKILL to it and all its children; returns when all of them are gone."""
        if self._popen is None or self.pid is None:
            return
        members = signal_family(self._popen.pid, signal.SIGKILL)
        self._popen.wait()
        watchdog.forget_process(self._popen.pid)
        while any(is_alive(pid) for pid in members):
            time.sleep(0.005)

    def pause(self) -> None:
        """Freeze it and all its children: connections stay open, nothing is answered."""
        if self.pid is not None:
            signal_family(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Undo `pause`; without one, nothing happens."""
        if self.pid is not None:
            signal_family(self.pid, signal.SIGCONT)

    def _failure(self, what: str) -> ProcessFailed:
        return ProcessFailed(f"{' '.join(self.command)} {what}; end of its log:\n{self.log[-LOG_TAIL:]}")
