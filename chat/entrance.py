"""
Coming in: from an opened socket to somebody whose session lives and whose conversations are known, or to a refusal
that says why before it closes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, assert_never

from django.conf import settings

from accounts.actions import sessions
from accounts.identity import Identity
from chat import database, handshake, metrics, protocol
from chat.enums import CloseCode
from chat.errors import BadFrame, ChatError, Forbidden, TooLarge, Unauthenticated, Unavailable
from chat.handshake import Handshake, Way
from chat.live import Live
from chat.loading import Arrival
from chat.protocol import Auth, RefusedFrame

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Goodbye(Exception):
    """The socket ends before it was anybody's: the error to say, and the code to close with."""

    def __init__(self, error: ChatError, code: CloseCode) -> None:
        super().__init__(error.detail)
        self.error = error
        self.code = code


class Disconnected(Exception):
    """The client has gone."""


class FrameTooLarge(Exception):
    """More than MAX_FRAME_BYTES in one frame, where the server in front of us lets it pass."""


async def enter(live: Live, scope: dict[str, Any], receive: Receive, send: Send) -> tuple[Arrival, int]:
    """
    Accept, and find out who it is. Raises Goodbye. Whoever gets an Arrival adds their socket to the hub, with the
    number beside it, and then calls the hub's `end_loading`: until then the hub keeps what arrives.
    """
    try:
        shake = handshake.read(scope)
    except ChatError as error:
        await _accept(scope, send, handshake.subprotocol_of(scope))
        raise Goodbye(error, _code_for(error)) from error
    await _accept(scope, send, shake.subprotocol)
    if live.draining:
        raise Goodbye(Unavailable("This server is about to restart."), CloseCode.RESTART)
    try:
        return await _prove(live, await _claim(shake, receive))
    except ChatError as error:
        raise Goodbye(error, _code_for(error)) from error


async def refuse(send: Send, goodbye: Goodbye) -> None:
    metrics.refusals.labels(goodbye.error.code).inc()
    metrics.closes.labels(str(goodbye.code.value)).inc()
    await send({"type": "websocket.send", "text": error_frame(None, goodbye.error)})
    await send({"type": "websocket.close", "code": goodbye.code.value})


def text_of(message: Mapping[str, Any]) -> str:
    """The text of an ASGI event. Raises Disconnected, RefusedFrame for a binary frame, FrameTooLarge."""
    if message["type"] == "websocket.disconnect":
        raise Disconnected
    text = message.get("text")
    if text is None:
        raise RefusedFrame(BadFrame("Frames are text."), None)
    if 4 * len(text) > protocol.MAX_FRAME_BYTES and len(text.encode()) > protocol.MAX_FRAME_BYTES:
        raise FrameTooLarge
    return str(text)


def error_frame(frame_id: str | None, error: ChatError) -> str:
    frame: dict[str, Any] = {"type": "error", "id": frame_id, "code": error.code, "detail": error.detail}
    if error.retry_after_ms is not None:
        frame["retry_after_ms"] = error.retry_after_ms
    return protocol.to_text(frame)


async def _accept(scope: dict[str, Any], send: Send, subprotocol: str | None) -> None:
    scope["query_string"] = b""  # a ticket or token in it must not reach the server's log of the handshake
    await send({"type": "websocket.accept", "subprotocol": subprotocol})


async def _claim(shake: Handshake, receive: Receive) -> Identity:
    match shake.way:
        case Way.TOKEN:
            return handshake.claimed_by_token(shake.secret)
        case Way.TICKET:
            session = await database.run(sessions.redeem_ticket, ticket=shake.secret)
            return handshake.claimed_by_session(session)
        case Way.COOKIE:
            return await database.run(handshake.claimed_by_cookie, shake.secret)
        case Way.FIRST_FRAME:
            return handshake.claimed_by_token((await _first_frame(receive)).token)
    assert_never(shake.way)


async def _first_frame(receive: Receive) -> Auth:
    try:
        async with asyncio.timeout(settings.WS_AUTH_TIMEOUT.total_seconds()):
            frame = protocol.read_frame(text_of(await receive()))
    except TimeoutError as error:
        raise Goodbye(Unauthenticated("No `auth` came in time."), CloseCode.NO_AUTH_IN_TIME) from error
    except RefusedFrame as refused:
        raise Goodbye(refused.error, CloseCode.UNAUTHENTICATED) from refused
    except FrameTooLarge as error:
        raise Goodbye(TooLarge(), CloseCode.TOO_LARGE) from error
    if not isinstance(frame, Auth):
        raise Unauthenticated("The first frame has to be `auth`.")
    return frame


async def _prove(live: Live, claimed: Identity) -> tuple[Arrival, int]:
    since = live.hub.begin_loading()
    try:
        arrival = await live.arrivals.submit(claimed)
        if not arrival.identity.staff and live.hub.size >= settings.SOCKETS_PER_PROCESS:
            raise Goodbye(Unavailable("This server is full."), CloseCode.TRY_LATER)
    except BaseException:
        live.hub.end_loading()
        raise
    return arrival, since


def _code_for(error: ChatError) -> CloseCode:
    if isinstance(error, Forbidden):
        return CloseCode.FORBIDDEN
    return CloseCode.TRY_LATER if isinstance(error, Unavailable) else CloseCode.UNAUTHENTICATED
