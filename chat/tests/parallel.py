"""Several calls at the same instant, each on a thread and a database connection of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection

from chat.errors import ChatError

R = TypeVar("R")
MAX_THREADS = 10  # the connection pool of a process holds twelve


def together(calls: Sequence[Callable[[], R]]) -> list[R | ChatError]:
    """Their results, or refusals, in the order given; any other error is raised."""
    barrier = Barrier(min(len(calls), MAX_THREADS))

    def run(numbered: tuple[int, Callable[[], R]]) -> R | ChatError:
        place, call = numbered
        if place < barrier.parties:
            barrier.wait(10)
        try:
            return call()
        except ChatError as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(barrier.parties) as pool:
        return list(pool.map(run, enumerate(calls)))
