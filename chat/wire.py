"""
Writing a text frame to a socket at once, without a coroutine, where the server lets us: uvicorn's own WebSocket.

ASGI's `send` costs a coroutine and a frame built per socket. A server's text frames carry no mask, so the same bytes
serve every socket; on uvicorn they go straight to the transport, under the same conditions its `send` has. Anywhere
else, with compression, or while the peer is slow, `direct_write` says no and the outbox goes the ASGI way.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

Send = Callable[[dict[str, Any]], Awaitable[None]]
DirectWrite = Callable[[bytes], bool]


def direct_write(send: Send) -> DirectWrite | None:
    """A function that writes a prepared frame and says whether it did, or None where there is no such way."""
    protocol = getattr(send, "__self__", None)
    if not isinstance(protocol, WebSocketsSansIOProtocol) or protocol.conn.extensions:
        return None
    transport = protocol.transport
    is_writable = protocol.writable.is_set

    def write(frame: bytes) -> bool:
        if not is_writable() or protocol.disconnected or protocol.close_sent or transport.is_closing():
            return False
        transport.write(frame)
        return True

    return write


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
