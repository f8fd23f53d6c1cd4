"""P9: when a server goes, in order or not, its sockets go on elsewhere with every acknowledged message, once."""

import asyncio
import time
from typing import Any
from uuid import uuid4

import pytest

from chat.tests.promises.conftest import Farm
from chat.tests.promises.people import Device, group, in_database, people, stored, until
from testing.client import SocketClient, SocketClosed
from testing.server import ServerProcess

pytestmark = pytest.mark.xdist_group("p9")

TRAVELLERS = 20
SAID_FIRST = 5  # by everybody, before the server goes
SAID_AFTERWARDS = 3
RESTART = 1012
DRAINS_WITHIN = 6.0  # seconds; the setting says two


@pytest.fixture(scope="module")
def staying(farm: Farm) -> ServerProcess:
    return farm.start({})[0]


class Traveller:
    """Talks on one server until it goes, then on another: repeats what was not acknowledged and asks what it missed."""

    def __init__(self, device: Device, conversation: str) -> None:
        self.device, self.conversation = device, conversation
        self.acked: dict[str, int] = {}  # by client_id
        self.events: list[dict[str, Any]] = []
        self.unsure = ""  # the client_id that no answer came to
        self.code: int | None = None
        self.was_told = False

    async def talk_until_the_end(self, server: ServerProcess) -> None:
        async with await self.device.connect(server) as socket:
            await socket.catch_up({self.conversation: 0})
            try:
                while True:
                    await self.say(socket, str(uuid4()))
            except SocketClosed:
                self.code = await socket.closed()
            self.was_told = any(frame["type"] == "server.draining" for frame in socket.journal)
            self.position = socket.positions()[self.conversation]
            self.events = [event for event in socket.events(self.conversation) if event["seq"] <= self.position]
            socket.check()

    async def say(self, socket: SocketClient, client_id: str) -> None:
        self.unsure = client_id
        ack = await socket.send_message(self.conversation, f"said {client_id}", client_id)
        assert ack["type"] == "ack", ack
        self.acked[client_id] = ack["message"]["seq"]

    async def go_on(self, server: ServerProcess) -> SocketClient:
        socket = await self.device.connect(server)
        await socket.catch_up({self.conversation: self.position})
        await self.say(socket, self.unsure)
        for _ in range(SAID_AFTERWARDS):
            await self.say(socket, str(uuid4()))
        return socket

    async def arrive(self, socket: SocketClient, head: int) -> None:
        await socket.wait_for_seq(self.conversation, head)
        self.events += socket.events(self.conversation)
        socket.check()
        await socket.close()


async def embark(server: ServerProcess) -> tuple[list[Traveller], "asyncio.Future[list[None]]"]:
    """Twenty people in one conversation who have begun to talk on it."""
    devices = await in_database(people, TRAVELLERS)
    conversation = await in_database(group, *devices)
    travellers = [Traveller(device, conversation) for device in devices]
    talking = asyncio.gather(*(traveller.talk_until_the_end(server) for traveller in travellers))
    await until(lambda: all(len(traveller.acked) >= SAID_FIRST for traveller in travellers), what="everybody talking")
    return travellers, talking


async def check_arrival(travellers: list[Traveller], staying: ServerProcess) -> None:
    """On the other server, each has the whole conversation: what was acknowledged at the number it was, and once."""
    conversation = travellers[0].conversation
    half = len(travellers) // 2  # the others come later and have missed what these say
    sockets = await asyncio.gather(*(traveller.go_on(staying) for traveller in travellers[:half]))
    sockets += await asyncio.gather(*(traveller.go_on(staying) for traveller in travellers[half:]))
    head, events, messages = await in_database(stored, conversation)
    await asyncio.gather(*(one.arrive(socket, head) for one, socket in zip(travellers, sockets, strict=True)))

    assert events == messages == list(range(1, head + 1))
    assert head == sum(len(traveller.acked) for traveller in travellers)
    view = {event["message"]["client_id"]: event["seq"] for event in travellers[0].events}
    for traveller in travellers:
        assert [event["seq"] for event in traveller.events] == list(range(1, head + 1))
        assert {client_id: view.get(client_id) for client_id in traveller.acked} == traveller.acked


async def test_on_sigterm_every_socket_is_told_closed_with_1012_and_goes_on_elsewhere(farm, staying):
    [leaving] = await asyncio.to_thread(farm.start, {})
    travellers, talking = await embark(leaving)

    began = time.monotonic()
    await asyncio.to_thread(leaving.terminate)
    took = time.monotonic() - began
    await talking

    assert took < DRAINS_WITHIN
    assert {traveller.code for traveller in travellers} == {RESTART}
    assert all(traveller.was_told for traveller in travellers)
    await check_arrival(travellers, staying)


async def test_a_server_killed_under_load_loses_nothing_that_was_acknowledged(farm, staying):
    [leaving] = await asyncio.to_thread(farm.start, {})
    travellers, talking = await embark(leaving)

    await asyncio.to_thread(leaving.kill)
    await talking

    await check_arrival(travellers, staying)
