"""One WebSocket of the load, without a system's wire format, which the drivers add.

picows parses frames in C and calls back synchronously; `raw` shows how far that carries the generator.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, Self

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

TEXT, CLOSE = WSMsgType.TEXT, WSMsgType.CLOSE
CONNECT_TIMEOUT = 30.0


class Watcher(Protocol):
    """Who is told what a socket receives."""

    def acked(self, client_id: str) -> None: ...
    def seen(self, client_id: str, seat: int) -> None: ...
    def refused(self, reason: str) -> None: ...
    def disconnected(self, reason: str) -> None: ...


class Client(WSListener):
    """A seat in a conversation. Drivers override `url`, `headers`, `send` and `received`, perhaps `greet`."""

    transport: WSTransport

    def __init__(self, seat: int, token: str, conversation: str, watcher: Watcher) -> None:
        self.seat = seat
        self.token = token
        self.conversation = conversation
        self.watcher = watcher
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.leaving = False

    def url(self, port: int) -> str:
        raise NotImplementedError

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def greet(self) -> None:
        """Say what the system wants to hear first, if anything."""

    def send(self, client_id: str, body: str) -> None:
        raise NotImplementedError

    def received(self, frame: WSFrame) -> None:
        raise NotImplementedError

    async def connect(self, port: int) -> Self:
        """Return when the server has said that this socket is in."""
        await ws_connect(
            lambda: self,
            self.url(port),
            extra_headers=self.headers(),
            websocket_handshake_timeout=CONNECT_TIMEOUT,
            read_buffer_init_size=4096,
        )
        await asyncio.wait_for(self.ready, CONNECT_TIMEOUT)
        return self

    async def leave(self) -> None:
        self.leaving = True
        self.transport.send_close(WSCloseCode.OK)
        try:
            await asyncio.wait_for(self.transport.wait_disconnected(), 5)
        except TimeoutError:
            self.transport.disconnect()

    def accepted(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    def fault(self, reason: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(reason))
        self.watcher.refused(reason)

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self.greet()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == TEXT:
            self.received(frame)
        elif frame.msg_type == CLOSE:
            self.closing(f"closed by the server with {frame.get_close_code()}")
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.closing("cut")

    def closing(self, reason: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(reason))
        elif not self.leaving:
            self.leaving = True
            self.watcher.disconnected(reason)


ClientFactory = Callable[[int, str, str, Watcher], Client]
