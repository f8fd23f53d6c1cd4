"""What waits to be written to one socket: bounded, in order, and never in the way of another socket."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from accounts.identity import Identity
from chat import metrics, wire
from chat.enums import CloseCode

MAX_FRAMES = 256
MAX_CHARACTERS = 1_000_000
CLOSE_TIMEOUT = 1.0  # seconds


class Stream:
    """
    A conversation whose live events one socket does not simply get: while `held` they wait for a sync in progress;
    while `paused` the sync told the client to ask again, which will bring them; up to `floor` it has had them.
    """

    __slots__ = ("floor", "held", "paused")

    def __init__(self) -> None:
        self.floor = 0
        self.held: list[tuple[int, str]] | None = []
        self.paused = False


class Outbox:
    """
    The writing end of a socket. Everything is put by the event loop's thread without waiting: a reader that keeps up
    is written to at once, for any other a task writes what waits. Overfull, it ends the socket: a reader that slow
    resumes from its position later. Once the close has been written (or could not be in time) `on_end` is called.
    """

    def __init__(self, send: wire.Send, identity: Identity, connection_id: UUID, on_end: Callable[[], object]) -> None:
        self.identity = identity
        self.user = str(identity.user_id)
        self.session = str(identity.session_id)
        self.connection_id = connection_id
        self.closing: CloseCode | None = None
        self.streams: dict[str, Stream] = {}
        self._send = send
        self._on_end = on_end
        self._frames: deque[str] = deque()
        self._characters = 0
        self._writing = False
        self._write = wire.direct_write(send)
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._task: asyncio.Task[None] | None = None

    def put(self, text: str) -> None:
        if self.closing is not None:
            return
        if self._task is None and self._write is not None and self._write(wire.text_frame(text)):
            return
        if self._frames and (len(self._frames) >= MAX_FRAMES or self._characters + len(text) > MAX_CHARACTERS):
            self.close(CloseCode.TOO_SLOW)
            return
        self._frames.append(text)
        self._characters += len(text)
        self._start()
        if self._is_half_full():
            self._has_room.clear()

    def put_droppable(self, text: str) -> None:
        """Typing and presence: nobody misses one, so they make room first."""
        if self._is_half_full():
            metrics.dropped_frames.inc()
        else:
            self.put(text)

    def put_log(self, conversation: str, seq: int, text: str) -> None:
        """A log event, unless this socket's stream of the conversation says otherwise."""
        stream = self.streams.get(conversation) if self.streams else None
        if stream is None:
            self.put(text)
        elif stream.held is not None:
            stream.held.append((seq, text))
            if len(stream.held) > MAX_FRAMES:
                self.close(CloseCode.TOO_SLOW)
        elif not stream.paused and seq > stream.floor:
            del self.streams[conversation]
            self.put(text)

    def hold(self, conversation: str) -> Stream:
        """From now on its live events wait for `release`."""
        stream = self.streams[conversation] = Stream()
        return stream

    def release(self, conversation: str, stream: Stream, *, floor: int, paused: bool = False) -> None:
        """Events up to `floor` have been given another way: go on behind them, or (paused) at the next sync."""
        if self.streams.get(conversation) is not stream or stream.held is None:
            return  # another sync of the same conversation has begun
        held, stream.held = stream.held, None
        stream.floor, stream.paused = floor, paused
        for seq, text in held:
            self.put_log(conversation, seq, text)

    def close(self, code: CloseCode) -> None:
        """Write what waits (unless the reader is too slow for it), then close. The first code given counts."""
        if self.closing is not None:
            return
        self.closing = code
        metrics.closes.labels(str(code.value)).inc()
        self._has_room.set()
        if code is CloseCode.TOO_SLOW:
            self._frames.clear()
            if self._task is not None and self._writing:  # a task not yet begun must not be cancelled
                self._task.cancel()  # it is in a write that the reader does not take
        self._start()

    def stop(self) -> None:
        """The socket has gone: nothing can be written any more."""
        self.closing = self.closing or CloseCode.NORMAL
        self._on_end = _nothing
        self._has_room.set()
        if self._task is not None:
            self._task.cancel()

    async def room(self) -> None:
        """Wait until at most half of the outbox is filled, for answers of many frames."""
        await self._has_room.wait()

    def _is_half_full(self) -> bool:
        return len(self._frames) >= MAX_FRAMES // 2 or self._characters > MAX_CHARACTERS // 2

    def _start(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        """Write what waits and, where the end was asked for, the close. In between, nothing is written past it."""
        try:
            await self._write_all()
        except RuntimeError:  # the server has sent a close of its own (a lost ping): nobody reads any more
            self._frames.clear()
            self._has_room.set()
            self.closing = self.closing or CloseCode.FAULT
        except (asyncio.CancelledError, OSError):
            pass  # too slow, or gone: uvicorn says so with an OSError, and the reading side ends by itself
        if self.closing is None:
            self._task = None
            return
        if self._on_end is not _nothing:
            await self._write_close()
        self._on_end()

    async def _write_all(self) -> None:
        while self._frames:
            text = self._frames.popleft()
            self._characters -= len(text)
            if not self._has_room.is_set() and not self._is_half_full():
                self._has_room.set()
            self._writing = True
            try:
                await self._send({"type": "websocket.send", "text": text})
            finally:
                self._writing = False

    async def _write_close(self) -> None:
        assert self.closing is not None
        with suppress(TimeoutError, OSError, RuntimeError):  # no reader, no socket, or closed already
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._send({"type": "websocket.close", "code": self.closing.value})


def _nothing() -> None:
    pass
