"""A tiny application that tells its client whether frames to it can be written directly."""

from collections.abc import Awaitable, Callable
from typing import Any

from chat import wire


async def application(
    scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Callable[[Any], Awaitable[None]]
) -> None:
    if scope["type"] == "http":  # readiness
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ready"})
        return
    if scope["type"] != "websocket":
        raise RuntimeError("no lifespan here")
    await receive()
    await send({"type": "websocket.accept"})
    write = wire.direct_write(send)
    if write is not None and write(wire.text_frame("direct")):
        await receive()
        return
    await send({"type": "websocket.send", "text": "asgi"})
    await receive()
