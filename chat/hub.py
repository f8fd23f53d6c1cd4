"""
The sockets of this process and which conversations they follow: passes each conversation's events on to them in the
order of their numbers, without a hole or a repeat.

Everything here runs on the event loop's thread. What must be read from the database is asked of a `Loader`, and
events that arrive meanwhile wait.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Mapping
from typing import Protocol

from accounts.revocation import Reason
from chat import metrics
from chat.enums import CloseCode
from chat.fanout import Item
from chat.outbox import Outbox

logger = logging.getLogger("parley.hub")

MAX_UNCLAIMED = 5_000  # events kept for sockets that are just joining; what is over is repaired
PATIENCE = 0.05  # seconds a hole may take to close by itself: two processes' batches cross all the time
Frame = tuple[int, str]  # a log event's seq and text


class Loader(Protocol):
    """What the hub asks of the database; see chat.loading."""

    def events_after(self, conversation: str, seq: int) -> Awaitable[list[Frame]]:
        """All events behind a position, in order."""

    def added_frame(self, user: str, conversation: str) -> Awaitable[tuple[int, str] | None]:
        """The head and the `conversation.added` frame, or None when the person does not take part (any more)."""


class Room:
    """One conversation that somebody here follows. `last` is None until its head is known."""

    __slots__ = ("fetching", "last", "users", "waiting")

    def __init__(self) -> None:
        self.users: set[str] = set()
        self.last: int | None = None
        self.waiting: dict[int, str] = {}
        self.fetching = False


class Hub:
    def __init__(self, loader: Loader) -> None:
        self.sockets: dict[str, set[Outbox]] = {}  # by user
        self.conversations: dict[str, set[str]] = {}  # by user
        self.rooms: dict[str, Room] = {}
        self.size = 0  # sockets
        self._loader = loader
        self._loading = 0
        self._unclaimed: dict[str, list[Frame]] = defaultdict(list)
        self._unclaimed_count = 0
        self._changes: list[Item] = []  # of membership and identity, while somebody's are being read
        self._tasks: set[asyncio.Task[None]] = set()

    # -- Sockets come and go ---------------------------------------------------------------------------------------

    def begin_loading(self) -> int:
        """
        Somebody's conversations are about to be read: keep what arrives for rooms that nobody here has yet. Returns
        from where on news of membership and identity are newer than what will be read.
        """
        self._loading += 1
        return len(self._changes)

    def end_loading(self) -> None:
        self._loading -= 1
        if not self._loading:
            self._unclaimed.clear()
            self._unclaimed_count = 0
            self._changes.clear()

    def changed_while_loading(self, since: int = 0) -> set[str]:
        """People about whom the fan-out has newer word than what is being read since then."""
        return {user for kind, *names in self._changes[since:] for user in names if isinstance(user, str)}

    def add(self, socket: Outbox, heads: Mapping[str, int], since: int = 0) -> None:
        """A new socket of somebody who takes part in these conversations, read since begin_loading() said so."""
        self.sockets.setdefault(socket.user, set()).add(socket)
        self.size += 1
        metrics.sockets.set(self.size)
        known = self.conversations.setdefault(socket.user, set())
        for conversation, head in heads.items():
            if conversation not in known:
                known.add(conversation)
                self._enter(socket.user, conversation, head)
        # What was read may be older than what the fan-out brought meanwhile.
        self._apply([item for item in self._changes[since:] if socket.user in item])

    def remove(self, socket: Outbox) -> None:
        mine = self.sockets.get(socket.user)
        if mine is None or socket not in mine:
            return
        mine.discard(socket)
        self.size -= 1
        metrics.sockets.set(self.size)
        if not mine:
            del self.sockets[socket.user]
            for conversation in self.conversations.pop(socket.user):
                self._leave(socket.user, conversation)

    def follows(self, user: str, conversation: str) -> bool:
        return conversation in self.conversations.get(user, ())

    def all_sockets(self) -> list[Outbox]:
        return [socket for mine in self.sockets.values() for socket in mine]

    def _enter(self, user: str, conversation: str, head: int) -> None:
        room = self.rooms.get(conversation)
        if room is None:
            room = self.rooms[conversation] = Room()
        room.users.add(user)
        if room.last is None:
            room.last = head
            for seq, text in self._unclaimed.get(conversation, ()):
                self._pass(conversation, room, seq, text)
            self._pass_waiting(conversation, room)

    def _leave(self, user: str, conversation: str) -> None:
        room = self.rooms.get(conversation)
        if room is not None:
            room.users.discard(user)
            if not room.users:
                del self.rooms[conversation]

    # -- What the fan-out brings -----------------------------------------------------------------------------------

    def deliver(self, items: Iterable[Item]) -> None:
        for item in items:
            match item:
                case ["log", conversation, seq, _, text]:
                    self.take_event(conversation, seq, text)
                case ["room", conversation, text, but, droppable]:
                    self._to_room(conversation, text, but, droppable)
                case ["users", users, text, droppable]:
                    self._to_users(users, text, droppable)
                case _:
                    self._apply([item])
                    if self._loading:
                        self._changes.append(item)

    def _apply(self, items: Iterable[Item]) -> None:
        for item in items:
            match item:
                case ["joined", conversation, user]:
                    self.join(user, conversation)
                case ["left", conversation, user]:
                    self.leave(user, conversation)
                case ["revoked", user, sessions, reason]:
                    self.revoke(user, sessions, Reason(reason))
                case _:
                    logger.warning("unknown live item", extra={"kind": str(item[:1])})

    def take_event(self, conversation: str, seq: int, text: str) -> None:
        room = self.rooms.get(conversation)
        if room is not None:
            self._pass(conversation, room, seq, text)
        elif self._loading and self._unclaimed_count < MAX_UNCLAIMED:
            self._unclaimed[conversation].append((seq, text))
            self._unclaimed_count += 1

    def _pass(self, conversation: str, room: Room, seq: int, text: str) -> None:
        """The next number goes out, an earlier one has been out, a later one waits for those before it."""
        if room.last is not None and seq == room.last + 1 and not room.waiting:
            self._send(conversation, room, seq, text)
        elif room.last is None or seq > room.last:
            room.waiting[seq] = text
            self._pass_waiting(conversation, room)

    def _pass_waiting(self, conversation: str, room: Room) -> None:
        if room.last is None:
            return
        while (text := room.waiting.pop(room.last + 1, None)) is not None:
            self._send(conversation, room, room.last + 1, text)
        for seq in [seq for seq in room.waiting if seq <= room.last]:
            del room.waiting[seq]
        if room.waiting:
            self.fetch(conversation)

    def _send(self, conversation: str, room: Room, seq: int, text: str) -> None:
        room.last = seq
        sockets = self.sockets
        for user in room.users:
            for socket in sockets.get(user, ()):
                socket.put_log(conversation, seq, text)

    def _to_room(self, conversation: str, text: str, but: str, droppable: bool) -> None:
        room = self.rooms.get(conversation)
        if room is not None:
            self._to_users((user for user in room.users if user != but), text, droppable)

    def _to_users(self, users: Iterable[str], text: str, droppable: bool) -> None:
        for user in users:
            for socket in self.sockets.get(user, ()):
                if droppable:
                    socket.put_droppable(text)
                else:
                    socket.put(text)

    # -- Membership and identity -----------------------------------------------------------------------------------

    def join(self, user: str, conversation: str) -> None:
        """Somebody was added: show them the conversation, then its events from there on."""
        if user in self.sockets and not self.follows(user, conversation):
            self._spawn(self._join(user, conversation))

    async def _join(self, user: str, conversation: str) -> None:
        known = self.conversations.get(user)
        if known is None:
            return
        known.add(conversation)
        room = self.rooms.setdefault(conversation, Room())
        room.users.add(user)
        held = [(socket, socket.hold(conversation)) for socket in self.sockets.get(user, ())]
        try:
            added = await self._loader.added_frame(user, conversation)
        except Exception:
            self.leave(user, conversation, tell=False)  # the next repair joins again
            raise
        if added is None:
            self.leave(user, conversation, tell=False)
        if added is None or user not in room.users or self.rooms.get(conversation) is not room:
            return  # or removed again while we asked
        head, text = added
        if room.last is None:
            room.last = head
        for socket, stream in held:
            socket.put(text)
            socket.release(conversation, stream, floor=head)
        self._pass_waiting(conversation, room)

    def leave(self, user: str, conversation: str, *, tell: bool = True) -> None:
        """Somebody was removed: nothing of the conversation reaches them from here on."""
        if not self.follows(user, conversation):
            return
        self.conversations[user].discard(conversation)
        self._leave(user, conversation)
        for socket in self.sockets.get(user, ()):
            socket.streams.pop(conversation, None)
            if tell:
                socket.put(f'{{"type":"conversation.removed","conversation":"{conversation}"}}')

    def revoke(self, user: str, sessions: list[str] | None, reason: Reason) -> None:
        code = CloseCode.FORBIDDEN if reason is Reason.ACCOUNT else CloseCode.LOGGED_OUT
        for socket in list(self.sockets.get(user, ())):
            if sessions is None or socket.session in sessions:
                self.remove(socket)  # before the close is written: not one event more
                socket.close(code)

    # -- Holes -----------------------------------------------------------------------------------------------------

    def fetch(self, conversation: str) -> None:
        """Get what is missing behind the last event passed on, once at a time."""
        room = self.rooms.get(conversation)
        if room is not None and room.last is not None and not room.fetching:
            room.fetching = True
            self._spawn(self._fetch(conversation, room, room.last))

    async def _fetch(self, conversation: str, room: Room, after: int) -> None:
        try:
            await asyncio.sleep(PATIENCE)
            if room.last is not None and room.last > after and not room.waiting:
                return
            missing = await self._loader.events_after(conversation, room.last or after)
        finally:
            room.fetching = False
        metrics.repairs.inc(len(missing))
        for seq, text in missing:
            if room.last is not None and seq > room.last:
                room.waiting[seq] = text
        if self.rooms.get(conversation) is room and missing:
            self._pass_waiting(conversation, room)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.warning("live repair failed", extra={"reason": type(task.exception()).__name__})
