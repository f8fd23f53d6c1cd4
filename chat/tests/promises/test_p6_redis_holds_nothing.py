"""P6: whatever happens to Redis, sends are acknowledged meanwhile and everything arrives once it is back."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import redis

from chat.tests.promises.conftest import Farm
from chat.tests.promises.people import group, in_database, people, seqs
from testing.client import SocketClient, SocketClosed
from testing.server import ServerProcess
from testing.services import Service

pytestmark = [pytest.mark.xdist_group("p6"), pytest.mark.timeout(180)]

LIVE_AGAIN = 10.0  # seconds after its return
DELIVERED = 30.0
LIVE = 1.0  # an event this soon was brought by Redis: the clock of repairs runs every 25.5 to 30 s
PAUSE = 5.0


@pytest.fixture(scope="module")
def servers(farm: Farm, own_valkey: Service) -> list[ServerProcess]:
    return farm.start(*[{"REDIS_URL": own_valkey.url, "REPAIR_SECONDS": "30"}] * 2)


class Talk:
    """Somebody on one server who talks without a pause to somebody on the other."""

    def __init__(self, writer: SocketClient, reader: SocketClient, conversation: str) -> None:
        self.writer, self.reader, self.conversation = writer, reader, conversation
        self.head = 0
        self.waits: list[float] = []
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._talk())

    async def _talk(self) -> None:
        while not self._stop.is_set():
            await self.say()
            await asyncio.sleep(0.01)  # the pace of the load, not a wait for anything

    async def say(self) -> int:
        began = time.monotonic()
        ack = await self.writer.send_message(self.conversation, "and so on")
        self.waits.append(time.monotonic() - began)
        assert ack["type"] == "ack", ack
        self.head = ack["message"]["seq"]
        return self.head

    async def stop(self) -> None:
        self._stop.set()
        await self._task

    async def until_live(self) -> float:
        """Say something until it is brought at once; the seconds this took."""
        began = time.monotonic()
        while time.monotonic() - began < LIVE_AGAIN:
            seq = await self.say()
            try:
                await self.reader.wait_for(lambda frame, seq=seq: frame.get("seq") == seq, timeout=LIVE)
            except SocketClosed:
                raise
            except AssertionError:
                continue
            return time.monotonic() - began
        raise AssertionError(f"not live again within {LIVE_AGAIN:g} s")


@asynccontextmanager
async def talking(servers: list[ServerProcess]) -> AsyncIterator[Talk]:
    alice, bob = await in_database(people, 2)
    conversation = await in_database(group, alice, bob)
    async with await alice.connect(servers[0]) as writer, await bob.connect(servers[1]) as reader:
        talk = Talk(writer, reader, conversation)
        await reader.wait_for_seq(conversation, 5)
        yield talk
        await talk.stop()


async def for_a_while(talk: Talk, seconds: float) -> None:
    """The fault lasts so long, and sends go on meanwhile."""
    before = len(talk.waits)
    await asyncio.sleep(seconds)
    assert len(talk.waits) > before, "nothing was acknowledged during the fault"


def p99(waits: list[float]) -> float:
    return sorted(waits)[int(len(waits) * 0.99)]


async def check(talk: Talk, record: Callable[[str, object], None]) -> None:
    """Live again, nothing missing, nobody closed, nobody kept waiting."""
    await talk.stop()
    back = time.monotonic()
    live_after = await talk.until_live()
    await talk.reader.wait_for_seq(talk.conversation, talk.head, timeout=DELIVERED)
    took = time.monotonic() - back

    record("ack_p99_ms", round(p99(talk.waits) * 1000, 1))
    record("live_after_s", round(live_after, 2))
    assert seqs(talk.reader, talk.conversation) == list(range(1, talk.head + 1))
    assert took < DELIVERED
    assert p99(talk.waits) < 1
    for socket in (talk.reader, talk.writer):
        socket.check()
        assert (await socket.request({"type": "ping"}))["type"] == "pong"  # never closed


async def test_an_emptied_redis_goes_unnoticed(servers, own_valkey, record_property):
    async with talking(servers) as talk:
        with redis.Redis.from_url(own_valkey.url) as client:
            client.flushall()

        await check(talk, record_property)


@pytest.mark.parametrize("kind", ["normal", "pubsub"])
async def test_cut_connections_to_redis_are_made_again(servers, own_valkey, record_property, kind):
    async with talking(servers) as talk:
        with redis.Redis.from_url(own_valkey.url) as client:
            client.execute_command("CLIENT", "KILL", "TYPE", kind)

        await check(talk, record_property)


async def test_a_paused_redis_delays_no_ack(servers, own_valkey, record_property):
    async with talking(servers) as talk:
        own_valkey.pause()
        try:
            await for_a_while(talk, PAUSE)
        finally:
            own_valkey.resume()

        await check(talk, record_property)


async def test_a_killed_redis_may_stay_away_and_come_back_empty(servers, own_valkey, record_property):
    async with talking(servers) as talk:
        own_valkey.kill()
        await for_a_while(talk, 2)
        await asyncio.to_thread(own_valkey.restart)

        await check(talk, record_property)


async def test_what_was_said_while_redis_was_away_arrives_even_if_nothing_is_said_afterwards(servers, own_valkey):
    async with talking(servers) as talk:
        own_valkey.kill()
        await talk.stop()
        for _ in range(5):
            await talk.say()
        await asyncio.to_thread(own_valkey.restart)

        await talk.reader.wait_for_seq(talk.conversation, talk.head, timeout=DELIVERED + 2)

        talk.reader.check()
    for server in servers:
        assert server.exit_code is None
