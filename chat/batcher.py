"""Runs a function over all that was queued while it last ran: an idle process waits for nothing, a busy one shares."""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from django.db import connection

from chat.errors import ChatError, Unavailable

logger = logging.getLogger("parley.batcher")

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_BATCH = 200
MAX_QUEUE = 10_000  # beyond it a new item is refused at once
TIME_LIMIT = 10.0  # seconds until somebody who waits is told `unavailable`; what happens to the item is open then


class Batcher(Generic[Item, Result]):
    """
    One thread with one database connection. `run` takes a list of items and returns as many results; a result that is
    a ChatError is raised to whoever submitted that item. First come, first served.
    """

    def __init__(self, run: Callable[[Sequence[Item]], Sequence[Result | ChatError]], name: str) -> None:
        self._run = run
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[tuple[Item, asyncio.Future[Result], float] | None] = queue.SimpleQueue()
        self._waiting: dict[asyncio.Future[Result], float] = {}
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()
        self._watch = self._loop.create_task(self._expire())

    def submit(self, item: Item) -> "asyncio.Future[Result]":
        """From the event loop's thread. The future raises ChatError, or Unavailable after TIME_LIMIT."""
        future: asyncio.Future[Result] = self._loop.create_future()
        if len(self._waiting) >= MAX_QUEUE:
            future.set_exception(Unavailable())
            return future
        now = time.monotonic()
        self._waiting[future] = now
        self._queue.put((item, future, now))
        return future

    async def stop(self) -> None:
        """Finish what is queued (within the time limit), then end the thread."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join, TIME_LIMIT)
        self._watch.cancel()

    def _work(self) -> None:
        while batch := self._next_batch():
            # An item whose sender was told `unavailable` while it waited is not begun any more.
            started = time.monotonic()
            fresh = [(item, future) for item, future, since in batch if started - since < TIME_LIMIT]
            if fresh:
                results = self._attempt([item for item, _ in fresh])
                self._loop.call_soon_threadsafe(self._settle, [future for _, future in fresh], results)
        connection.close()

    def _next_batch(self) -> "list[tuple[Item, asyncio.Future[Result], float]]":
        first = self._queue.get()
        batch = []
        while first is not None:
            batch.append(first)
            if len(batch) == MAX_BATCH or self._queue.empty():
                return batch
            first = self._queue.get()
        if batch:
            self._queue.put(None)  # the end was asked for behind these: see it again
        return batch

    def _attempt(self, items: list[Item]) -> "Sequence[Result | ChatError]":
        """Runs are idempotent, so a connection found broken is replaced and the run tried once more."""
        for is_last in (False, True):
            try:
                return self._run(items)
            except Exception as error:  # the thread must outlive any failure; each sender hears of this one
                connection.close()
                if is_last:
                    logger.error("batch failed", exc_info=error, extra={"batcher": self._name, "items": len(items)})
        return [Unavailable() for _ in items]

    def _settle(self, futures: "list[asyncio.Future[Result]]", results: "Sequence[Result | ChatError]") -> None:
        for future, result in zip(futures, results, strict=True):
            self._waiting.pop(future, None)
            if future.done():
                continue
            if isinstance(result, ChatError):
                future.set_exception(result)
            else:
                future.set_result(result)

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(1)
            limit = time.monotonic() - TIME_LIMIT
            for future in [future for future, since in self._waiting.items() if since < limit]:
                del self._waiting[future]
                if not future.done():
                    future.set_exception(Unavailable())
