"""What the runner needs of a system: fill its database, start its processes, say who may talk."""

import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql

from benchmarks.generator.order import Cast
from benchmarks.plan import Cores
from benchmarks.services import Services
from testing.ports import reserve_port
from testing.process import Process

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "benchmarks" / "peers"
JWT_KEY = "a key of sixty-four bytes and more which signs nothing outside of benchmarks"
START_TIMEOUT = 60.0


class System(Protocol):
    """One server under test. `driver` names its wire format, `workloads` those that make sense for it."""

    name: str
    driver: str
    workloads: frozenset[str]

    def prepare(self, services: Services) -> None:
        """Install what is missing, create the database and the people."""

    def command(self, port: int) -> list[str]: ...

    def environment(self, port: int) -> dict[str, str]: ...

    def folder(self) -> Path: ...

    def cast(self) -> Cast:
        """With tokens that are good from now on for the length of a run."""

    def stored(self) -> int | None:
        """How many messages its database holds; None when it has none."""


def count_rows(database_url: str, table: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    return 0 if row is None else int(row[0])


class Running:
    """The processes of a system, each on its port."""

    def __init__(self, processes: list[Process], ports: list[int]) -> None:
        self.processes = processes
        self.ports = ports

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self.processes if process.pid is not None]

    @property
    def log(self) -> str:
        return "\n".join(process.log for process in self.processes)


@contextmanager
def run(system: System, cores: Cores, count: int = 1) -> Iterator[Running]:
    """Start it on its own core and wait until it listens; stop it afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"bench-{system.name}-")))
        ports = [reserve_port() for _ in range(count)]
        processes = [_start(stack, system, cores, port, folder) for port in ports]
        for process, port in zip(processes, ports, strict=True):
            process.wait_until(lambda port=port: _listens(port), timeout=START_TIMEOUT)  # type: ignore[misc]
        yield Running(processes, ports)


def _start(stack: ExitStack, system: System, cores: Cores, port: int, folder: Path) -> Process:
    process = Process(
        [_taskset(), "-c", str(cores.server), *system.command(port)],
        cwd=system.folder(),
        log_path=folder / f"{port}.log",
        env=environment(system.environment(port)),
    )
    stack.callback(process.kill)  # Nothing of it is needed any more, and an orderly end may take its time.
    process.start()
    return process


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Only what is said here, so that a developer's variables change nothing."""
    return {"PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin", "JWT_KEY": JWT_KEY, **extra}


def python(*words: str) -> Sequence[str]:
    return [sys.executable, *words]


def _taskset() -> str:
    found = shutil.which("taskset")
    if found is None:
        raise SystemExit("benchmarks need `taskset` (util-linux) to keep the server on a core of its own")
    return found


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
