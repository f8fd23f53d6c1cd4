"""Several calls at the same instant, each on a thread and a database connection of its own."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection

from chat.errors import ChatError

R = TypeVar("R")
MAX_THREADS = 10  # the connection pool of a process holds twelve


def on_its_own_connection(call: Callable[[], R]) -> R:
    """For a thread that ends with the call."""
    try:
        return call()
    finally:
        connection.close()


def wait_until_blocked() -> None:
    """Until some other connection to the test's database waits for a lock."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone():
                return
            cursor.execute("SELECT pg_stat_clear_snapshot()")
    raise AssertionError("nobody waits for a lock")


def together(calls: Sequence[Callable[[], R]]) -> list[R | ChatError]:
    """Their results, or refusals, in the order given; any other error is raised."""
    barrier = Barrier(min(len(calls), MAX_THREADS))

    def run(numbered: tuple[int, Callable[[], R]]) -> R | ChatError:
        place, call = numbered
        if place < barrier.parties:
            barrier.wait(10)
        try:
            return on_its_own_connection(call)
        except ChatError as refusal:
            return refusal

    with ThreadPoolExecutor(barrier.parties) as pool:
        return list(pool.map(run, enumerate(calls)))
