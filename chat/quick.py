"""
The quick lane of messages into PostgreSQL: a connection that the event loop itself waits for.

No thread takes part, so nothing is handed over and nobody waits for the interpreter; and as one statement is one
transaction, a batch is one round trip. It speaks libpq (psycopg.pq) directly. Whatever goes wrong, drafts come back as
Busy and take the careful way, where what was stored after all is found as a repeat.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection
from django.utils import timezone
from psycopg import pq

from accounts.ids import new_id
from chat import metrics
from chat.actions import plain
from chat.actions.messages import Busy, Sent
from chat.actions.standings import Draft
from chat.batcher import TIME_LIMIT, Queue, Ticket
from chat.errors import ChatError

logger = logging.getLogger("parley.quick")

RECONNECT_AFTER = (0.2, 15.0)  # seconds: at first, and at most
ANSWER_LIMIT = 17.0  # seconds; the statement_timeout of config.settings and a little
CLIENT_ID_IN_USE = b"23505"  # unique_violation: the same client_id at this moment in another conversation

Connection = psycopg.Connection[Any]


@dataclass(slots=True)
class _Run:
    """A batch that the database works on, and what it has said so far."""

    batch: list[Ticket[Draft, Sent]]
    ids: list[UUID]
    now: datetime
    began: float
    results: list[pq.abc.PGresult] = field(default_factory=list)

    @property
    def drafts(self) -> list[Draft]:
        return [ticket.item for ticket in self.batch]


class QuickLane(Queue[Draft, Sent]):
    """
    One batch at a time: the next is what arrived meanwhile. `is_behind` tells of a draft whether its conversation has
    others on the careful way, behind which it has to stay; `turned` hears of trades in which it became another's turn.
    """

    def __init__(self, is_behind: Callable[[Draft], bool], turned: Callable[[UUID], object]) -> None:
        super().__init__()
        self._is_behind = is_behind
        self._turned = turned
        self._database: Connection | None = None
        self._socket = -1  # libpq does not tell any more once the connection is lost
        self._run: _Run | None = None
        self._begin_soon = False
        self._lost = asyncio.Event()
        self._stopping = asyncio.Event()
        self._idle = asyncio.Event()
        self._keeper = self._loop.create_task(self._keep_connected())

    @property
    def ready(self) -> bool:
        """Whether it takes drafts just now."""
        return self._database is not None

    async def stop(self) -> None:
        """Finish what is queued (within the time limit), then close the connection."""
        self._stopping.set()
        if self._run is not None or self._queue:
            self._idle.clear()
            try:
                await asyncio.wait_for(self._idle.wait(), TIME_LIMIT)
            except TimeoutError:
                logger.warning("quick lane stopped with drafts unanswered")
        self._watch.cancel()
        self._disconnect()
        self._lost.set()
        await asyncio.wait({self._keeper}, timeout=TIME_LIMIT)

    # -- Batches ---------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        if self._run is None and not self._begin_soon:  # soon, not now: what this turn of the loop brings goes together
            self._begin_soon = True
            self._loop.call_soon(self._begin)

    def _begin(self) -> None:
        self._begin_soon = False
        if self._run is not None:
            return
        self._leave_behind()
        if batch := self._next_batch():
            self._send(batch)
        else:
            self._idle.set()

    def _leave_behind(self) -> None:
        """All that has to take the careful way, and at once: what arrives next for a conversation goes there too."""
        waiting: list[Ticket[Draft, Sent]] = []
        behind: list[Ticket[Draft, Sent]] = []
        for ticket in self._queue:
            (behind if self._database is None or self._is_behind(ticket.item) else waiting).append(ticket)
        if behind:
            self._queue.clear()
            self._queue.extend(waiting)
            self._settle(behind, [Busy()] * len(behind))

    def _send(self, batch: list[Ticket[Draft, Sent]]) -> None:
        assert self._database is not None
        run = _Run(batch, [new_id() for _ in batch], timezone.now(), time.perf_counter())
        try:
            parameters = plain.parameters(run.drafts, run.ids, run.now)
            self._run = run
            self._database.pgconn.send_query_prepared(plain.NAME, parameters, plain.FORMATS, result_format=1)
            self._flush()
        except psycopg.OperationalError as error:
            self._lose(str(error))
        except Exception:  # a draft nobody thought of: the careful way finds out which
            logger.exception("quick batch could not be sent")
            self._run = None
            self._settle(batch, [Busy()] * len(batch))
            self._wake()

    def _flush(self) -> None:
        """Write as much as the socket takes. Called again when it takes more."""
        assert self._database is not None
        if self._database.pgconn.flush():
            self._loop.add_writer(self._socket, self._on_writable)
        else:
            self._loop.remove_writer(self._socket)

    def _on_writable(self) -> None:
        try:
            self._flush()
        except psycopg.OperationalError as error:
            self._lose(str(error))

    def _on_readable(self) -> None:
        """
        The answer is whole when libpq gives no more results, that is after ReadyForQuery: only that comes after the
        commit, and a commit that fails is one more result.
        """
        assert self._database is not None
        pgconn = self._database.pgconn
        try:
            pgconn.consume_input()
            while self._run is not None:
                if pgconn.is_busy():
                    # uvloop tells of a dying peer only once, with its last words: whether that was all shows now.
                    pgconn.consume_input()
                    if pgconn.is_busy():
                        return
                result = pgconn.get_result()
                if result is None:
                    self._finish(self._run)
                    return
                self._run.results.append(result)
        except psycopg.OperationalError as error:
            self._lose(str(error))

    def _finish(self, run: _Run) -> None:
        self._run = None
        outcomes: Sequence[Sent | ChatError] = [Busy()] * len(run.batch)
        try:
            outcomes = self._outcomes(run) or outcomes
        except Exception:  # stored, but not told of: the careful way finds the repeats, the hubs repair
            logger.exception("quick batch could not be told of")
        finally:
            self._settle(run.batch, outcomes)
            self._begin()

    def _outcomes(self, run: _Run) -> Sequence[Sent | ChatError]:
        """Of a whole answer; nothing when the batch failed."""
        failed = [result for result in run.results if result.status != pq.ExecStatus.TUPLES_OK]
        if failed:
            state = failed[0].error_field(pq.DiagnosticField.SQLSTATE)
            if state != CLIENT_ID_IN_USE:
                logger.warning("quick batch failed", extra={"sqlstate": (state or b"").decode()})
            return []
        metrics.commit_seconds.observe(time.perf_counter() - run.began)
        rows = (_row(run.results[0], place) for place in range(run.results[0].ntuples))
        outcomes, turned = plain.committed(run.drafts, run.ids, run.now, rows)
        for trade_id in turned:
            self._turned(trade_id)
        return outcomes

    # -- The connection --------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        """
        A connection that is alive and silent: the database's own limit has passed and no answer came. Whatever became
        of the batch, the careful way finds out. Until then nobody waits any more for the oldest in the queue.
        """
        while self._queue and self._queue[0].settled:
            self._queue.popleft()
        if self._run is not None and time.perf_counter() - self._run.began > ANSWER_LIMIT:
            self._lose("no answer")

    async def _keep_connected(self) -> None:
        delay, longest = RECONNECT_AFTER
        while not self._stopping.is_set():
            self._lost.clear()
            began = time.monotonic()
            try:
                database = await asyncio.to_thread(_connect, connection.get_connection_params())
                self._database, self._socket = database, database.pgconn.socket
                self._loop.add_reader(self._socket, self._on_readable)
                if not self._stopping.is_set():
                    await self._lost.wait()
            except Exception as error:  # whatever it was, a lane is not given up for it
                logger.warning("quick lane has no connection", extra={"reason": type(error).__name__})
            delay = RECONNECT_AFTER[0] if time.monotonic() - began > longest else min(2 * delay, longest)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay * random.uniform(0.5, 1))
        self._disconnect()

    def _lose(self, reason: str) -> None:
        logger.warning("quick lane lost its connection", extra={"reason": reason[:200]})
        self._lost.set()
        self._disconnect()
        run, self._run = self._run, None
        if run is not None:
            self._settle(run.batch, [Busy()] * len(run.batch))
        self._begin()

    def _disconnect(self) -> None:
        if self._database is not None:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._database.close()
            self._database = None


def _connect(parameters: dict[str, Any]) -> Connection:
    """On a thread: a connection like Django's own, with the statement prepared. Raises psycopg.Error."""
    parameters.pop("pool", None)
    parameters.pop("cursor_factory", None)
    database = psycopg.connect(**parameters, autocommit=True)
    prepared = database.pgconn.prepare(plain.NAME, plain.STATEMENT)
    if prepared.status != pq.ExecStatus.COMMAND_OK:
        database.close()
        raise psycopg.ProgrammingError(prepared.error_message.decode(errors="replace"))
    database.pgconn.nonblocking = 1
    return database


def _row(result: pq.abc.PGresult, place: int) -> plain.Row:
    number, seq, name, role, trade = (result.get_value(place, column) or b"" for column in range(5))
    trade_id = UUID(bytes=bytes(trade)) if trade else None
    return int.from_bytes(number, "big"), int.from_bytes(seq, "big"), name.decode(), role.decode(), trade_id
