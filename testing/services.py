"""The backends of tests and benchmarks. `python -m testing.services` runs both until Ctrl-C, for use by hand."""

from __future__ import annotations

import contextlib
import signal
from types import FrameType

from testing.postgres import create_database, drop_database, start_postgres
from testing.service import NotPrivate, Service, ServiceUnavailable
from testing.valkey import start_valkey

__all__ = [
    "NotPrivate",
    "Service",
    "ServiceUnavailable",
    "create_database",
    "drop_database",
    "start_postgres",
    "start_valkey",
]


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _run() -> None:
    with start_postgres() as postgres, start_valkey() as valkey:
        print(f"# {postgres.describe}\nexport DATABASE_URL={postgres.url}", flush=True)
        print(f"# {valkey.describe}\nexport REDIS_URL={valkey.url}\n# Ctrl-C stops both.", flush=True)
        while True:
            signal.pause()


def main() -> None:
    signal.signal(signal.SIGTERM, _interrupt)
    with contextlib.suppress(KeyboardInterrupt):
        _run()


if __name__ == "__main__":
    main()
