"""Works on all that was queued while it last worked: an idle process waits for nothing, a busy one shares."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from django.db import DatabaseError, connection

from chat.errors import ChatError, Unavailable

logger = logging.getLogger("parley.batcher")

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_BATCH = 200
MAX_QUEUE = 10_000  # beyond it a new item is refused at once
TIME_LIMIT = 10.0  # seconds until somebody who waits is told `unavailable`; what happens to the item is open then

Done = Callable[[Result | ChatError], object]


class Ticket(Generic[Item, Result]):
    """An item on its way, and whom to tell."""

    __slots__ = ("done", "item", "settled", "since")

    def __init__(self, item: Item, done: Done[Result]) -> None:
        self.item = item
        self.done = done
        self.since = time.monotonic()
        self.settled = False

    def settle(self, outcome: Result | ChatError) -> None:
        if not self.settled:
            self.settled = True
            self.done(outcome)


class Queue(Generic[Item, Result]):
    """
    What waits to be done, first come, first served, and who waits for it. Subclasses begin work in `_wake`, take it by
    `_next_batch` and give its outcomes, of which each may be a ChatError, to `_settle`.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Ticket[Item, Result]] = deque()
        self._unsettled: deque[Ticket[Item, Result]] = deque()
        self._watch = self._loop.create_task(self._expire())

    def put(self, item: Item, done: Done[Result]) -> None:
        """`done` gets the outcome; Unavailable after TIME_LIMIT, or at once when too many wait already."""
        ticket: Ticket[Item, Result] = Ticket(item, done)
        if len(self._unsettled) >= MAX_QUEUE:
            ticket.settle(Unavailable())
            return
        self._unsettled.append(ticket)
        self._queue.append(ticket)
        self._wake()

    def submit(self, item: Item) -> "asyncio.Future[Result]":
        """The outcome as a future, which raises what `put` would pass on as a ChatError."""
        future: asyncio.Future[Result] = self._loop.create_future()

        def resolve(outcome: Result | ChatError) -> None:
            if future.done():
                return
            if isinstance(outcome, ChatError):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

        self.put(item, resolve)
        return future

    def _wake(self) -> None:
        raise NotImplementedError

    def _next_batch(self) -> list[Ticket[Item, Result]]:
        """What waits now. An item whose sender is told `unavailable` by now is not begun any more."""
        batch: list[Ticket[Item, Result]] = []
        oldest = time.monotonic() - TIME_LIMIT
        while self._queue and len(batch) < MAX_BATCH:
            ticket = self._queue.popleft()
            if ticket.since > oldest:
                batch.append(ticket)
        return batch

    def _settle(self, batch: Sequence[Ticket[Item, Result]], outcomes: Sequence[Result | ChatError]) -> None:
        for ticket, outcome in zip(batch, outcomes, strict=True):
            ticket.settle(outcome)
        while self._unsettled and self._unsettled[0].settled:
            self._unsettled.popleft()

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(1)
            limit = time.monotonic() - TIME_LIMIT
            while self._unsettled and (self._unsettled[0].settled or self._unsettled[0].since < limit):
                self._unsettled.popleft().settle(Unavailable())
            self._tick()

    def _tick(self) -> None:
        """Once a second, for what else a subclass has to watch."""


class Batcher(Queue[Item, Result]):
    """
    One thread with one database connection. `run` takes a list of items and returns as many outcomes. All but `run`
    itself happens on the event loop's thread.
    """

    def __init__(
        self, run: Callable[[Sequence[Item]], Sequence[Result | ChatError]], name: str, *, gather: float = 0
    ) -> None:
        """With `gather` each run waits that many seconds for company: for what is dear and in no hurry."""
        super().__init__()
        self._run = run
        self._name = name
        self._gather = gather
        self._stop_asked = threading.Event()
        self._work_waits = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def _wake(self) -> None:
        self._work_waits.set()

    async def stop(self) -> None:
        """Finish what is queued (within the time limit), then end the thread."""
        self._stop_asked.set()
        self._work_waits.set()
        await asyncio.to_thread(self._thread.join, TIME_LIMIT)
        self._watch.cancel()

    def _work(self) -> None:
        while True:
            self._work_waits.wait()
            self._work_waits.clear()
            while self._queue:
                if self._gather:
                    self._stop_asked.wait(self._gather)
                if batch := self._next_batch():
                    outcomes = self._attempt([ticket.item for ticket in batch])
                    self._loop.call_soon_threadsafe(self._settle, batch, outcomes)
            if self._stop_asked.is_set():
                connection.close()
                return

    def _attempt(self, items: list[Item]) -> Sequence[Result | ChatError]:
        """
        Runs are idempotent: a connection found broken is replaced and the run tried once more. Where it is not the
        database that fails, each item is run by itself, so that one does not take its neighbours with it.
        """
        try:
            return self._run(items)
        except DatabaseError:
            connection.close()
        except Exception:  # the thread must outlive any failure; whoever caused this one is found below
            logger.exception("batch failed", extra={"batcher": self._name, "items": len(items)})
            return [self._attempt_one(item) for item in items]
        try:
            return self._run(items)
        except Exception:  # as above; the database is the likeliest
            logger.exception("batch failed twice", extra={"batcher": self._name, "items": len(items)})
            connection.close()
            return [Unavailable() for _ in items]

    def _attempt_one(self, item: Item) -> Result | ChatError:
        try:
            return self._run([item])[0]
        except Exception:  # a bug, or an item nobody thought of: its sender is told, and it is in the log
            logger.exception("item failed", extra={"batcher": self._name})
            return ChatError()
