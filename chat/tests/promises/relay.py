"""Stands between server processes: hears what one says under a prefix, and says it under another in its own way."""

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from channels_redis.pubsub import RedisPubSubChannelLayer

from chat import fanout
from chat.tests.promises.people import until

ORIGIN = "relay"  # no server's own


class Relay:
    """Servers publish under `heard` and listen under `said`: both are values for REDIS_PREFIX."""

    def __init__(self, url: str, heard: str, said: str) -> None:
        self.events: list[fanout.Item] = []  # of logs, as they were published
        self._url, self._heard, self._said = url, heard, said

    async def take(self, count: int) -> list[fanout.Item]:
        """Wait for so many events, and keep them from being heard again."""
        await until(lambda: len(self.events) >= count, what=f"{count} published events")
        taken, self.events = self.events[:count], self.events[count:]
        return taken

    async def say(self, items: Iterable[fanout.Item]) -> None:
        """Each in a batch of its own, in the order given."""
        for item in items:
            await self._out.group_send(fanout.GROUP, {"type": "live", "origin": ORIGIN, "items": [item]})

    async def _listen(self, channel: str) -> None:
        while True:
            message = await self._in.receive(channel)
            self.events += [item for item in message["items"] if item[0] == "log"]

    async def __aenter__(self) -> Self:
        self._in, self._out = self._layer(self._heard), self._layer(self._said)
        channel = await self._in.new_channel()
        await self._in.group_add(fanout.GROUP, channel)
        self._task = asyncio.create_task(self._listen(channel))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._in.flush()
        await self._out.flush()

    def _layer(self, prefix: str) -> Any:
        return RedisPubSubChannelLayer(hosts=[{"address": self._url, "socket_timeout": 15}], prefix=prefix)


def new_prefix() -> str:
    """Several test runs may share one Valkey."""
    return f"test-{uuid4().hex}"
