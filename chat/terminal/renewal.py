"""Renews the token of an open socket in-band before it expires; one timer, nothing about chat."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol

from chat.terminal import frames
from chat.terminal.errors import SessionEndedError, TerminalError
from chat.terminal.frames import Frame

MARGIN = 60.0
SHARE = 0.2
"""A token is renewed 60 s before its end, or with a fifth of its life left when it lives shortly."""
RETRY = 5.0
SHORTEST = 0.2


class Tokens(Protocol):
    @property
    def access(self) -> str: ...

    async def renew(self) -> None: ...


def wait_before_renewal(life: float) -> float:
    return max(SHORTEST, life - min(MARGIN, life * SHARE))


class Renewal:
    """Started by `connected`, moved on by the ack of each `auth`. `ended` is set when the session is over."""

    def __init__(self, tokens: Tokens, send: Callable[[Frame], Awaitable[bool]]) -> None:
        self._tokens = tokens
        self._send = send
        self._task: asyncio.Task[None] | None = None
        self._server_ahead = 0.0
        self._count = 0
        self._frame_id = ""
        self.ended: SessionEndedError | None = None

    def start(self, connected: Frame) -> None:
        """Lives are counted by the server's clock: this machine's may be off."""
        self._server_ahead = _seconds(connected["server_time"]) - _now()
        self._schedule(connected["token_expires_at"])

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def takes(self, frame: Frame) -> bool:
        """Whether this frame answers an `auth` of ours."""
        if not self._frame_id or frame.get("id") != self._frame_id:
            return False
        self._frame_id = ""
        if frame.get("token_expires_at"):
            self._schedule(frame["token_expires_at"])
        else:
            self._after(RETRY)
        return True

    def _schedule(self, expires_at: str) -> None:
        self._after(wait_before_renewal(_seconds(expires_at) - _now() - self._server_ahead))

    def _after(self, seconds: float) -> None:
        self.stop()
        self._task = asyncio.get_running_loop().create_task(self._renew(seconds))

    async def _renew(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        try:
            await self._tokens.renew()
        except SessionEndedError as ended:
            # The socket lives on until its token expires; the owner is told when it closes.
            self.ended = ended
            return
        except TerminalError:
            self._after(RETRY)
            return
        self._count += 1
        self._frame_id = f"auth:{self._count}"
        await self._send(frames.auth(self._tokens.access, self._frame_id))


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def _now() -> float:
    return datetime.now(UTC).timestamp()
