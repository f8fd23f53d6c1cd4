"""The quick lane when things go wrong: nobody waits for ever, nobody is overtaken, nothing is forgotten."""

import asyncio
import time
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
import uvloop
from channels.db import database_sync_to_async
from django.db import connection

from accounts.tests.factories import DeviceSessionFactory
from chat import quick
from chat.actions.messages import Busy, Sent
from chat.actions.standings import Draft
from chat.errors import ChatError
from chat.models import Event
from chat.quick import QuickLane
from chat.tests.factories import group
from chat.tests.unit.between import Between, Fault
from chat.tests.unit.test_writer import held
from chat.writer import Writer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="the lane speaks PostgreSQL's own protocol"),
]


@pytest.fixture
def session_id(alice) -> UUID:
    return DeviceSessionFactory.create(user=alice).pk


@pytest.fixture
def room(alice, bob):
    return group(alice, bob)


@pytest.fixture
def between(monkeypatch) -> Iterator[Between]:
    parameters = connection.get_connection_params()
    relay = Between(parameters.get("host") or "127.0.0.1", int(parameters.get("port") or 5432))
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connection.settings_dict, "PORT", str(relay.port))
    yield relay
    relay.close()


async def ready(*lanes: QuickLane) -> None:
    async with asyncio.timeout(10):
        while not all(lane.ready for lane in lanes):
            await asyncio.sleep(0.01)


async def until(count: int, outcomes: list[Sent | ChatError], within: float = 10) -> None:
    async with asyncio.timeout(within):
        while len(outcomes) < count:
            await asyncio.sleep(0.01)


@database_sync_to_async
def bodies(conversation_id: UUID) -> list[int]:
    return [int(event.message.body) for event in Event.objects.after(conversation_id, 0)]


async def test_more_than_a_batch_behind_a_held_row_is_neither_forgotten_nor_overtaken(alice, session_id, room):
    writer = Writer()
    await ready(*writer._quick)
    outcomes: list[Sent | ChatError] = []
    numbers = iter(range(1_000))

    def put() -> None:
        body = str(next(numbers))
        writer.put(Draft(alice.pk, room.pk, uuid4(), body, session_id=session_id), outcomes.append)

    with held(room):
        for _ in range(450):
            put()
        await asyncio.sleep(0.1)  # the first batch has come back by now
    for _ in range(10):
        put()
        await asyncio.sleep(0.01)
    await until(460, outcomes)
    await writer.stop()

    assert await bodies(room.pk) == list(range(460))


async def test_a_lost_connection_leaves_all_that_was_queued_and_stopping_waits_for_nobody(alice, session_id, room):
    lane = QuickLane(lambda draft: False, lambda trade: None)
    await ready(lane)
    outcomes: list[Sent | ChatError] = []
    for number in range(500):
        lane.put(Draft(alice.pk, room.pk, uuid4(), str(number), session_id=session_id), outcomes.append)
    lane._lose("cut")

    began = time.monotonic()
    await lane.stop()

    assert [type(outcome) for outcome in outcomes] == [Busy] * 500
    assert time.monotonic() - began < 5


def test_a_backend_that_dies_with_its_last_words_is_replaced(alice, session_id, room, between):
    """On uvloop, which tells of it once. The loop is busy when it happens, so that both come in one poll."""
    outcomes: list[Sent | ChatError] = []

    async def main() -> None:
        lane = QuickLane(lambda draft: False, lambda trade: None)

        def put() -> None:
            lane.put(Draft(alice.pk, room.pk, uuid4(), "1", session_id=session_id), outcomes.append)

        await ready(lane)
        put()
        await until(1, outcomes)
        between.fault = Fault.LAST_WORDS
        put()
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # it is on its way
        time.sleep(0.3)
        between.fault = None
        await until(2, outcomes, within=5)
        await ready(lane)
        put()
        await until(3, outcomes)
        await lane.stop()

    uvloop.run(main())

    assert [type(outcome) for outcome in outcomes] == [Sent, Busy, Sent]
    assert between.lanes == 2


async def test_a_connection_that_is_alive_and_silent_is_given_up(alice, session_id, room, between, monkeypatch):
    monkeypatch.setattr(quick, "ANSWER_LIMIT", 0.5)
    lane = QuickLane(lambda draft: False, lambda trade: None)
    await ready(lane)
    outcomes: list[Sent | ChatError] = []

    between.fault = Fault.SILENCE
    lane.put(Draft(alice.pk, room.pk, uuid4(), "1", session_id=session_id), outcomes.append)
    await until(1, outcomes, within=5)
    between.fault = None
    await ready(lane)
    lane.put(Draft(alice.pk, room.pk, uuid4(), "2", session_id=session_id), outcomes.append)
    await until(2, outcomes)
    await lane.stop()

    assert [type(outcome) for outcome in outcomes] == [Busy, Sent]
    assert await bodies(room.pk) == [2]


async def test_a_draft_that_cannot_be_sent_leaves_its_batch_and_not_the_lane(alice, session_id, room):
    lane = QuickLane(lambda draft: False, lambda trade: None)
    await ready(lane)
    outcomes: list[Sent | ChatError] = []

    lane.put(Draft(alice.pk, room.pk, uuid4(), "\ud800", session_id=session_id), outcomes.append)  # no UTF-8
    await until(1, outcomes)
    lane.put(Draft(alice.pk, room.pk, uuid4(), "2", session_id=session_id), outcomes.append)
    await until(2, outcomes)
    await lane.stop()

    assert [type(outcome) for outcome in outcomes] == [Busy, Sent]
