"""Frames go straight to uvicorn's transport, and the plain way wherever that cannot be."""

import pytest
from websockets.asyncio.client import connect

from chat import wire
from testing.server import ServerProcess

APP = "chat.tests.wire_probe:application"


async def said(server: ServerProcess, **options: object) -> str:
    async with connect(server.ws_url, proxy=None, **options) as socket:
        return str(await socket.recv())


async def test_uvicorn_lets_frames_be_written_directly_unless_they_are_compressed() -> None:
    with ServerProcess({}, app=APP, options=("--ws-per-message-deflate", "true")) as server:
        assert await said(server, compression=None) == "direct"
        assert await said(server, compression="deflate") == "asgi"


async def test_daphne_gets_its_frames_the_plain_way() -> None:
    with ServerProcess({}, app=APP, server="daphne") as server:
        assert await said(server, compression=None) == "asgi"


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_a_frame_says_its_length_as_the_rfc_wants_it(size: int) -> None:
    frame = wire.text_frame("x" * size)

    header = 2 if size < 126 else 4 if size < 65_536 else 10
    assert frame[0] == 0x81
    assert len(frame) == header + size
    assert int.from_bytes(frame[2:header], "big") == size if header > 2 else frame[1] == size


def test_the_same_text_is_framed_once() -> None:
    text = "hello " + "wörld"

    assert wire.text_frame(text) is wire.text_frame(text)
    assert wire.text_frame("other") != wire.text_frame(text)
