"""
Writing a text frame to a socket at once, without a coroutine, where the server lets us: uvicorn's own WebSocket.

ASGI's `send` costs a coroutine and a frame built per socket. A server's text frames carry no mask, so the same bytes
serve every socket; on uvicorn they go straight to the transport, under the same conditions its `send` has. Anywhere
else, with compression, or while the peer is slow, `direct_write` says no and the outbox goes the ASGI way.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

logger = logging.getLogger("parley.wire")

Send = Callable[[dict[str, Any]], Awaitable[None]]
DirectWrite = Callable[[bytes], bool]

MAX_COLLECTED = 65_536  # bytes of one socket that wait for the end of a turn


class DirectWriter:
    """
    Collects what one turn of the event loop has for a socket and writes it with one system call at the turn's end:
    an author's ack and event, or all that one commit brought to a room.
    """

    __slots__ = ("_frames", "_protocol", "_size")

    def __init__(self, protocol: WebSocketsSansIOProtocol) -> None:
        self._protocol = protocol
        self._frames: list[bytes] = []
        self._size = 0

    def write(self, frame: bytes) -> bool:
        """Whether the frame is on its way. When it is not, nothing before it is left here."""
        if not self._protocol.writable.is_set() or self._is_over():
            self.flush()
            return False
        if not self._frames:
            _collect(self, self._protocol.loop)
        self._frames.append(frame)
        self._size += len(frame)
        if self._size > MAX_COLLECTED:
            self.flush()  # only what is written makes the transport say that the reader is slow
        return True

    def flush(self) -> None:
        frames, self._frames, self._size = self._frames, [], 0
        if frames and not self._is_over():
            self._protocol.transport.write(frames[0] if len(frames) == 1 else b"".join(frames))

    def _is_over(self) -> bool:
        return self._protocol.disconnected or self._protocol.close_sent or self._protocol.transport.is_closing()


_collecting: dict[asyncio.AbstractEventLoop, list[DirectWriter]] = {}


def _collect(writer: DirectWriter, loop: asyncio.AbstractEventLoop) -> None:
    waiting = _collecting.get(loop)
    if waiting is None:
        waiting = _collecting[loop] = []
        loop.call_soon(_flush_all, loop)
    waiting.append(writer)


def _flush_all(loop: asyncio.AbstractEventLoop) -> None:
    for writer in _collecting.pop(loop):
        try:
            writer.flush()
        except Exception:  # one socket's trouble is not the others'
            logger.exception("frames not written")


def direct_write(send: Send) -> DirectWrite | None:
    """A function that writes a prepared frame and says whether it did, or None where there is no such way."""
    protocol = getattr(send, "__self__", None)
    if not isinstance(protocol, WebSocketsSansIOProtocol) or protocol.conn.extensions:
        return None
    return DirectWriter(protocol).write


_last: tuple[str, bytes] = ("", b"\x81\x00")


def text_frame(text: str) -> bytes:
    """One final, unmasked text frame (RFC 6455, section 5.2). The last is kept, for all sockets of a room."""
    global _last
    if text is not _last[0]:
        _last = (text, _build(text.encode()))
    return _last[1]


def _build(payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return b"\x81" + size.to_bytes(1, "big") + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload
