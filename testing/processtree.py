"""Signals to a process and everything below it, whatever sessions and groups the children moved to."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections import defaultdict
from pathlib import Path


def _parents() -> dict[int, int]:
    """Parent id of every live process. Zombies are left out: they can no longer be signalled."""
    proc = Path("/proc")
    if not (proc / "self" / "stat").exists():
        listing = subprocess.run(["ps", "-axo", "pid=,ppid="], check=True, capture_output=True, text=True).stdout
        return {int(pid): int(parent) for pid, parent in (line.split() for line in listing.splitlines())}
    parents: dict[int, int] = {}
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended between the listing and the reading
        if state != "Z":
            parents[int(entry.name)] = int(parent)
    return parents


def family(root: int) -> list[int]:
    """`root` first, then its living descendants."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for pid, parent in _parents().items():
        children[parent].append(pid)
    found = [root]
    for pid in found:
        found.extend(children[pid])
    return found


def is_alive(pid: int) -> bool:
    """True for a process that exists and is no zombie."""
    return pid in _parents()


def signal_one(pid: int, number: int) -> None:
    """Send a signal; a process that has ended is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def signal_family(root: int, number: int) -> list[int]:
    """Signal `root` and its descendants, none missed; returns whom.

    PostgreSQL gives each backend a session of its own, so a process group would miss them. Stopping goes from the top
    down and is repeated until nobody new is found, because a process that still runs may fork meanwhile.
    """
    if number == signal.SIGCONT:
        members = family(root)
        for pid in reversed(members):
            signal_one(pid, signal.SIGCONT)
        return members
    stopped: list[int] = []
    while fresh := [pid for pid in family(root) if pid not in stopped]:
        for pid in fresh:
            signal_one(pid, signal.SIGSTOP)
        stopped.extend(fresh)
    if number != signal.SIGSTOP:
        for pid in stopped:
            signal_one(pid, number)
    return stopped
