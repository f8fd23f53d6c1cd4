"""A minute in which little happens: who says nothing stays, who is gone is noticed. One minute serves all checks."""

import asyncio
import time
from urllib.parse import urlsplit

import pytest

from chat.tests.promises.conftest import Farm
from chat.tests.promises.people import Device, group, in_database, people
from testing.client import SocketClient
from testing.server import ServerProcess

pytestmark = [pytest.mark.xdist_group("idle"), pytest.mark.timeout(180), pytest.mark.slow]

IDLE = 61.0  # seconds, longer than any timeout and lease
LIVE = 1.0
GRACE = 20.0  # between the last socket's end and "offline"
LEASE = 60.0  # of a socket whose server died; it was renewed at most 25 s ago
SWEEP = 4.0
MARGIN = 3.0
PING, PING_TIMEOUT = 20.0, 10.0


@pytest.fixture(scope="module")
def servers(farm: Farm) -> list[ServerProcess]:
    return farm.start(*[{"REPAIR_SECONDS": "30"}] * 3)


async def pair() -> tuple[Device, Device, str]:
    one, other = await in_database(people, 2)
    return one, other, await in_database(group, one, other)


async def watching(device: Device, server: ServerProcess) -> SocketClient:
    """The socket of somebody who is known to be here, and so is told of others."""
    watcher = await device.connect(server)
    assert (await watcher.request({"type": "presence.set", "status": "active"}))["type"] == "ack"
    return watcher


async def offline_after(watcher: SocketClient, device: Device) -> float:
    """Wait until somebody is announced as gone; the seconds this took."""
    began = time.monotonic()
    gone = {"type": "presence.update", "user": str(device.user.pk), "status": "offline"}
    await watcher.wait_for(lambda frame: gone.items() <= frame.items(), timeout=LEASE + SWEEP + 2 * MARGIN)
    return time.monotonic() - began


def statuses(watcher: SocketClient, device: Device) -> list[str]:
    return [frame["status"] for frame in watcher.journal if frame.get("user") == str(device.user.pk)]


async def an_idle_socket_stays_and_then_receives(servers: list[ServerProcess]) -> None:
    alice, bob, conversation = await pair()
    async with await bob.connect(servers[0]) as idle:
        await asyncio.sleep(IDLE)
        async with await alice.connect(servers[1]) as other:
            ack = await other.send_message(conversation, "still there?")

            await idle.wait_for(lambda frame: frame.get("message") == ack["message"], timeout=LIVE)

            assert (await idle.request({"type": "ping"}))["type"] == "pong"


async def who_lost_the_connection_is_offline_after_the_grace(servers: list[ServerProcess]) -> None:
    alice, bob, _ = await pair()
    async with await watching(alice, servers[0]) as watcher, await bob.connect(servers[1]) as lost:
        await watcher.wait_for(lambda frame: frame.get("status") == "online")
        lost.cut()

        took = await offline_after(watcher, bob)

        assert GRACE - 1 < took < GRACE + SWEEP + MARGIN


async def who_comes_back_within_the_grace_was_never_away(servers: list[ServerProcess]) -> None:
    alice, bob, _ = await pair()
    async with await watching(alice, servers[0]) as watcher, await bob.connect(servers[1]) as lost:
        await watcher.wait_for(lambda frame: frame.get("status") == "online")
        lost.cut()
        async with await bob.connect(servers[0]):
            await asyncio.sleep(GRACE + SWEEP + MARGIN)

            assert statuses(watcher, bob) == ["online"]


async def who_was_on_a_server_that_died_is_offline_when_the_lease_ends(servers: list[ServerProcess]) -> None:
    alice, bob, _ = await pair()
    async with await watching(alice, servers[0]) as watcher, await bob.connect(servers[2]):
        await watcher.wait_for(lambda frame: frame.get("status") == "online")
        await asyncio.to_thread(servers[2].kill)

        took = await offline_after(watcher, bob)

        assert LEASE - 25 - 1 < took < LEASE + SWEEP + MARGIN


async def typing_is_shown_at_most_every_two_seconds_and_a_stop_at_once(servers: list[ServerProcess]) -> None:
    alice, bob, conversation = await pair()
    async with await watching(alice, servers[0]) as watcher, await bob.connect(servers[1]) as typist:
        limits = (await typist.connected())["limits"]
        assert (limits["typing_every_ms"], limits["typing_expires_ms"]) == (2_000, 7_000)
        began = time.monotonic()
        while time.monotonic() - began < 3:
            await typist.send({"type": "typing.start", "conversation": conversation})
            await typist.request({"type": "ping"})
            await asyncio.sleep(0.1)
        await typist.send({"type": "typing.stop", "conversation": conversation})
        stopped = await watcher.wait_for(lambda frame: frame["type"] == "typing.stop", timeout=LIVE)

        starts = [frame for frame in watcher.journal if frame["type"] == "typing.start"]
        assert len(starts) == 2
        assert starts[0] == {**stopped, "type": "typing.start"}
        assert stopped["user"] == {"id": str(bob.user.pk), "display_name": bob.user.display_name}
        assert not [frame for frame in typist.journal if frame["type"].startswith("typing.")]


async def who_answers_no_ping_is_dropped(servers: list[ServerProcess]) -> None:
    [device] = await in_database(people, 1)
    where = urlsplit(servers[0].ws_url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    lines = ("GET /ws/ HTTP/1.1", f"Host: {where.netloc}", "Upgrade: websocket", "Connection: Upgrade")
    lines += ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13")
    writer.write("\r\n".join((*lines, f"Authorization: Bearer {device.token}", "", "")).encode())
    began = time.monotonic()

    try:
        received = await asyncio.wait_for(reader.read(), PING + PING_TIMEOUT + MARGIN)
    finally:
        writer.transport.abort()

    assert b'"type":"connected"' in received
    assert time.monotonic() - began > PING


async def test_in_a_minute_of_silence_who_is_there_stays_and_who_is_gone_is_noticed(servers):
    await asyncio.gather(
        an_idle_socket_stays_and_then_receives(servers),
        who_lost_the_connection_is_offline_after_the_grace(servers),
        who_comes_back_within_the_grace_was_never_away(servers),
        who_was_on_a_server_that_died_is_offline_when_the_lease_ends(servers),
        typing_is_shown_at_most_every_two_seconds_and_a_stop_at_once(servers),
        who_answers_no_ping_is_dropped(servers),
    )
