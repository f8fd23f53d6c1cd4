"""P3: each conversation is numbered without a gap, and everybody sees the same order, whoever writes from wherever."""

import asyncio
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from chat.tests.promises.conftest import Farm
from chat.tests.promises.people import Device, group, in_database, people, stored
from testing.client import SocketClient
from testing.server import ServerProcess

pytestmark = pytest.mark.xdist_group("p3")

SENDERS = 50
EACH = 4
PIPELINED = 300


@pytest.fixture(scope="module")
def servers(farm: Farm) -> list[ServerProcess]:
    return farm.start({}, {}, {}, {})


async def connect_all(stack: AsyncExitStack, devices: list[Device], servers: list[ServerProcess]) -> list[SocketClient]:
    """Their sockets, spread over the servers."""
    homes = [servers[place % len(servers)] for place in range(len(devices))]
    sockets = await asyncio.gather(*(device.connect(home) for device, home in zip(devices, homes, strict=True)))
    return [await stack.enter_async_context(socket) for socket in sockets]


async def say_each(socket: SocketClient, conversation: str, count: int) -> list[int]:
    """The numbers its messages got, sent one after the other."""
    acks = [await socket.send_message(conversation, f"message {number}") for number in range(count)]
    return [ack["message"]["seq"] for ack in acks]


async def test_fifty_senders_over_four_processes_are_numbered_densely_and_seen_in_one_order(servers):
    devices = await in_database(people, SENDERS)
    conversation = await in_database(group, *devices)
    async with AsyncExitStack() as stack:
        sockets = await connect_all(stack, devices, servers)

        numbers = await asyncio.gather(*(say_each(socket, conversation, EACH) for socket in sockets))

        head = SENDERS * EACH
        views = [await socket.wait_for_seq(conversation, head, timeout=30) for socket in sockets]
        assert sorted(number for mine in numbers for number in mine) == list(range(1, head + 1))
        assert all(mine == sorted(mine) for mine in numbers)
        assert [event["seq"] for event in views[0]] == list(range(1, head + 1))
        assert [place for place, view in enumerate(views) if view != views[0]] == []
        for socket in sockets:
            socket.check()
    everything = list(range(1, head + 1))
    assert await in_database(stored, conversation) == (head, everything, everything)


async def hammer(socket: SocketClient, conversation: str, stop: asyncio.Event) -> int:
    """Write without a pause until told to stop; how much was said."""
    said = 0
    while not stop.is_set():
        assert (await socket.send_message(conversation, "noise"))["type"] == "ack"
        said += 1
    return said


async def test_pipelined_sends_of_one_socket_keep_their_order_while_another_process_writes_too(servers):
    alice, *others = await in_database(people, 7)
    conversation = await in_database(group, alice, *others)
    stop = asyncio.Event()
    client_ids = [str(uuid4()) for _ in range(PIPELINED)]
    async with AsyncExitStack() as stack:
        noisy = await connect_all(stack, others, servers[1:])
        socket = await stack.enter_async_context(await alice.connect(servers[0]))
        noise = [asyncio.create_task(hammer(other, conversation, stop)) for other in noisy]
        await noisy[0].wait_for_seq(conversation, 10)

        frame = {"type": "message.send", "conversation": conversation}
        for client_id in client_ids:
            await socket.send({**frame, "id": client_id, "client_id": client_id, "body": f"say {client_id}"})
            await asyncio.sleep(0)  # each by itself, so that many commits of both processes cross
        for client_id in client_ids:
            await socket.wait_for(lambda answer, wanted=client_id: answer.get("id") == wanted, timeout=30)
        stop.set()
        head = PIPELINED + sum(await asyncio.gather(*noise))

        seen = await noisy[-1].wait_for_seq(conversation, head, timeout=30)
        mine = [event["message"]["client_id"] for event in seen if event["message"]["client_id"] in set(client_ids)]
        assert [event["seq"] for event in seen] == list(range(1, head + 1))
        assert mine == client_ids
        noisy[-1].check()
