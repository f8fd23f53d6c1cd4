"""Ends the servers of a Python process that has died, by SIGKILL included. Run as `python -m testing.watchdog`.

Its standard input is a pipe only the parent holds open; the end of that pipe is the death of the parent.
PR_SET_PDEATHSIG is not used: it fires when the parent's *thread* ends (a server restarted from a worker thread would
die with it), is cleared by a change of user, and exists on Linux alone.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from testing.processtree import is_alive, signal_family, signal_one

PROJECT_ROOT = Path(__file__).resolve().parent.parent
GRACE_S = 5.0

_running: dict[int, subprocess.Popen[str]] = {}  # by process id: a forked child starts its own
_lock = threading.Lock()


def _start() -> subprocess.Popen[str]:
    dog = subprocess.Popen(
        [sys.executable, "-m", "testing.watchdog"],
        cwd=PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # Ctrl-C is for the parent; the watchdog outlives it
    )
    atexit.register(_retire, dog, os.getpid())
    return dog


def _tell(**order: object) -> None:
    with _lock:
        if os.getpid() not in _running:
            _running[os.getpid()] = _start()
        pipe = _running[os.getpid()].stdin
        assert pipe is not None
        pipe.write(json.dumps(order) + "\n")
        pipe.flush()


def _retire(dog: subprocess.Popen[str], owner: int) -> None:
    """At a normal exit, wait until everything left over has ended, so that nothing outlives the test run."""
    if os.getpid() == owner and dog.stdin is not None:
        dog.stdin.close()
        dog.wait()


def watch_process(pid: int, stop_signal: int) -> None:
    """Should this Python die: send `stop_signal`, and SIGKILL to the whole family after five seconds."""
    _tell(pid=pid, signal=stop_signal)


def forget_process(pid: int) -> None:
    """Call right after reaping, before the id can belong to somebody else."""
    _tell(pid=pid, signal=None)


def watch_folder(folder: Path) -> None:
    """Should this Python die: remove the folder."""
    _tell(folder=str(folder))


def _clean_up(processes: dict[int, int], folders: set[str]) -> None:
    for pid, number in processes.items():
        signal_family(pid, signal.SIGCONT)
        signal_one(pid, number)
    deadline = time.monotonic() + GRACE_S
    while any(is_alive(pid) for pid in processes) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in filter(is_alive, processes):
        signal_family(pid, signal.SIGKILL)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)  # already gone when the owner removed it itself


def main() -> None:
    processes: dict[int, int] = {}
    folders: set[str] = set()
    for line in sys.stdin:
        order = json.loads(line)
        if "folder" in order:
            folders.add(order["folder"])
        elif order["signal"] is None:
            processes.pop(order["pid"], None)
        else:
            processes[order["pid"]] = order["signal"]
    _clean_up(processes, folders)


if __name__ == "__main__":
    main()
