"""Free TCP ports on 127.0.0.1 that stay ours until this process ends, also against parallel test runs."""

from __future__ import annotations

import fcntl
import functools
import os
import random
import socket
import tempfile
from pathlib import Path

_ours: set[int] = set()


@functools.cache
def _lock_file() -> int:
    """One file for all runs of this user; byte n locked means port n is taken. The kernel unlocks when we end."""
    path = Path(tempfile.gettempdir()) / f"parley-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def _lock(port: int) -> bool:
    try:
        fcntl.lockf(_lock_file(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except (BlockingIOError, PermissionError):  # both mean: locked by another process
        return False
    return True


def _candidates() -> range:
    """Ports below the ephemeral range: no outgoing connection can take one while its server is restarting."""
    try:
        lowest_ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        lowest_ephemeral = 32768
    return range(20000, lowest_ephemeral) if lowest_ephemeral > 21000 else range(10240, 65536)


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def reserve_port() -> int:
    """A port nobody listens on, which no other caller of this function gets while this process lives."""
    ports = list(_candidates())
    random.shuffle(ports)
    for port in ports:
        if port not in _ours and _lock(port) and _is_free(port):
            _ours.add(port)
            return port
    raise RuntimeError("no free TCP port on 127.0.0.1")
