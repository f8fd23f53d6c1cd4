"""
Tells every server process what was committed, after the commit, and can neither delay nor fail it.

All processes listen to one group. What a thread hands over here goes to this process's own hub at once and, in
batches, through the channel layer to the others. A batch the layer loses is repaired by each hub from the database,
so an error here is counted and forgotten.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from channels.layers import get_channel_layer

from accounts.revocation import Revoked
from chat import metrics, protocol

if TYPE_CHECKING:
    from chat.eventlog import Appended

logger = logging.getLogger("parley.fanout")

GROUP = "live"
ORIGIN = uuid4().hex  # this process; what comes back from the layer with it was handed to our hub already
SEND_TIMEOUT = 2.0  # seconds a batch may take; a paused Redis costs batches, not memory
GATHER = 0.002  # seconds; Redis costs as much for one item as for fifty, and acks go out before it is talked to
MAX_BATCH = 500
MAX_WAITING = 20_000  # items; beyond it the oldest are dropped and repaired by the hubs

# An item is a plain list that msgpack can carry: its kind, then what the hub's method of that name takes.
Item = list[Any]


def committed(appended: Sequence["Appended"]) -> None:
    """Events of the log, in the order they were numbered."""
    publish(
        [
            ["log", str(entry.conversation_id), entry.seq, _text_id(entry.message.sender_id), entry.frame]
            for entry in appended
        ]
    )


def to_conversation(conversation_id: UUID, frame: Any, *, but: UUID | None = None, droppable: bool = False) -> None:
    """A frame outside the log for everybody in a conversation, except one person's sockets."""
    publish([["room", str(conversation_id), protocol.to_text(frame), _text_id(but), droppable]])


def to_users(user_ids: Iterable[UUID], frame: Any, *, droppable: bool = False) -> None:
    """A frame outside the log for all sockets of some people."""
    publish([["users", [str(user_id) for user_id in user_ids], protocol.to_text(frame), droppable]])


def joined(conversation_id: UUID, user_id: UUID) -> None:
    publish([["joined", str(conversation_id), str(user_id)]])


def left(conversation_id: UUID, user_id: UUID) -> None:
    publish([["left", str(conversation_id), str(user_id)]])


def revoked(identity: Revoked) -> None:
    """Sessions ended: their sockets close everywhere."""
    sessions = None if identity.session_ids is None else [str(session_id) for session_id in identity.session_ids]
    publish([["revoked", str(identity.user_id), sessions, identity.reason.value]])


def _text_id(value: UUID | None) -> str:
    return "" if value is None else str(value)


def publish(items: list[Item]) -> None:
    """From any thread, never blocking."""
    _publisher().put(items)


class Publisher:
    """Lives on one event loop (and its thread): passes items to this process's hub, if any, and to the layer."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, thread: int | None, deliver: Callable[[list[Item]], None] | None
    ) -> None:
        self._loop = loop
        self._thread = thread
        self._deliver = deliver
        self._waiting: list[Item] = []
        self._task: asyncio.Task[None] | None = None

    def put(self, items: list[Item]) -> None:
        if threading.get_ident() == self._thread:
            self._loop.call_soon(self._take, items)
            return
        try:
            self._loop.call_soon_threadsafe(self._take, items)
        except RuntimeError:  # the loop has closed: this process is on its way out, the others repair
            metrics.fanout_lost.inc(len(items))

    def _take(self, items: list[Item]) -> None:
        if self._deliver is not None:
            self._deliver(items)
        self._waiting += items
        if len(self._waiting) > MAX_WAITING:
            metrics.fanout_lost.inc(len(self._waiting) - MAX_WAITING)
            del self._waiting[:-MAX_WAITING]
        if self._task is None:
            self._task = self._loop.create_task(self._send_all())

    async def _send_all(self) -> None:
        """What gathers in GATHER, and while the last batch was under way, is the next batch."""
        while self._waiting:
            await asyncio.sleep(GATHER)
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            await self._send(batch)
        self._task = None

    async def _send(self, batch: list[Item]) -> None:
        layer = get_channel_layer()
        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                await layer.group_send(GROUP, {"type": "live", "origin": ORIGIN, "items": batch})
        except Exception as error:  # whatever the layer's client raises: a lost batch is repaired, a lost task is not
            metrics.fanout_lost.inc(len(batch))
            logger.warning("live batch lost", extra={"items": len(batch), "reason": type(error).__name__})

    async def drained(self) -> None:
        """Wait until everything put so far has been handed to the layer, or given up."""
        if self._task is not None:
            await asyncio.shield(self._task)


_current: Publisher | None = None
_lock = threading.Lock()


def serve(deliver: Callable[[list[Item]], None]) -> Publisher:
    """Publish from the running loop from now on, and hand every item to `deliver` on it first."""
    global _current
    _current = Publisher(asyncio.get_running_loop(), threading.get_ident(), deliver)
    return _current


def stop_serving() -> None:
    global _current
    _current = None


def _publisher() -> Publisher:
    """The server's own, or one on a thread of its own in a process without sockets (a worker, a command)."""
    global _current
    if _current is None:
        with _lock:
            if _current is None:
                loop = asyncio.new_event_loop()
                thread = threading.Thread(target=loop.run_forever, name="fanout", daemon=True)
                thread.start()
                _current = Publisher(loop, thread.ident, deliver=None)
    return _current


def flush(timeout: float = 2 * SEND_TIMEOUT) -> None:
    """Before a short-lived process exits: wait until what it said has gone out."""
    current = _current
    if current is not None:
        asyncio.run_coroutine_threadsafe(current.drained(), current._loop).result(timeout)
