"""Everything one socket received, in order, and a way to wait for what has not come yet. No I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from testing.checker import Frame

Predicate = Callable[[Frame], bool]


class SocketClosed(AssertionError):
    """The connection ended before what was waited for came."""


class Journal:
    """`frames` only grows, until `end`. Waiting reads what has already come first, so no frame is missed."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self._waiting: list[tuple[Predicate, asyncio.Future[Frame]]] = []
        self._ended: str | None = None

    def add(self, frame: Frame) -> None:
        self.frames.append(frame)
        for predicate, future in self._waiting:
            if not future.done() and predicate(frame):
                future.set_result(frame)

    def end(self, reason: str) -> None:
        """Nothing comes any more: whoever waits fails with the reason."""
        self._ended = reason
        for _, future in self._waiting:
            if not future.done():
                future.set_exception(SocketClosed(reason))

    async def wait_for(self, predicate: Predicate, *, timeout: float, since: int = 0, what: str = "frame") -> Frame:
        """The first frame from index `since` on for which `predicate` holds; AssertionError after `timeout` seconds."""
        for frame in self.frames[since:]:
            if predicate(frame):
                return frame
        if self._ended is not None:
            raise SocketClosed(self._ended)
        future: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        entry = (predicate, future)
        self._waiting.append(entry)
        try:
            return await asyncio.wait_for(future, timeout)
        except TimeoutError:
            raise AssertionError(f"no such {what} within {timeout:g} s; last frames: {self.frames[-5:]}") from None
        finally:
            self._waiting.remove(entry)
