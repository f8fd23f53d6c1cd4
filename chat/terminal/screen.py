"""Where lines go and come from: plain streams for pipes, prompt_toolkit for people; knows no chat."""

import asyncio
import codecs
import os
import sys
import threading
from collections.abc import Callable
from typing import Protocol, Self, TextIO

from chat.terminal.render import Line, plain

CHUNK = 65536


class Screen(Protocol):
    """`read` gives the next line, or None when the person leaves. A status replaces the one of its slot."""

    interactive: bool
    on_typed: Callable[[str], None]

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def show(self, line: Line) -> None: ...
    def status(self, slot: str, text: str) -> None: ...
    async def read(self) -> str | None: ...


class PlainScreen:
    """Lines from a file descriptor, lines to a stream, flushed one by one; statuses are lines too."""

    interactive = False

    def __init__(self, fd: int = 0, out: TextIO | None = None) -> None:
        self.on_typed: Callable[[str], None] = lambda text: None
        self._fd = fd
        self._out = out or sys.stdout
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()

    def __enter__(self) -> Self:
        # A thread, because asyncio cannot watch regular files; a daemon, because a read cannot be called off.
        reader = threading.Thread(target=self._pump, args=(asyncio.get_running_loop(),), daemon=True)
        reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._out.flush()

    def show(self, line: Line) -> None:
        print(plain(line), file=self._out, flush=True)

    def status(self, slot: str, text: str) -> None:
        # Gaining and losing the connection are lines already.
        if text and slot != "connection":
            self.show([("", f"      {text}")])

    async def read(self) -> str | None:
        return await self._lines.get()

    def _pump(self, loop: asyncio.AbstractEventLoop) -> None:
        decoder, rest = codecs.getincrementaldecoder("utf-8")(errors="replace"), ""
        try:
            while chunk := os.read(self._fd, CHUNK):
                *whole, rest = (rest + decoder.decode(chunk)).split("\n")
                for line in whole:
                    loop.call_soon_threadsafe(self._lines.put_nowait, line.removesuffix("\r"))
            if rest:
                loop.call_soon_threadsafe(self._lines.put_nowait, rest)
            loop.call_soon_threadsafe(self._lines.put_nowait, None)
        except (RuntimeError, OSError):
            # The loop has closed or the descriptor is gone: the client is leaving.
            return


def choose() -> Screen:
    """The full screen for a person at a terminal, the plain one for pipes and files."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        from chat.terminal.prompt import PromptScreen  # only people pay for its import

        return PromptScreen()
    return PlainScreen()
