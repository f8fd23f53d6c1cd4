"""P8: who never reads is closed at the limit of its outbox, costs little memory, and holds up nobody beside it."""

import asyncio
import socket as tcp
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chat.tests.promises.conftest import Farm
from chat.tests.promises.people import Device, group, in_database, metric, people, seqs, timed
from testing.client import SocketClient
from testing.server import ServerProcess

pytestmark = [pytest.mark.xdist_group("p8"), pytest.mark.timeout(180)]

SLOW = 5
MOST = 3_000  # messages, 15 MB for each socket: several times what kernels and outboxes hold
AT_ONCE = 50
BODY = "x" * 5_000
TOO_SLOW, CUT = 4290, 1006
GROWTH_KB = 40_000


@pytest.fixture(scope="module")
def server(farm: Farm) -> ServerProcess:
    return farm.start({})[0]


def resident_kb(server: ServerProcess) -> int:
    [line] = [line for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines() if "VmRSS" in line]
    return int(line.split()[1])


async def connect_slow(device: Device, server: ServerProcess) -> SocketClient:
    """Reads nothing once it is connected, and its kernel takes little."""
    where = urlsplit(server.ws_url)
    plug = tcp.socket()
    plug.setsockopt(tcp.SOL_SOCKET, tcp.SO_RCVBUF, 16_384)
    plug.connect((where.hostname, where.port))
    client = await device.connect(server, sock=plug)
    client.stop_reading()
    return client


async def say_many(writer: SocketClient, conversation: str, count: int) -> list[float]:
    """Pipelined, so that the load is the server's; the seconds each ack took."""
    answers = await asyncio.gather(*(timed(writer.send_message(conversation, BODY)) for _ in range(count)))
    assert {answer["type"] for answer, _ in answers} == {"ack"}
    return [took for _, took in answers]


async def test_who_never_reads_is_closed_and_the_others_get_everything_meanwhile(server):
    alice, bob, *slow = await in_database(people, 2 + SLOW)
    conversation = await in_database(group, alice, bob, *slow)
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(await alice.connect(server))
        neighbour = await stack.enter_async_context(await bob.connect(server))
        stuck = [await stack.enter_async_context(await connect_slow(device, server)) for device in slow]
        before, waits = resident_kb(server), []

        while await metric(server, "parley_sockets") > 2 and len(waits) < MOST:
            waits += await say_many(writer, conversation, AT_ONCE)
        grown = resident_kb(server) - before

        closed = await metric(server, "parley_closes_total")
        await neighbour.wait_for_seq(conversation, len(waits))
        assert closed == SLOW
        assert seqs(neighbour, conversation) == list(range(1, len(waits) + 1))
        assert sorted(waits)[int(len(waits) * 0.99)] < 1
        assert grown < GROWTH_KB
        neighbour.check()
        for client in stuck:
            client.go_on_reading()
            assert await client.closed() in (TOO_SLOW, CUT)
