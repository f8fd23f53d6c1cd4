"""
The WebSocket edge: reads a frame, has one thing done, answers. It knows no table, no role and no other socket.

It is a Channels consumer that runs its own loop: live events reach it through the hub's outbox, so it needs no channel
of its own, and no database work is done on its way in or out.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, assert_never

from channels.consumer import AsyncConsumer
from django.conf import settings
from django.utils import timezone
from msgspec import structs

from accounts.identity import Identity
from accounts.ids import new_id
from accounts.models import User
from accounts.text import timestamp
from accounts.throttling import TokenBuckets
from chat import database, entrance, handshake, metrics, protocol, sync
from chat.actions import receipts
from chat.actions.messages import Sent
from chat.actions.receipts import Mark
from chat.actions.standings import Draft
from chat.entrance import Disconnected, FrameTooLarge, Goodbye, Receive, Send, error_frame, text_of
from chat.enums import CloseCode
from chat.errors import ChatError, Forbidden, NotFound, RateLimited, TokenExpired, TooLarge
from chat.live import Live, live
from chat.outbox import Outbox
from chat.presence import Change
from chat.protocol import (
    Auth,
    ClientFrame,
    MarkDelivered,
    MarkRead,
    Ping,
    RefusedFrame,
    SendMessage,
    SetPresence,
    StartTyping,
    StopTyping,
    Sync,
)
from chat.ratelimit import charge_message
from chat.serializers import MarksShape

MAX_IN_FLIGHT = 64  # frames of one socket that wait for the database; then it is not read from until one is answered

frame_buckets = TokenBuckets(settings.FRAMES_PER_SECOND, settings.FRAME_BURST)
bad_frame_buckets = TokenBuckets(1, 20)

frames_in = {frame: metrics.frames_in.labels(frame.__struct_config__.tag) for frame in protocol.FRAME_TYPES}

LIMITS = {
    "frame_bytes": protocol.MAX_FRAME_BYTES,
    "body_chars": protocol.MAX_BODY,
    "messages_per_s": settings.MESSAGES_PER_SECOND,
    "burst": settings.MESSAGE_BURST,
    "typing_every_ms": int(settings.TYPING_EVERY.total_seconds() * 1000),
    "typing_expires_ms": int(settings.TYPING_EXPIRES.total_seconds() * 1000),
    "sync_events": protocol.MAX_SYNC_EVENTS,
}


class ChatConsumer(AsyncConsumer):
    socket: Outbox
    live: Live
    throttled = settings.THROTTLE  # read once: each look at Django's settings costs as much as decoding a frame

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.receive = receive
        self.send_raw = send
        self.live = live()
        await receive()  # websocket.connect
        with suppress(OSError, Disconnected):  # the client went away while it was being answered
            try:
                arrival, since = await entrance.enter(self.live, scope, receive, send)
            except Goodbye as goodbye:
                await entrance.refuse(send, goodbye)
            else:
                await self.serve(arrival.identity, arrival.heads, since)

    # -- Being there -----------------------------------------------------------------------------------------------

    async def serve(self, identity: Identity, heads: Mapping[str, int], since: int) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.socket = socket = Outbox(self.send_raw, identity, new_id(), task.cancel)
        self.in_flight = asyncio.Semaphore(MAX_IN_FLIGHT)
        self.typed: dict[str, float] = {}
        self.typing: asyncio.Task[None] | None = None
        self.expiry: asyncio.TimerHandle | None = None
        self.take_identity(identity)
        socket.put(self.connected())
        self.live.hub.add(socket, heads, since)
        self.live.hub.end_loading()
        try:
            self.limit_sockets()
            self.note_presence()
            while True:
                await self.take(await self.receive())
        except asyncio.CancelledError:
            if socket.closing is None:
                raise
            task.uncancel()  # the outbox has written the close: nothing is left to do
        except Disconnected:
            pass
        finally:
            self.leave()

    def take_identity(self, identity: Identity) -> None:
        self.socket.identity = identity
        self.socket.session = str(identity.session_id)
        if self.expiry is not None:
            self.expiry.cancel()
        if identity.expires_at is not None:
            left = (identity.expires_at - timezone.now()).total_seconds()
            self.expiry = asyncio.get_running_loop().call_later(max(0, left), self.expire)

    @property
    def actor(self) -> User:
        """Made when it is wanted: most sockets are silent, and building a model was a twentieth of a connect."""
        identity = self.socket.identity
        return User(id=identity.user_id, display_name=identity.display_name, role=identity.role)

    def expire(self) -> None:
        self.live.hub.remove(self.socket)
        self.fail(None, TokenExpired())
        self.socket.close(CloseCode.UNAUTHENTICATED)

    def limit_sockets(self) -> None:
        """One more than allowed: the one that has been here longest makes room."""
        mine = self.live.hub.sockets.get(self.socket.user, ())  # none when it was revoked on its way in
        if self.throttled and len(mine) > settings.SOCKETS_PER_USER:
            oldest = min(mine, key=lambda socket: socket.connection_id.int)
            self.live.hub.remove(oldest)
            oldest.put(error_frame(None, RateLimited("You have more sockets open than are allowed at once.")))
            oldest.close(CloseCode.TOO_MANY_FRAMES)

    def leave(self) -> None:
        if self.typing is not None:
            self.typing.cancel()
        if self.expiry is not None:
            self.expiry.cancel()
        self.socket.stop()
        self.live.hub.remove(self.socket)
        self.note_presence(ended=True)
        frame_buckets.forget(self.socket.connection_id)
        bad_frame_buckets.forget(self.socket.connection_id)

    def note_presence(
        self, *, ended: bool = False, idle: bool = False, foreground: bool = True
    ) -> "asyncio.Future[None]":
        change = Change(self.socket.connection_id, self.socket.identity.user_id, ended, idle, foreground)
        future = self.live.presence.submit(change)
        future.add_done_callback(asyncio.Future.exception)  # seen; the next renewal or sweep says it again
        return future

    def connected(self) -> str:
        identity = self.socket.identity
        expires = identity.expires_at
        return protocol.to_text(
            {
                "type": "connected",
                "protocol": protocol.PROTOCOL_VERSION,
                "connection": self.socket.connection_id,
                "user": {"id": identity.user_id, "display_name": identity.display_name, "role": identity.role},
                "server_time": timestamp(timezone.now()),
                "token_expires_at": None if expires is None else timestamp(expires),
                "heartbeat_s": int(settings.HEARTBEAT.total_seconds()),
                "limits": LIMITS,
            }
        )

    # -- Frames ----------------------------------------------------------------------------------------------------

    async def take(self, message: Mapping[str, Any]) -> None:
        """One frame: done, or answered with an error. Nothing a client sends gets past here as an exception."""
        try:
            text = text_of(message)
            self.limit(frame_buckets)
            frame = protocol.read_frame(text)
        except RefusedFrame as refused:
            self.refuse_frame(refused)
            return
        except FrameTooLarge:
            self.fail(None, TooLarge())
            self.socket.close(CloseCode.TOO_LARGE)
            return
        if self.socket.closing is not None:
            return
        frames_in[type(frame)].inc()
        try:
            await self.handle(frame)
        except ChatError as error:
            self.fail(frame.id, error)

    def limit(self, buckets: TokenBuckets) -> None:
        if self.throttled and buckets.take(self.socket.connection_id):
            self.fail(None, RateLimited())
            self.socket.close(CloseCode.TOO_MANY_FRAMES)

    def refuse_frame(self, refused: RefusedFrame) -> None:
        self.fail(refused.frame_id, refused.error)
        self.limit(bad_frame_buckets)

    async def handle(self, frame: ClientFrame) -> None:
        match frame:
            case SendMessage():
                return await self.send_message(frame)
            case MarkRead() | MarkDelivered():
                return await self.mark(frame)
            case StartTyping() | StopTyping():
                return self.type_in(frame)
            case Ping():
                return self.answer({"type": "pong", "id": frame.id, "server_time": timestamp(timezone.now())})
            case SetPresence():
                return self.set_presence(frame)
            case Sync():
                return await sync.answer(self.socket, frame)
            case Auth():
                return await self.renew(frame)
        assert_never(frame)

    async def send_message(self, frame: SendMessage) -> None:
        identity = self.socket.identity
        if self.throttled:
            charge_message(self.socket.user)
        draft = Draft(
            identity.user_id, frame.conversation, frame.client_id, frame.body, frame.reply_to, identity.session_id
        )
        await self.in_flight.acquire()
        self.live.writer.put(draft, partial(self.sent, frame.id))

    def sent(self, frame_id: str | None, outcome: Sent | ChatError) -> None:
        self.in_flight.release()
        if isinstance(outcome, ChatError):
            self.fail(frame_id, outcome)
        else:
            self.answer({"type": "ack", "id": frame_id, "message": outcome.json, "duplicate": outcome.duplicate})

    async def mark(self, frame: MarkRead | MarkDelivered) -> None:
        await self.in_flight.acquire()
        mark = Mark(self.actor, frame.conversation, frame.seq, isinstance(frame, MarkRead))
        self.live.marks.put(mark, partial(self.marked, frame.id))

    def marked(self, frame_id: str | None, outcome: MarksShape | ChatError) -> None:
        self.in_flight.release()
        if isinstance(outcome, ChatError):
            self.fail(frame_id, outcome)
        else:
            self.answer({"type": "ack", "id": frame_id, **structs.asdict(outcome)})

    def type_in(self, frame: StartTyping | StopTyping) -> None:
        conversation = str(frame.conversation)
        if not self.live.hub.follows(self.socket.user, conversation):
            raise NotFound
        typing = isinstance(frame, StartTyping)
        now = asyncio.get_running_loop().time()
        if typing and now - self.typed.get(conversation, 0) < settings.TYPING_EVERY.total_seconds():
            return
        if not typing and self.typed.pop(conversation, None) is None:
            return
        if typing:
            self.typed[conversation] = now
        if self.typing is None or self.typing.done():  # one at a time; one that gets lost is no loss
            self.typing = asyncio.create_task(self.show_typing(frame, typing))

    async def show_typing(self, frame: StartTyping | StopTyping, typing: bool) -> None:
        """Beside the reading, which must go on while the database does not answer."""
        try:
            await database.run(receipts.type_in, actor=self.actor, conversation_id=frame.conversation, typing=typing)
        except ChatError as error:
            self.fail(frame.id, error)

    def set_presence(self, frame: SetPresence) -> None:
        future = self.note_presence(idle=frame.status == "idle", foreground=frame.foreground)
        future.add_done_callback(partial(self.presence_noted, frame.id))

    def presence_noted(self, frame_id: str | None, future: "asyncio.Future[None]") -> None:
        error = future.exception()
        if isinstance(error, ChatError):
            self.fail(frame_id, error)
        else:
            self.answer({"type": "ack", "id": frame_id})

    async def renew(self, frame: Auth) -> None:
        claimed = handshake.claimed_by_token(frame.token)
        if claimed.user_id != self.socket.identity.user_id:
            raise Forbidden("A socket keeps its person.")
        arrival = await self.live.arrivals.submit(claimed)
        self.take_identity(arrival.identity)
        assert arrival.identity.expires_at is not None
        self.answer({"type": "ack", "id": frame.id, "token_expires_at": timestamp(arrival.identity.expires_at)})

    # -- Answers ---------------------------------------------------------------------------------------------------

    def answer(self, frame: dict[str, Any]) -> None:
        self.socket.put(protocol.to_text(frame))

    def fail(self, frame_id: str | None, error: ChatError) -> None:
        metrics.refusals.labels(error.code).inc()
        self.socket.put(error_frame(frame_id, error))
