"""What the hostile tests share: a picture of all tables, one person's two edges, and raw sockets below any client."""

import asyncio
import base64
import json
import os
from dataclasses import dataclass
from struct import pack
from typing import Any, Self
from uuid import uuid4

import httpx
from channels.db import database_sync_to_async
from django.apps import apps

from accounts.models import User
from chat.tests.conftest import access_token
from testing.client import SocketClient
from testing.rest import RestClient
from testing.server import ServerProcess

# Sockets leave the first three behind by coming and going; the others are Django's own and follow the models.
RESTLESS = {"Connection", "Presence", "Session", "ContentType", "Permission"}
RESTLESS_FIELDS = {"last_seen_at"}
MARK = "zq-hostile"  # in every body sent: no log may hold it
DEADLINE_S = 10.0


def snapshot() -> dict[str, list[str]]:
    """Every row of every table, as text."""
    tables = [model for model in apps.get_models(include_auto_created=True) if model.__name__ not in RESTLESS]
    return {model.__name__: _rows(model) for model in tables}


def _rows(model: Any) -> list[str]:
    fields = [field.attname for field in model._meta.concrete_fields if field.attname not in RESTLESS_FIELDS]
    return sorted(map(repr, model._base_manager.order_by().values_list(*fields)))


def changed(before: dict[str, list[str]]) -> list[str]:
    """The tables that are not as they were."""
    now = snapshot()
    return [name for name in now if now[name] != before.get(name)]


picture = database_sync_to_async(snapshot)
changes_since = database_sync_to_async(changed)
mint = database_sync_to_async(access_token)


def new_id() -> str:
    return str(uuid4())


@dataclass
class Edges:
    """One person's REST client and socket on a server, closed together."""

    user: User
    rest: RestClient
    socket: SocketClient

    @classmethod
    async def open(cls, server: ServerProcess, user: User) -> Self:
        rest = RestClient(server.http_url)
        rest.access = await mint(user)
        return cls(user, rest, await SocketClient.connect(server.ws_url, token=rest.access))

    async def still_works(self, conversation: object, case: str) -> None:
        """After a refusal the same socket can still say something."""
        answer = await self.socket.send_message(str(conversation), f"{MARK} still here")
        assert answer["type"] == "ack", f"{case}: the socket is not usable any more: {answer}"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()
        await self.rest.close()


async def refused_frame(socket: SocketClient, raw: str | bytes) -> dict[str, Any]:
    """Send something bad; the error that answers it."""
    since = len(socket.journal)
    await socket.send_raw(raw)
    return await socket.wait_for(lambda frame: frame["type"] in ("error", "ack"), since=since)


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    """The problem body without what differs by design."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text[:300]
    body = answer.json()
    assert body.pop("request_id")
    return body  # type: ignore[no-any-return]


# -- Below any client --------------------------------------------------------------------------------------------------


def request_head(method: str, path: str, *lines: str, host: str = "127.0.0.1") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode("latin-1")


async def exchange(server: ServerProcess, data: bytes) -> bytes:
    """The first of what the server answers to these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(data)
        async with asyncio.timeout(DEADLINE_S):
            return await reader.read(65536)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def upgrade_lines(token: str | None = None, **changes: str | None) -> list[str]:
    """The header lines of a handshake; a change to None leaves that line out."""
    lines: dict[str, str | None] = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Authorization": f"Bearer {token}" if token else None,
    }
    lines |= {name.replace("_", "-"): value for name, value in changes.items()}
    return [f"{name}: {value}" for name, value in lines.items() if value is not None]


def ws_frame(opcode: int, payload: bytes, *, masked: bool = True, fin: bool = True, rsv: int = 0) -> bytes:
    """One WebSocket frame (RFC 6455, 5.2), well-formed or not."""
    size, bit = len(payload), 0x80 if masked else 0
    if size < 126:
        length = bytes([bit | size])
    else:
        length = pack("!BH", bit | 126, size) if size <= 0xFFFF else pack("!BQ", bit | 127, size)
    mask = os.urandom(4) if masked else b""
    body = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload)) if masked else payload
    return bytes([(0x80 if fin else 0) | rsv << 4 | opcode]) + length + mask + body


class RawSocket:
    """A WebSocket connection by hand, past its handshake and `connected`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(
        cls, server: ServerProcess, token: str | None, *, greeted: bool = True, host: str = "127.0.0.1", **lines: str
    ) -> Self:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request_head("GET", "/ws/", *upgrade_lines(token, **lines), host=host))
        async with asyncio.timeout(DEADLINE_S):
            head = await reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in head, head
        raw = cls(reader, writer)
        if greeted:
            assert (await raw.receive())["type"] == "connected"
        return raw

    async def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def receive(self) -> dict[str, Any]:
        """The next frame: JSON of a text frame, {"close": code}, or {"close": None} for a plain cut."""
        try:
            async with asyncio.timeout(DEADLINE_S + 5):
                first, second = await self.reader.readexactly(2)
                size = second & 0x7F
                if size > 125:
                    size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
                payload = await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return {"close": None}
        if first & 0x40:
            return {"compressed": payload}
        if first & 0xF == 8:
            return {"close": int.from_bytes(payload[:2], "big") if payload else 1005}
        return dict(json.loads(payload)) if first & 0xF == 1 else {"opcode": first & 0xF}

    async def closing(self) -> int | None:
        """How it ends: the close code, None for a plain cut. Whatever comes before is passed over."""
        while "close" not in (frame := await self.receive()):
            pass
        code: int | None = frame["close"]
        return code

    def close(self) -> None:
        self.writer.close()
