"""
The application in a process that kills itself at a chosen point, as a crash would: nothing is cleaned up, nothing said.

Run `chat.tests.promises.dying:at_ack` or `:at_publish` instead of `config.asgi:application`.
"""

import os
import signal
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER
from channels.layers import channel_layers

from config.asgi import application


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def at_ack(scope: Any, receive: Any, send: Any) -> None:
    """Dies instead of writing the first ack of a new message; the ack of a repeat goes out."""

    async def send_or_die(message: dict[str, Any]) -> None:
        if _acknowledges_new_message(message):
            _die()
        await send(message)

    await application(scope, receive, send_or_die if scope["type"] == "websocket" else send)


def _acknowledges_new_message(message: dict[str, Any]) -> bool:
    text = message.get("text", "")
    return text.startswith('{"type":"ack"') and '"duplicate":false' in text


class _KillingLayer:
    """The channel layer, but nobody survives publishing an event of a log."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._layer, name)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if any(item[0] == "log" for item in message["items"]):
            _die()
        await self._layer.group_send(group, message)


async def at_publish(scope: Any, receive: Any, send: Any) -> None:
    """Dies after the commit of a message, when it is about to tell the other processes."""
    if scope["type"] == "lifespan":
        channel_layers.set(DEFAULT_CHANNEL_LAYER, _KillingLayer(channel_layers[DEFAULT_CHANNEL_LAYER]))
    await application(scope, receive, send)
