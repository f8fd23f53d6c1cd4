"""The smallest ASGI application that a ServerProcess can run: answers readiness and echoes text frames."""

from __future__ import annotations

import os
from typing import Any


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await receive()
        ready = scope["path"] == "/readyz" and os.environ.get("READY") != "no"
        await send({"type": "http.response.start", "status": 200 if ready else 503, "headers": []})
        await send({"type": "http.response.body", "body": b"ready" if ready else b"not ready"})
    elif scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await receive()  # websocket.connect
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
