"""Where the WebSocket is, and that there is no other."""

from collections.abc import Awaitable, Callable
from typing import Any

from django.urls import re_path

from chat.consumers import ChatConsumer


async def nowhere(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    """Refuse the handshake. Without a route Channels would raise, which is a 500 and a traceback for any stranger."""
    await receive()
    await send({"type": "websocket.close"})


websocket_urlpatterns = [re_path(r"^ws/?\Z", ChatConsumer.as_asgi()), re_path(r"", nowhere)]  # type: ignore[arg-type]  # the stubs know views only
