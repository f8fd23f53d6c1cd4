"""Below the frames: bytes that are no WebSocket, sizes at the limit, floods, and who says nothing at all."""

import asyncio
import json
import zlib
from collections.abc import Callable
from datetime import timedelta

import psutil
import pytest
from django.conf import settings

from chat.tests.hardening.tools import (
    DEADLINE_S,
    MARK,
    Edges,
    RawSocket,
    changes_since,
    exchange,
    mint,
    new_id,
    picture,
    request_head,
    upgrade_lines,
    ws_frame,
)
from testing.client import SocketClient
from testing.server import ServerProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("hardening-framing")]

LIMIT = 65_536
AUTH_SECONDS = 2
PING = b'{"type": "ping"}'
TEXT, BINARY = 1, 2


@pytest.fixture(scope="module")
def shared_server(start_shared: Callable[..., ServerProcess]) -> ServerProcess:
    """Patient for two seconds only, so that the tests need not be."""
    return start_shared(WS_AUTH_SECONDS=str(AUTH_SECONDS))


# The bytes of one frame, and how the socket may end. None is a plain cut.
BROKEN = {
    "invalid UTF-8": (ws_frame(TEXT, b"\xc3\x28"), {1007, None}),
    "invalid UTF-8 in a string": (ws_frame(TEXT, b'{"type": "\xff\xfe"}'), {1007, None}),
    "an encoded surrogate": (ws_frame(TEXT, b'{"type": "\xed\xa0\xbd"}'), {1007, None}),
    "overlong UTF-8": (ws_frame(TEXT, b'{"type": "\xc0\x80"}'), {1007, None}),
    "unmasked": (ws_frame(TEXT, PING, masked=False), {1002, None}),
    "RSV1 without an extension": (ws_frame(TEXT, PING, rsv=4), {1002, None}),
    "RSV2": (ws_frame(TEXT, PING, rsv=2), {1002, None}),
    "RSV3": (ws_frame(TEXT, PING, rsv=1), {1002, None}),
    "opcode 3": (ws_frame(3, PING), {1002, None}),
    "opcode 7": (ws_frame(7, b""), {1002, None}),
    "opcode B": (ws_frame(0xB, b""), {1002, None}),
    "a ping of 126 bytes": (ws_frame(9, b"x" * 126), {1002, None}),
    "a ping in parts": (ws_frame(9, b"x", fin=False), {1002, None}),
    "a continuation of nothing": (ws_frame(0, PING), {1002, None}),
    "a text inside a text": (ws_frame(TEXT, b"{", fin=False) + ws_frame(TEXT, b"}"), {1002, None}),
    "a close of one byte": (ws_frame(8, b"\x03"), {1002, None}),
    "a close with code 1005": (ws_frame(8, b"\x03\xed"), {1002, None}),
    "a close with bad UTF-8": (ws_frame(8, b"\x03\xe8\xff"), {1002, 1007, None}),
    "a length of 2^63": (b"\x81\xff" + b"\xff" * 8 + b"mask", {1002, 1009, None}),
    "one byte over the limit": (ws_frame(TEXT, b" " * (LIMIT + 1)), {1009, 4413, None}),
    "a megabyte": (ws_frame(TEXT, b" " * 2**20), {1009, 4413, None}),
    "over the limit in parts": (
        ws_frame(TEXT, b" " * 40_000, fin=False) + ws_frame(0, b" " * 40_000, fin=False),
        {1009, 4413, None},
    ),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", {1002, 1007, 1009, None}),
}


async def test_bytes_that_are_no_frame_close_that_socket_only(server, alice, tina, trade):
    token = await mint(alice)
    async with await Edges.open(server, tina) as neighbour:
        before = await picture()
        for case, (data, allowed) in BROKEN.items():
            raw = await RawSocket.open(server, token)
            await raw.send(data)
            code = await raw.closing()
            raw.close()

            assert code in allowed, f"{case}: closed with {code}"
        assert await changes_since(before) == []
        assert neighbour.socket.connection.close_code is None
        await neighbour.still_works(trade.conversation_id, "a neighbour, after all of them")


async def test_frames_split_and_mixed_as_the_protocol_allows_are_understood(server, alice, trade):
    raw = await RawSocket.open(server, await mint(alice))
    for case, data in {
        "in parts": ws_frame(TEXT, b'{"type": ', fin=False) + ws_frame(0, b'"ping"}'),
        "a character split between two parts": ws_frame(TEXT, '{"type": "ping", "x": "é'.encode()[:-1], fin=False)
        + ws_frame(0, "é".encode()[1:] + b'"}'),
        "empty parts": ws_frame(TEXT, b"", fin=False) + ws_frame(0, PING, fin=False) + ws_frame(0, b""),
        "a ping between two parts": ws_frame(TEXT, b'{"type"', fin=False)
        + ws_frame(9, b"hi")
        + ws_frame(0, b': "ping"}'),
    }.items():
        await raw.send(data)
        frames = [await raw.receive()]
        if "opcode" in frames[0]:
            frames.append(await raw.receive())
        assert frames[-1].get("type") == "pong", f"{case}: {frames}"
    for byte in ws_frame(TEXT, PING):
        await raw.send(bytes([byte]))
        await asyncio.sleep(0)
    assert (await raw.receive())["type"] == "pong"
    raw.close()


async def test_binary_and_empty_frames_are_refused_and_the_socket_stays(server, alice, trade):
    raw = await RawSocket.open(server, await mint(alice))
    for case, data in {
        "binary": ws_frame(BINARY, b"\x00\xff"),
        "binary JSON": ws_frame(BINARY, PING),
        "empty binary": ws_frame(BINARY, b""),
        "empty text": ws_frame(TEXT, b""),
        "empty in parts": ws_frame(TEXT, b"", fin=False) + ws_frame(0, b""),
    }.items():
        await raw.send(data)
        answer = await raw.receive()
        assert (answer.get("type"), answer.get("code")) == ("error", "bad_frame"), f"{case}: {answer}"
    await raw.send(ws_frame(TEXT, PING))
    assert (await raw.receive())["type"] == "pong"
    raw.close()


def padded(frame: dict[str, object], size: int) -> str:
    """The frame, made this many bytes long by a field that nobody reads."""
    bare = json.dumps({**frame, "pad": ""})
    return json.dumps({**frame, "pad": "x" * (size - len(bare))})


async def test_a_frame_exactly_at_the_limit_is_taken_and_its_text_comes_back_equal(server, alice, trade):
    here = str(trade.conversation_id)
    text = '😀é\u202e\\"' * 1_000  # 5,000 characters
    async with await Edges.open(server, alice) as hers:
        frame = {"type": "message.send", "id": "limit", "conversation": here, "client_id": new_id(), "body": text}
        raw = padded(frame, LIMIT)
        assert len(raw.encode()) == LIMIT
        await hers.socket.send_raw(raw)
        ack = await hers.socket.wait_for(lambda frame: frame.get("id") == "limit")

        assert ack["type"] == "ack", ack
        assert ack["message"]["body"] == text
        read = (await hers.rest.get(f"messages/{ack['message']['id']}/")).json()
        assert read["body"].encode() == text.encode()


async def test_a_deflate_bomb_is_not_even_offered_a_hearing(server, alice, trade):
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    offer = "permessage-deflate; client_max_window_bits"
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = squeezer.compress(b" " * 100_000_000) + squeezer.flush(zlib.Z_SYNC_FLUSH)
    for _ in range(3):
        raw = await RawSocket.open(server, await mint(alice), greeted=False, Sec_WebSocket_Extensions=offer)
        await raw.send(ws_frame(TEXT, bomb[:-4], rsv=4))
        assert await raw.closing() in (1002, 1009, None)
        raw.close()
    assert process.memory_info().rss - before < 50_000_000


async def test_handshakes_that_are_none_are_refused_without_a_fault(server, alice):
    token = await mint(alice)
    good = upgrade_lines(token)
    cases = {
        "version 8": (request_head("GET", "/ws/", *upgrade_lines(token, Sec_WebSocket_Version="8")), {400, 426}),
        "no version": (request_head("GET", "/ws/", *upgrade_lines(token, Sec_WebSocket_Version=None)), {400, 426}),
        "no key": (request_head("GET", "/ws/", *upgrade_lines(token, Sec_WebSocket_Key=None)), {400, 426}),
        "a short key": (request_head("GET", "/ws/", *upgrade_lines(token, Sec_WebSocket_Key="AAAA")), {400}),
        "a key that is no base64": (request_head("GET", "/ws/", *upgrade_lines(token, Sec_WebSocket_Key="?")), {400}),
        "POST": (request_head("POST", "/ws/", *good, "Content-Length: 0"), {400, 404, 405, 426}),
        "no upgrade": (request_head("GET", "/ws/"), {400, 404, 426}),
        "another upgrade": (request_head("GET", "/ws/", *upgrade_lines(token, Upgrade="h2c")), {400, 404, 426}),
        "another place": (request_head("GET", "/ws/admin", *good), {403, 404}),
        "the API": (request_head("GET", "/api/v1/me/", *good), {403, 404}),
        "Django admin": (request_head("GET", "/admin/", *good), {403, 404}),
        "an escaped newline": (request_head("GET", "/ws%0a", *good), {403, 404}),
        "a NUL in a header": (request_head("GET", "/ws/", *good, "X: a\x00b"), {400}),
        "HTTP/1.0": (request_head("GET", "/ws/", *good).replace(b"HTTP/1.1", b"HTTP/1.0"), {101, 400, 404, 426}),
        "no host": (request_head("GET", "/ws/", *good).replace(b"Host: 127.0.0.1\r\n", b""), {101, 400, 403}),
    }
    for case, (data, allowed) in cases.items():
        answer = await exchange(server, data)
        status = int(answer.split()[1]) if answer else None
        assert status in allowed, f"{case}: {answer[:300]!r}"
        assert b"Traceback" not in answer
        if status == 101:
            assert case in ("HTTP/1.0", "no host")


async def silent(server: ServerProcess, *before: bytes) -> tuple[float, int | None, dict[str, object]]:
    """Open a socket without a credential, send only these frames; when and how it ended, and what was said."""
    raw = await RawSocket.open(server, None, greeted=False)
    started = asyncio.get_running_loop().time()
    for data in before:
        await raw.send(data)
    error = await raw.receive()
    code = await raw.closing()
    raw.close()
    return asyncio.get_running_loop().time() - started, code, error


async def test_who_never_says_who_they_are_is_let_go_in_time(server, db):
    said_nothing, pinged, half, auth_in_parts = await asyncio.gather(
        silent(server),
        silent(server, ws_frame(9, b"alive")),
        silent(server, ws_frame(TEXT, b'{"type": "au', fin=False)),
        silent(server, ws_frame(TEXT, b'{"type": "auth"}')),
    )
    took, code, error = said_nothing
    assert (error["code"], code) == ("unauthenticated", 4408)
    assert AUTH_SECONDS - 0.5 < took < AUTH_SECONDS + 2
    assert timedelta(seconds=10) == settings.WS_AUTH_TIMEOUT, "where nobody asks for less"
    assert pinged[1] == half[1] == 4408
    assert auth_in_parts[1] == 4401
    assert auth_in_parts[0] < 2


async def test_first_frames_that_are_no_auth_end_the_socket_at_once(server, alice, trade):
    token = await mint(alice)
    here = str(trade.conversation_id)
    before = await picture()
    for case, data, code in (
        ("nonsense", ws_frame(TEXT, b"{"), 4401),
        ("empty", ws_frame(TEXT, b""), 4401),
        ("binary", ws_frame(BINARY, b"x"), 4401),
        ("ping", ws_frame(TEXT, PING), 4401),
        ("unknown", ws_frame(TEXT, b'{"type": "x"}'), 4401),
        ("token of a wrong type", ws_frame(TEXT, b'{"type": "auth", "token": 1}'), 4401),
        ("token too long", ws_frame(TEXT, json.dumps({"type": "auth", "token": "x" * 9_000}).encode()), 4401),
        ("bad token", ws_frame(TEXT, b'{"type": "auth", "token": "x"}'), 4401),
        (
            "a message with the token beside it",
            ws_frame(
                TEXT,
                json.dumps(
                    {"type": "message.send", "conversation": here, "client_id": new_id(), "body": MARK, "token": token}
                ).encode(),
            ),
            4401,
        ),
    ):
        raw = await RawSocket.open(server, None, greeted=False)
        await raw.send(data)
        error = await raw.receive()
        assert error.get("type") == "error", f"{case}: {error}"
        assert await raw.closing() == code, case
        raw.close()
    assert await changes_since(before) == []


# -- Floods, with limits on --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def limited_server(start_shared: Callable[..., ServerProcess]) -> ServerProcess:
    return start_shared(THROTTLE="on")


async def test_a_thousand_pings_a_second_end_that_socket_and_no_other(limited_server, alice, tina, trade):
    async with await Edges.open(limited_server, tina) as neighbour, await Edges.open(limited_server, alice) as hers:
        flood = await SocketClient.connect(limited_server.ws_url, token=hers.rest.access)
        for number in range(1_000):
            if flood.connection.close_code is not None:
                break
            await flood.send({"type": "ping", "id": str(number)})
        await asyncio.wait_for(flood.connection.wait_closed(), DEADLINE_S)

        assert flood.connection.close_code == 4429
        assert flood.journal[-1]["code"] == "rate_limited"
        assert 160 <= len([frame for frame in flood.journal if frame["type"] == "pong"]) < 400
        await flood.close()
        await hers.still_works(trade.conversation_id, "the same person's other socket")
        await neighbour.still_works(trade.conversation_id, "somebody else")


@pytest.mark.parametrize("data", [b"{", b'{"type": "x"}', b'{"type": "message.read"}', b""])
async def test_nonsense_without_end_ends_the_socket(limited_server, alice, trade, data):
    raw = await RawSocket.open(limited_server, await mint(alice))
    await raw.send(ws_frame(TEXT, data) * 60)
    assert await raw.closing() in (4429, None)
    raw.close()


async def test_one_person_has_so_many_sockets_and_the_oldest_makes_room(limited_server, alice, tina, trade):
    token = await mint(alice)
    sockets = [await SocketClient.connect(limited_server.ws_url, token=token) for _ in range(25)]
    for old in sockets[:5]:
        await asyncio.wait_for(old.connection.wait_closed(), DEADLINE_S)
    assert [socket.connection.close_code for socket in sockets] == [4429] * 5 + [None] * 20
    async with await Edges.open(limited_server, tina) as staff:
        await staff.still_works(trade.conversation_id, "staff still get in")
    for socket in sockets:
        await socket.close()
