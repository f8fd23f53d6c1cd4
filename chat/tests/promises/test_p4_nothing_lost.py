"""P4: each socket's stream is dense and ascending, whatever becomes of what the processes tell each other."""

import asyncio
import os
import random
from dataclasses import dataclass
from uuid import UUID

import pytest
from django.db import transaction

from chat import eventlog
from chat.actions import people as places
from chat.models import Conversation
from chat.tests.promises.conftest import Farm
from chat.tests.promises.people import Device, group, in_database, people, seqs
from chat.tests.promises.relay import Relay, new_prefix
from testing.client import SocketClient
from testing.server import ServerProcess

pytestmark = pytest.mark.xdist_group("p4")

BY_FETCH = 5.0  # seconds, far below the servers' clock of repairs


@dataclass(frozen=True)
class Site:
    writing: ServerProcess
    listening: ServerProcess  # hears only what a relay tells it
    deaf: ServerProcess  # hears nothing, and looks for itself every second
    heard: str
    said: str


@pytest.fixture(scope="module")
def site(farm: Farm) -> Site:
    heard, said, nothing = new_prefix(), new_prefix(), new_prefix()
    servers = farm.start(
        {"REDIS_PREFIX": heard, "REPAIR_SECONDS": "30"},
        {"REDIS_PREFIX": said, "REPAIR_SECONDS": "30"},
        {"REDIS_PREFIX": nothing, "REPAIR_SECONDS": "1"},
    )
    return Site(*servers, heard, said)


def relay(site: Site) -> Relay:
    return Relay(os.environ["REDIS_URL"], site.heard, site.said)


async def write(socket: SocketClient, conversation: str, count: int) -> None:
    await asyncio.gather(*(socket.send_message(conversation, f"message {number}") for number in range(count)))


async def pair(site: Site, reading: ServerProcess) -> tuple[SocketClient, SocketClient, str]:
    """A writer's and a reader's socket, and their conversation."""
    alice, bob = await in_database(people, 2)
    conversation = await in_database(group, alice, bob)
    return await alice.connect(site.writing), await bob.connect(reading), conversation


@pytest.mark.parametrize("seed", range(3))
async def test_publishes_in_any_order_and_repeated_are_passed_on_in_order_and_once(site, seed):
    async with relay(site) as between:
        writer, reader, conversation = await pair(site, site.listening)
        async with writer, reader:
            await write(writer, conversation, 40)
            published = await between.take(40)
            shuffled = published + published[:10]
            random.Random(seed).shuffle(shuffled)

            await between.say(shuffled)

            await reader.wait_for_seq(conversation, 40, timeout=BY_FETCH)
            assert (await reader.request({"type": "ping"}))["type"] == "pong"
            assert seqs(reader, conversation) == list(range(1, 41))
            reader.check()


async def test_dropped_publishes_are_fetched_as_soon_as_a_later_one_arrives(site):
    async with relay(site) as between:
        writer, reader, conversation = await pair(site, site.listening)
        async with writer, reader:
            await write(writer, conversation, 20)
            published = await between.take(20)

            await between.say([published[0], published[19]])

            await reader.wait_for_seq(conversation, 20, timeout=BY_FETCH)
            assert seqs(reader, conversation) == list(range(1, 21))
            reader.check()


async def test_a_process_that_hears_nothing_gets_everything_from_the_database(site):
    writer, reader, conversation = await pair(site, site.deaf)
    async with writer, reader:
        for head in (10, 20):
            await write(writer, conversation, 10)

            await reader.wait_for_seq(conversation, head)

        assert seqs(reader, conversation) == list(range(1, 21))
        reader.check()


async def test_a_repair_of_a_thousand_events_closes_nobody_who_reads(site):
    async with relay(site) as between:
        writer, reader, conversation = await pair(site, site.listening)
        async with writer, reader:
            await write(writer, conversation, 1_000)
            published = await between.take(1_000)

            await between.say(published[-1:])

            await reader.wait_for_seq(conversation, 1_000)
            assert (await reader.request({"type": "ping"}))["type"] == "pong"
            reader.check()


def move(step: str, conversation: str, device: Device) -> None:
    with transaction.atomic():
        [locked] = eventlog.lock([UUID(conversation)]).values()
        if step == "in":
            places.enter(Conversation.objects.get(pk=locked.pk), device.user)
        else:
            places.leave(locked, device.user.pk)


async def test_a_process_that_hears_nothing_learns_who_came_and_who_had_to_go(site):
    alice, bob = await in_database(people, 2)
    conversation = await in_database(group, alice)
    async with await alice.connect(site.writing) as writer, await bob.connect(site.deaf) as reader:
        await write(writer, conversation, 3)

        await in_database(move, "in", conversation, bob)
        added = await reader.wait_for(lambda frame: frame["type"] == "conversation.added")
        await write(writer, conversation, 3)
        await reader.wait_for_seq(conversation, 6)
        await in_database(move, "out", conversation, bob)
        removed = await reader.wait_for(lambda frame: frame["type"] == "conversation.removed")

        came = [frame["seq"] for frame in reader.journal if frame["type"] == "message.new"]
        assert (added["conversation"]["id"], added["conversation"]["head"]) == (conversation, 3)
        assert removed["conversation"] == conversation
        assert came == [4, 5, 6]
        reader.check()


async def test_sockets_that_open_while_messages_are_committed_miss_none_of_them(site):
    alice, *others = await in_database(people, 30)
    conversation = await in_database(group, alice, *others)
    acked = 0
    done = asyncio.Event()

    async def keep_writing(writer: SocketClient) -> None:
        nonlocal acked
        while not done.is_set():
            acked = (await writer.send_message(conversation, "on and on"))["message"]["seq"]

    async with await alice.connect(site.writing) as writer:
        writing = asyncio.create_task(keep_writing(writer))
        sockets, latest_begin = [], []
        for other in others:
            sockets.append(await other.connect(site.writing))
            latest_begin.append(acked + 2)  # the head it was told cannot lie behind what one writer may have under way
        done.set()
        await writing

        for socket, latest in zip(sockets, latest_begin, strict=True):
            if acked >= latest:
                await socket.wait_for(lambda frame: frame.get("seq") == acked)
                assert seqs(socket, conversation)[0] <= latest
            await socket.catch_up({conversation: 0})
            assert seqs(socket, conversation) == list(range(1, acked + 1))
            socket.check()
            await socket.close()
