"""A WebSocket client for tests that speaks PROTOCOL section 2 over real connections and remembers all it received."""

from __future__ import annotations

import asyncio
import itertools
import json
import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from testing.checker import Frame
from testing.journal import Journal, Predicate, SocketClosed
from testing.rest import RestClient
from testing.streams import StreamBook

__all__ = ["Refused", "RestClient", "SocketClient", "SocketClosed"]

DEADLINE_S = 10.0
MAX_FRAME = 64 * 1024 * 1024  # an answer to a sync is far larger than the 64 KiB a client may send
CONNECT_OPTIONS: dict[str, Any] = {
    "proxy": None,  # whatever the environment says
    "ping_interval": None,  # a paused server is not cut off by the client
    "close_timeout": 2,  # ... nor does it hold up the end of a test
    "max_size": MAX_FRAME,
    "compression": None,
}
SUBPROTOCOL = "parley.v1"


class Refused(AssertionError):
    """The server closed before `connected`; carries its error frame, if it sent one, and the close code."""

    def __init__(self, error: Frame | None, code: int | None) -> None:
        super().__init__(f"refused with {code}: {error}")
        self.error = error
        self.code = code


class SocketClient:
    """One connection. Make it with `connect`; use it as an async context manager.

    `journal` holds every frame received, `streams` what they add up to per conversation.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.streams = StreamBook()
        self._journal = Journal()
        self._ids = (f"r{number}" for number in itertools.count(1))
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        token: str | None = None,
        subprotocol_token: str | None = None,
        ticket: str | None = None,
        query_token: str | None = None,
        cookie: str | None = None,
        origin: str | None = None,
        first_frame_token: str | None = None,
        wait: bool = True,
        **options: Any,
    ) -> Self:
        """Open a socket, saying who we are in any of the protocol's ways: `token` is the Authorization header.

        Waits for `connected` and raises Refused when the socket is closed instead; `wait=False` returns at once.
        `options` go to websockets' connect. A handshake refused with an HTTP status raises its InvalidStatus.
        """
        query = {name: value for name, value in (("ticket", ticket), ("token", query_token)) if value is not None}
        headers = dict(options.pop("additional_headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if cookie is not None:
            headers["Cookie"] = cookie
        if subprotocol_token is not None:
            options["subprotocols"] = [SUBPROTOCOL, f"bearer.{subprotocol_token}"]
        target = f"{url}?{urlencode(query)}" if query else url
        options = CONNECT_OPTIONS | {"origin": origin, "additional_headers": headers} | options
        client = cls(await connect(target, **options))
        try:
            if first_frame_token is not None:
                await client.send({"type": "auth", "token": first_frame_token})
            if wait:
                await client.connected()
        except BaseException:
            await client.close()
            raise
        return client

    # -- What came -----------------------------------------------------------------------------------------------------
    @property
    def journal(self) -> list[Frame]:
        """Every frame received, in order."""
        return self._journal.frames

    def events(self, conversation: str) -> list[Frame]:
        """Log events of a conversation as a client holds them: what came again in a sync is there once."""
        stream = self.streams.streams.get(conversation)
        return [] if stream is None else list(stream.events)

    def positions(self) -> dict[str, int]:
        """Where each conversation stands, as a `sync` on the next connection takes it."""
        found = {name: stream.position for name, stream in self.streams.streams.items()}
        return {name: position for name, position in found.items() if position is not None}

    def check(self) -> None:
        """Raise AssertionError when any conversation's stream had a hole, a repeat or a swap."""
        self.streams.check()

    async def wait_for(self, predicate: Predicate, timeout: float = DEADLINE_S, *, since: int = 0) -> Frame:
        """The first frame of the journal, from index `since` on, for which `predicate` holds, now or in time."""
        return await self._journal.wait_for(predicate, timeout=timeout, since=since)

    async def wait_for_seq(self, conversation: str, seq: int, timeout: float = DEADLINE_S) -> list[Frame]:
        """Wait until everything of a conversation up to `seq` is here; returns its events."""

        def is_here(_: Frame | None = None) -> bool:
            stream = self.streams.streams.get(conversation)
            return stream is not None and (stream.position or 0) >= seq

        if not is_here():
            await self.wait_for(is_here, timeout, since=len(self.journal))
        return self.events(conversation)

    async def connected(self) -> Frame:
        """The `connected` frame; raises Refused when the socket is closed instead."""
        try:
            return await self.wait_for(lambda frame: frame["type"] == "connected")
        except SocketClosed:
            errors = [frame for frame in self.journal if frame["type"] == "error"]
            raise Refused(errors[0] if errors else None, self.connection.close_code) from None

    async def closed(self, timeout: float = DEADLINE_S) -> int | None:
        """Wait for the end of the connection; its close code, 1006 for a plain cut."""
        await asyncio.wait_for(self.connection.wait_closed(), timeout)
        await self._reader
        return self.connection.close_code

    # -- What we say ---------------------------------------------------------------------------------------------------
    async def send(self, frame: Frame) -> None:
        """Send a frame and wait for nothing."""
        await self.send_raw(json.dumps(frame, ensure_ascii=False))

    async def send_raw(self, data: str | bytes) -> None:
        """Send anything, well-formed or not."""
        await self.connection.send(data)

    async def request(self, frame: Frame, timeout: float = DEADLINE_S) -> Frame:
        """Send with an `id` of its own (or the one given); returns its ack, pong or error frame."""
        request_id = frame.get("id") or next(self._ids)
        since = len(self.journal)
        await self._send_or_fail({**frame, "id": request_id})
        return await self._journal.wait_for(
            lambda answer: answer.get("id") == request_id and answer["type"] in ("ack", "pong", "error"),
            timeout=timeout,
            since=since,
            what=f"answer to {frame['type']}",
        )

    async def send_message(self, conversation: str, body: str, client_id: str | None = None, **fields: Any) -> Frame:
        """`message.send`, with a new `client_id` unless one is given; returns the ack or error frame."""
        frame = {"type": "message.send", "conversation": conversation, "body": body, **fields}
        return await self.request({**frame, "client_id": client_id or str(uuid.uuid4())})

    async def sync(self, positions: Mapping[str, int], timeout: float = DEADLINE_S) -> list[Frame]:
        """One `sync`: its frames in order, the last being the ack (or error)."""
        request_id = next(self._ids)
        since = len(self.journal)
        self.streams.note_sync(request_id, positions)
        await self.request({"type": "sync", "id": request_id, "positions": dict(positions)}, timeout)
        return [frame for frame in self.journal[since:] if frame.get("id") == request_id]

    async def catch_up(self, positions: Mapping[str, int]) -> None:
        """Sync again and again until no answer says `more`."""
        wanted = dict(positions)
        while wanted:
            answers = await self.sync(wanted)
            if answers[-1]["type"] == "error":
                raise AssertionError(f"sync refused: {answers[-1]}")
            more = {frame["conversation"]: frame["more"] for frame in answers if frame["type"] == "sync.events"}
            wanted = {name: self.positions()[name] for name, unfinished in more.items() if unfinished}

    def stop_reading(self) -> None:
        """Become a slow reader: after some buffers have filled, the server can send no more."""
        self._may_read.clear()

    def go_on_reading(self) -> None:
        """Undo `stop_reading`."""
        self._may_read.set()

    def cut(self) -> None:
        """End the connection without a closing handshake, as a lost network does."""
        self.connection.transport.abort()

    async def close(self, code: int = 1000) -> None:
        self.go_on_reading()
        await self.connection.close(code)
        await self._reader

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _send_or_fail(self, frame: Frame) -> None:
        try:
            await self.send(frame)
        except ConnectionClosed as closed:
            raise SocketClosed(f"closed before {frame['type']} was sent: {closed}") from closed

    async def _read(self) -> None:
        reason = "the reader failed"
        try:
            while True:
                await self._may_read.wait()
                frame = json.loads(await self.connection.recv())
                self.streams.add(frame)
                self._journal.add(frame)
        except ConnectionClosed as closed:
            reason = f"the socket was closed: {closed}"
        finally:
            self._journal.end(reason)
