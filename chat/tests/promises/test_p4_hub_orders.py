"""P4, for any order of things: commits, publishes (swapped, lost, repeated), arrivals, syncs, joins and departures."""

import asyncio
import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.fanout import Item
from chat.hub import Hub
from chat.outbox import Stream
from chat.tests.promises.hubs import ROOM, Reader, Truth, event, written

pytestmark = pytest.mark.xdist_group("p4")

SETTLES_WITHIN = 5.0  # seconds
MOVES = (
    *("commit", "commit", "publish", "publish", "publish", "drop", "again", "begin", "arrive", "sync", "answer"),
    *("enter", "joined", "left", "depart", "shut", "open", "turn"),
)


class World:
    """A hub, and a database and a fan-out that do what the moves say."""

    def __init__(self) -> None:
        self.truth = Truth()
        self.hub = Hub(self.truth)
        self.unpublished: list[Item] = []
        self.published: list[Item] = []
        self.arriving: list[int] = []  # heads that were read for sockets still to be added
        self.readers: list[Reader] = []
        self.begins: dict[Reader, int] = {}  # what a member's stream has to begin with
        self.syncing: list[tuple[Reader, Stream]] = []
        self.outsiders: list[Reader] = []

    def commit(self, n: int) -> None:
        self.unpublished += self.truth.commit()

    def publish(self, n: int) -> None:
        if self.unpublished:
            item = self.unpublished.pop(n % len(self.unpublished))
            self.published.append(item)
            self.hub.deliver([item])

    def drop(self, n: int) -> None:
        if self.unpublished:
            self.unpublished.pop(n % len(self.unpublished))

    def again(self, n: int) -> None:
        if self.published:
            self.hub.deliver([self.published[n % len(self.published)]])

    def begin(self, n: int) -> None:
        self.hub.begin_loading()
        self.arriving.append(self.truth.heads[ROOM])

    def arrive(self, n: int) -> None:
        if not self.arriving:
            return
        head = self.arriving.pop(n % len(self.arriving))
        reader = Reader()
        room = self.hub.rooms.get(ROOM)
        self.begins[reader] = (head if room is None or room.last is None else room.last) + 1
        self.hub.add(reader.outbox, {ROOM: head})
        self.hub.end_loading()
        self.readers.append(reader)

    def sync(self, n: int) -> None:
        if self.readers:
            reader = self.readers[n % len(self.readers)]
            reader.outbox.put(json.dumps({"type": "sync.taken"}))
            self.syncing.append((reader, reader.outbox.hold(ROOM)))

    def answer(self, n: int) -> None:
        """Everything up to the head is told; the position does not matter here."""
        if self.syncing:
            reader, stream = self.syncing.pop(n % len(self.syncing))
            head = self.truth.heads[ROOM]
            reader.outbox.put(json.dumps({"type": "sync.events", "head": head}))
            reader.outbox.release(ROOM, stream, floor=head)

    def enter(self, n: int) -> None:
        """Somebody connects who does not take part yet."""
        reader = Reader()
        self.hub.begin_loading()
        self.hub.add(reader.outbox, {})
        self.hub.end_loading()
        self.outsiders.append(reader)

    def joined(self, n: int) -> None:
        if self.outsiders:
            reader = self.outsiders[n % len(self.outsiders)]
            self.truth.members.add(reader.user)
            self.hub.deliver([["joined", ROOM, reader.user]])

    def left(self, n: int) -> None:
        if self.outsiders:
            reader = self.outsiders[n % len(self.outsiders)]
            self.truth.members.discard(reader.user)
            self.hub.deliver([["left", ROOM, reader.user]])

    def depart(self, n: int) -> None:
        if self.readers:
            reader = self.readers.pop(n % len(self.readers))
            self.hub.remove(reader.outbox)

    def shut(self, n: int) -> None:
        self.truth.gate.clear()

    def open(self, n: int) -> None:
        self.truth.gate.set()

    async def settle(self) -> None:
        """The database answers, every sync is answered, and the clock of repairs runs until nothing is missing."""
        self.truth.gate.set()
        while self.syncing:
            self.answer(0)
        while self.arriving:
            self.arrive(0)
        deadline = time.monotonic() + SETTLES_WITHIN
        while self.hub._tasks or not self._is_level():
            assert time.monotonic() < deadline, "the hub did not settle"
            for reader in self.outsiders:
                if reader.user in self.truth.members:
                    self.hub.join(reader.user, ROOM)
            self.hub.fetch(ROOM)
            await asyncio.sleep(0.002)
        await written()

    def _is_level(self) -> bool:
        members = [reader for reader in self.outsiders if reader.user in self.truth.members]
        room = self.hub.rooms.get(ROOM)
        return all(self.hub.follows(reader.user, ROOM) for reader in members) and (
            room is None or room.last == self.truth.heads[ROOM]
        )


def check_frames(frames: list[dict[str, Any]], expected: int | None) -> int | None:
    """Each event is the one expected, and none comes while a sync is under way; returns what would be next."""
    syncing = 0
    for frame in frames:
        match frame["type"]:
            case "message.new":
                assert (frame["seq"], syncing) == (expected, 0)
                expected += 1
            case "sync.taken":
                syncing += 1
            case "sync.events":
                expected, syncing = frame["head"] + 1, syncing - 1
            case "conversation.added":
                expected = frame["head"] + 1
            case "conversation.removed":
                expected = None
    return expected


async def live(moves: list[tuple[str, int]]) -> None:
    world = World()
    for move, n in moves:
        if move == "turn":
            await written()
        else:
            getattr(world, move)(n)
    await world.settle()
    following = world.truth.heads[ROOM] + 1

    for reader, begin in world.begins.items():
        following_one = check_frames(reader.frames, begin)
        assert reader not in world.readers or following_one == following
    for reader in world.outsiders:
        is_member = reader.user in world.truth.members
        assert check_frames(reader.frames, None) == (following if is_member else None)
    for reader in [*world.begins, *world.outsiders]:
        reader.outbox.stop()


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, 7)), max_size=50))
def test_every_socket_sees_a_dense_ascending_stream_whatever_happens_in_whatever_order(moves):
    asyncio.run(live(moves))


async def test_the_check_itself_notices_a_hole_and_a_repeat():
    for wrong in ([1, 3], [1, 1], [2]):
        frames = [json.loads(event(seq)[4]) for seq in wrong]
        with pytest.raises(AssertionError):
            check_frames(frames, 1)
