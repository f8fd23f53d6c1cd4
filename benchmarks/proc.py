"""What Linux knows about running processes: their CPU time, memory and children. Reads /proc only."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")


class CoreTime(NamedTuple):
    """Seconds a core has spent working, and in all, since boot."""

    busy: float
    total: float


def _stat(pid: int) -> list[str]:
    # The command may contain blanks and brackets; the fields that matter come after the last bracket.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def family_cpu_seconds(roots: Iterable[int]) -> float:
    """User and system time of these processes and all they have started, ended children included."""
    return sum(_cpu_ticks(pid) for root in roots for pid in tree(root)) / TICKS


def _cpu_ticks(pid: int) -> int:
    # Own time and that of children already waited for: what a child has used passes to its parent when it ends.
    try:
        return sum(int(field) for field in _stat(pid)[11:15])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def family_rss_bytes(roots: Iterable[int]) -> int:
    return sum(_resident(pid) for root in roots for pid in tree(root))


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def parent(pid: int) -> int:
    return int(_stat(pid)[1])


def tree(root: int) -> list[int]:
    """A process and everything below it, as of now."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                children.setdefault(parent(int(entry.name)), []).append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    found = [root]
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def core_time(core: int) -> CoreTime:
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name == f"cpu{core}":
            ticks = [int(field) for field in fields[:8]]
            idle = ticks[3] + ticks[4]
            return CoreTime((sum(ticks) - idle) / TICKS, sum(ticks) / TICKS)
    raise LookupError(f"no core {core}")
