"""Wires session, socket, conversation and screen; the only place that knows them all."""

import asyncio
import contextlib
import time
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from chat.terminal import render, safe
from chat.terminal.backoff import Backoff
from chat.terminal.commands import PAGE, Commands
from chat.terminal.connection import Connection
from chat.terminal.conversation import Conversation
from chat.terminal.errors import RefusedError, ServerUnreachableError, SessionEndedError
from chat.terminal.frames import Frame
from chat.terminal.notices import Gone, Notice, Receipts, Reload, Typing
from chat.terminal.screen import Screen
from chat.terminal.session import Session

TICK = 0.2
SETTLE_WITHIN = {True: 5.0, False: 30.0}
"""Seconds the last messages get on leaving: a person at the screen waits less than a pipe."""
RELOAD_RETRY = 2.0


class App:
    """One person, one conversation, until they leave or the server ends it."""

    def __init__(self, session: Session, summary: Frame, screen: Screen, *, backoff: Backoff | None = None) -> None:
        self._session = session
        self._screen = screen
        self._title = safe.one_line(str(summary.get("title") or summary.get("kind") or "conversation"))
        self._me: str = session.user["id"]
        self._conversation = Conversation(summary, self._me)
        self._commands = Commands(session, self._conversation, screen.show)
        self._connection = Connection(
            socket_url(session.url), session, on_frame=self._on_frame, on_lost=self._on_lost, backoff=backoff
        )
        self._wake = asyncio.Event()
        self._extra: list[Frame] = []
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reloading: asyncio.Task[None] | None = None
        self._lost = self._offline = False

    async def run(self) -> int:
        """The exit code: 0 when the person left. What the server ends is raised."""
        self._screen.on_typed = self._on_typed
        with self._screen:
            self._say(f"{self._title} · you are {safe.one_line(str(self._session.user['display_name']))} · /help")
            await self._load_page()
            working = [asyncio.create_task(self._connection.run()), asyncio.create_task(self._pump())]
            try:
                await self._unless_over(self._read(), working)
                await self._unless_over(self._settle(), working)
            finally:
                await _stop([*working, self._reloading])
                self._say_unsent()
        return 1 if self._conversation.outbox and not self._screen.interactive else 0

    async def _unless_over(self, part: Any, working: list[asyncio.Task[None]]) -> None:
        """Do this part; when something else ends first, raise what ended it."""
        task = asyncio.ensure_future(part)
        try:
            done, _ = await asyncio.wait([task, *working, self._over], return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
        finally:
            await _stop([task])

    async def _read(self) -> None:
        """Take lines until the person leaves."""
        while (text := await self._screen.read()) is not None:
            # What a terminal could not decode arrives as lone surrogates, which have no UTF-8.
            text = text.encode("utf-8", "replace").decode()
            if text.strip() == "/quit":
                return
            if text.startswith("/") and not text.startswith("//"):
                await self._commands.run(text)
            elif text.strip():
                self._write(text.removeprefix("/") if text.startswith("//") else text)

    def _write(self, text: str) -> None:
        refused = self._conversation.write(text)
        if refused is not None:
            self._screen.show(render.refused(refused))
        elif self._lost:
            self._say(f"… waiting to be sent: {safe.one_line(text[:200])}")
        self._wake.set()

    async def _pump(self) -> None:
        """The only sender: frames leave in the order the conversation gives them."""
        while True:
            now = time.monotonic()
            extra, self._extra = self._extra, []
            for frame in [*self._conversation.due(now), *extra]:
                await self._connection.send(frame)
            if change := self._conversation.roster.typing_change(now):
                self._tell(change)
            self._wake.clear()
            # Not wait_for: up to Python 3.11 it can swallow a cancellation. The tick serves what the clock makes due.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK):
                    await self._wake.wait()

    async def _settle(self) -> None:
        """Give what was written last the time to arrive."""
        deadline = time.monotonic() + SETTLE_WITHIN[self._screen.interactive]
        while not self._conversation.settled and time.monotonic() < deadline:
            await asyncio.sleep(TICK / 4)

    async def _load_page(self) -> None:
        page = await self._session.get(f"conversations/{self._conversation.id}/messages/", limit=PAGE)
        for notice in self._conversation.history(page["results"]):
            self._tell(notice)
        for notice in self._conversation.receipts_change():
            self._tell(notice)

    async def _reload(self) -> None:
        """After `sync.reset`: the newest page, however long the server takes, then the log from its head on."""
        while True:
            try:
                await self._load_page()
            except ServerUnreachableError:
                await asyncio.sleep(RELOAD_RETRY)
                continue
            except (RefusedError, SessionEndedError) as error:
                self._end(str(error))
            self._conversation.position.reloaded()
            self._wake.set()
            return

    def _on_frame(self, frame: Frame) -> None:
        if frame.get("type") == "connected":
            self._on_connected(frame)
        for notice in self._conversation.feed(frame, time.monotonic()):
            self._tell(notice)
        self._wake.set()

    def _on_connected(self, frame: Frame) -> None:
        self._conversation.connected(frame.get("limits"))
        self._screen.status("connection", "")
        self._say("Connected again." if self._lost else "Connected.")
        self._lost = self._offline = False

    def _on_lost(self, code: int, offline: bool) -> None:
        for notice in self._conversation.lost(code):
            self._tell(notice)
        if offline and not self._offline:
            self._say("Offline. Still trying; what you write is sent when the connection is back.")
            self._screen.status("connection", "offline")
        elif not self._lost:
            self._say(f"Connection lost ({code}), connecting again.")
            self._screen.status("connection", "connecting…")
        self._lost, self._offline = True, offline

    def _on_typed(self, text: str) -> None:
        frame = self._conversation.typed("" if text.startswith("/") else text, time.monotonic())
        if frame is not None:
            self._extra.append(frame)
            self._wake.set()

    def _tell(self, notice: Notice) -> None:
        match notice:
            case Typing():
                self._screen.status("typing", render.typing(notice))
            case Receipts():
                self._screen.status("receipts", render.receipts(notice))
            case Reload():
                self._say("Much has happened; only the newest messages follow. /history shows older ones.")
                self._reloading = asyncio.create_task(self._reload())
            case Gone():
                self._end("This conversation is not, or no longer, open to you.")
            case _:
                self._screen.show(render.line(notice, self._me) or [])

    def _end(self, why: str) -> None:
        if not self._over.done():
            self._over.set_exception(SessionEndedError(why))

    def _say(self, text: str) -> None:
        self._screen.show(render.note(text))

    def _say_unsent(self) -> None:
        """The last chance to keep a text: nothing is stored on this machine."""
        for body in self._conversation.outbox.bodies():
            self._screen.show(render.note(f"✗ not confirmed as sent: {safe.one_line(body)}", render.BAD))


def socket_url(url: str) -> str:
    """http becomes ws, https becomes wss; a path prefix stays."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}[parts.scheme]
    return urlunsplit((scheme, parts.netloc, f"{parts.path.rstrip('/')}/ws/", "", ""))


async def _stop(tasks: list[asyncio.Task[None] | None]) -> None:
    """Cancel and wait. What a task raised was raised by its owner already."""
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
