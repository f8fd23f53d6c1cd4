"""A socket that reconnects and keeps its token fresh; knows nothing of chat but `connected`, `auth` and draining."""

import asyncio
import json
import time
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from chat.terminal import frames
from chat.terminal.backoff import OFFLINE_AFTER, Backoff
from chat.terminal.errors import ServerUnreachableError, SessionEndedError
from chat.terminal.frames import Frame
from chat.terminal.renewal import Renewal, Tokens
from chat.terminal.session import is_local

FINAL = {
    4403: "The server refuses this account: it was closed, or its role changed. Please log in again.",
    4409: "This session was logged out. Please log in again.",
}
BAD_TOKEN = 4401
RESTART = 1012
CUT = 1006
HTTP_CLOSES = {401: BAD_TOKEN, 403: 4403}
PAUSES = {4429: 5.0}
GREETING_WITHIN = 15.0
STABLE_AFTER = 5.0
# A page of 300 long messages is far above the library's default of 1 MiB.
FRAME_BYTES = 32 * 1024 * 1024


class Connection:
    """Runs until the server says never to return. `on_lost` is told the code and whether to call it offline."""

    def __init__(
        self,
        url: str,
        tokens: Tokens,
        *,
        on_frame: Callable[[Frame], None],
        on_lost: Callable[[int, bool], None],
        backoff: Backoff | None = None,
    ) -> None:
        self._url = url
        self._tokens = tokens
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._backoff = backoff or Backoff()
        self._socket: ClientConnection | None = None
        self._renewal = Renewal(tokens, self.send)
        self._greeted_at: float | None = None
        self._drain_s: float | None = None

    async def run(self) -> None:
        """Connect, read, and connect again; ends only by SessionEndedError or cancellation."""
        failures = 0
        while True:
            self._greeted_at = self._drain_s = None
            code = await self._live()
            if code in FINAL:
                raise SessionEndedError(FINAL[code])
            failures = 0 if self._greeted_at is not None else failures + 1
            self._on_lost(code, failures >= OFFLINE_AFTER)
            await asyncio.sleep(self._delay(code))
            if code == BAD_TOKEN:
                await self._renew_token()

    async def send(self, frame: Frame) -> bool:
        """Put a frame on the wire; False when there is none now. What must arrive is sent again by its owner."""
        if self._socket is None:
            return False
        try:
            await self._socket.send(frames.encode(frame))
        except ConnectionClosed:
            return False
        return True

    async def _live(self) -> int:
        """One connection from handshake to end; gives its close code, 1006 for a plain cut."""
        try:
            async with connect(
                self._url,
                additional_headers={"Authorization": f"Bearer {self._tokens.access}"},
                max_size=FRAME_BYTES,
                proxy=None if is_local(self._url) else True,
                close_timeout=2,
            ) as socket:
                self._socket = socket
                return await self._read(socket)
        except InvalidStatus as refusal:
            return HTTP_CLOSES.get(refusal.response.status_code, CUT)
        except (OSError, WebSocketException):
            return CUT
        finally:
            self._socket = None
            self._renewal.stop()

    async def _read(self, socket: ClientConnection) -> int:
        try:
            async with asyncio.timeout(GREETING_WITHIN):
                frame = _decode(await socket.recv())
            while frame is not None:
                self._take(frame)
                frame = _decode(await socket.recv())
        except ConnectionClosed as closed:
            if self._renewal.ended is not None:
                raise self._renewal.ended from closed
            return closed.rcvd.code if closed.rcvd else CUT
        # Not a frame: whatever answers there is no Parley server at the moment.
        return CUT

    def _take(self, frame: Frame) -> None:
        match frame.get("type"):
            case "connected":
                self._greeted_at = time.monotonic()
                self._renewal.start(frame)
            case "server.draining":
                self._drain_s = (frame.get("reconnect_in_ms") or 0) / 1000
        if not self._renewal.takes(frame):
            self._on_frame(frame)

    def _delay(self, code: int) -> float:
        """A connection that held for a while starts the doubling anew; one that fails at once does not."""
        if self._greeted_at is not None and time.monotonic() - self._greeted_at >= STABLE_AFTER:
            self._backoff.reset()
        if code == RESTART and self._drain_s is not None:
            return self._backoff.pause(self._drain_s)
        delay = self._backoff.next_delay()
        return max(delay, self._backoff.pause(PAUSES[code])) if code in PAUSES else delay

    async def _renew_token(self) -> None:
        try:
            await self._tokens.renew()
        except ServerUnreachableError:
            # The next try fails with the old token and comes back here, later.
            return


def _decode(text: str | bytes) -> Frame | None:
    """A JSON object with a type, or None for anything else."""
    try:
        frame = json.loads(text)
    except ValueError:
        return None
    return frame if isinstance(frame, dict) else None
