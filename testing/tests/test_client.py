"""The socket client against a small server that speaks a few frames of the protocol over a real connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from testing.client import Refused, SocketClient, SocketClosed
from testing.ports import reserve_port
from testing.tests.test_checker import event, stream

CONNECTED = {"type": "connected", "protocol": 1, "connection": "c1"}


async def answer(socket: ServerConnection, frame: dict[str, Any]) -> None:
    """One conversation `a` with three events; a send to it is the fourth."""
    match frame["type"]:
        case "ping":
            await say(socket, {"type": "pong", "id": frame["id"]})
        case "message.send" if frame["body"]:
            await say(socket, event(4), {"type": "ack", "id": frame["id"], "message": frame, "duplicate": False})
        case "message.send":
            await say(socket, {"type": "error", "id": frame["id"], "code": "invalid"})
        case "sync":
            events = stream(*range(frame["positions"]["a"] + 1, 4))[:2]
            done = not events or events[-1]["seq"] == 3
            page = {"type": "sync.events", "conversation": "a", "events": events, "head": 3, "more": not done}
            await say(socket, {**page, "id": frame["id"]}, {"type": "ack", "id": frame["id"]})
        case "plant":
            await say(socket, *stream(5, 7))
        case "close":
            await socket.close(1012)


async def say(socket: ServerConnection, *frames: dict[str, Any]) -> None:
    for frame in frames:
        await socket.send(json.dumps(frame))


async def converse(socket: ServerConnection) -> None:
    request = socket.request
    assert request is not None
    if "ticket=good" not in request.path and request.headers.get("Authorization") != "Bearer good":
        await say(socket, {"type": "error", "id": None, "code": "unauthenticated"})
        return await socket.close(4401)
    await say(socket, CONNECTED)
    async for frame in socket:
        await answer(socket, json.loads(frame))


@asynccontextmanager
async def a_server() -> AsyncIterator[str]:
    port = reserve_port()
    async with serve(converse, "127.0.0.1", port):
        yield f"ws://127.0.0.1:{port}/ws/"


@asynccontextmanager
async def a_client() -> AsyncIterator[SocketClient]:
    async with a_server() as url, await SocketClient.connect(url, token="good") as client:
        yield client


async def test_a_header_and_a_ticket_let_us_in():
    async with a_server() as url:
        async with await SocketClient.connect(url, token="good") as client:
            assert client.journal == [CONNECTED]
        async with await SocketClient.connect(url, ticket="good") as client:
            assert client.journal == [CONNECTED]


async def test_a_refusal_carries_the_error_and_the_code():
    async with a_server() as url:
        with pytest.raises(Refused) as refused:
            await SocketClient.connect(url, token="bad")

    assert refused.value.code == 4401
    assert refused.value.error == {"type": "error", "id": None, "code": "unauthenticated"}


async def test_requests_get_their_own_answers():
    async with a_client() as client:
        sent, refused, pong = await asyncio.gather(
            client.send_message("a", "hello"), client.send_message("a", ""), client.request({"type": "ping"})
        )

        assert (sent["type"], sent["message"]["body"]) == ("ack", "hello")
        assert (refused["type"], refused["code"]) == ("error", "invalid")
        assert pong["type"] == "pong"


async def test_a_sync_returns_its_frames_and_the_streams_go_on():
    async with a_client() as client:
        first = await client.sync({"a": 0})
        assert [frame["type"] for frame in first] == ["sync.events", "ack"]
        assert client.positions() == {"a": 2}

        await client.catch_up(client.positions())
        await client.send_message("a", "hello")

        assert [each["seq"] for each in await client.wait_for_seq("a", 4)] == [1, 2, 3, 4]
        assert client.positions() == {"a": 4}
        client.check()


async def test_a_planted_hole_is_reported():
    async with a_client() as client:
        await client.send({"type": "plant"})
        await client.wait_for(lambda frame: frame.get("seq") == 7)

        with pytest.raises(AssertionError, match="hole"):
            client.check()


async def test_a_close_ends_what_waits():
    async with a_client() as client:
        with pytest.raises(SocketClosed, match="1012"):
            await client.request({"type": "close"})

        assert await client.closed() == 1012
        with pytest.raises(SocketClosed):
            await client.request({"type": "ping"})


async def test_waiting_in_vain_fails_with_the_last_frames():
    async with a_client() as client:
        with pytest.raises(AssertionError, match="connected"):
            await client.wait_for(lambda frame: frame["type"] == "never", timeout=0.05)


async def test_a_cut_connection_is_1006():
    async with a_client() as client:
        client.cut()

        assert await client.closed() == 1006
