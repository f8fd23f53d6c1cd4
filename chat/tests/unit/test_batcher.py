"""Everything queued while the last run ran is the next run; whatever breaks, each sender hears of it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.db import OperationalError

from chat import batcher
from chat.batcher import Batcher
from chat.errors import ChatError, Conflict, Unavailable

Start = Callable[..., "Batcher[Any, Any]"]


class Gate:
    """A run that waits to be let through, and remembers what each run was given."""

    def __init__(self) -> None:
        self.runs: list[list[Any]] = []
        self.begun = threading.Semaphore(0)
        self.may_go = threading.Semaphore(0)

    def __call__(self, items: list[Any]) -> list[Any]:
        self.runs.append(items)
        self.begun.release()
        assert self.may_go.acquire(timeout=10)
        return [item * 10 for item in items]

    def let_through(self, runs: int) -> None:
        self.may_go.release(runs)

    async def wait_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.acquire, True, 10)


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    begun: list[Batcher[Any, Any]] = []

    def begin(run: Callable[..., Any]) -> "Batcher[Any, Any]":
        begun.append(Batcher(run, "tried"))
        return begun[-1]

    yield begin
    for each in begun:
        await each.stop()


async def test_an_idle_batcher_runs_an_item_at_once(start):
    tried = start(lambda items: [item + 1 for item in items])

    assert await tried.submit(1) == 2


async def test_what_comes_during_a_run_is_the_next_run_in_order(start):
    gate = Gate()
    tried = start(gate)
    first = tried.submit(1)
    await gate.wait_begun()
    others = [tried.submit(number) for number in (2, 3, 4)]

    gate.let_through(2)

    assert await asyncio.gather(first, *others) == [10, 20, 30, 40]
    assert gate.runs == [[1], [2, 3, 4]]


async def test_a_run_takes_no_more_than_its_limit(start, monkeypatch):
    monkeypatch.setattr(batcher, "MAX_BATCH", 3)
    gate = Gate()
    tried = start(gate)
    futures = [tried.submit(0)]
    await gate.wait_begun()
    futures += [tried.submit(number) for number in range(1, 6)]

    gate.let_through(3)
    await asyncio.gather(*futures)

    assert gate.runs == [[0], [1, 2, 3], [4, 5]]


async def test_a_refusal_reaches_only_its_own_sender(start):
    tried = start(lambda items: [Conflict("no") if item == 2 else item for item in items])

    outcomes = await asyncio.gather(*(tried.submit(number) for number in (1, 2, 3)), return_exceptions=True)

    assert (outcomes[0], type(outcomes[1]), outcomes[2]) == (1, Conflict, 3)


async def test_a_run_that_loses_its_database_is_tried_once_more(start):
    fails = [OperationalError("connection lost")]

    def run(items):
        if fails:
            raise fails.pop()
        return items

    assert await start(run).submit(1) == 1


async def test_a_run_that_loses_it_twice_is_unavailable_and_the_next_one_works(start, caplog):
    fails = [OperationalError("lost"), OperationalError("lost")]

    def run(items):
        if fails:
            raise fails.pop()
        return items

    tried = start(run)

    with pytest.raises(Unavailable):
        await tried.submit(1)
    assert await tried.submit(2) == 2


async def test_an_item_that_breaks_the_run_takes_no_neighbour_with_it(start, caplog):
    gate = Gate()

    def run(items):
        if "poison" in items:
            raise ZeroDivisionError
        return gate(items)

    tried = start(run)
    gate.let_through(9)
    futures = [tried.submit(item) for item in (1, "poison", 3)]

    outcomes = await asyncio.gather(*futures, return_exceptions=True)

    assert (outcomes[0], type(outcomes[1]), outcomes[2]) == (10, ChatError, 30)


async def test_who_waits_too_long_is_told_so_and_what_was_not_begun_is_not_run(start, monkeypatch):
    monkeypatch.setattr(batcher, "TIME_LIMIT", 0.2)
    gate = Gate()
    tried = start(gate)
    running = tried.submit(1)
    await gate.wait_begun()
    queued = tried.submit(2)

    outcomes = await asyncio.gather(running, queued, return_exceptions=True)
    monkeypatch.setattr(batcher, "TIME_LIMIT", 10.0)
    gate.let_through(2)

    assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]


async def test_an_item_that_grew_too_old_in_the_queue_is_not_begun(start, monkeypatch):
    gate = Gate()
    tried = start(gate)
    running = tried.submit(1)
    await gate.wait_begun()
    monkeypatch.setattr(batcher, "TIME_LIMIT", -1.0)
    tried.submit(2).add_done_callback(asyncio.Future.exception)

    gate.let_through(2)
    assert await running == 10
    monkeypatch.setattr(batcher, "TIME_LIMIT", 10.0)

    assert await tried.submit(3) == 30
    assert gate.runs == [[1], [3]]


async def test_a_queue_that_is_full_refuses_at_once(start, monkeypatch):
    monkeypatch.setattr(batcher, "MAX_QUEUE", 1)
    gate = Gate()
    tried = start(gate)
    first = tried.submit(1)

    refused = tried.submit(2)
    gate.let_through(1)

    assert isinstance(refused.exception(), Unavailable)
    assert await first == 10
    assert gate.runs == [[1]]


async def test_a_sender_who_gave_up_disturbs_nobody(start):
    gate = Gate()
    tried = start(gate)
    gone, stays = tried.submit(1), tried.submit(2)
    gone.cancel()

    gate.let_through(2)

    assert await stays == 20


async def test_stopping_finishes_what_is_queued_and_ends_the_thread():
    gate = Gate()
    tried: Batcher[int, int] = Batcher(gate, "stopped")
    first = tried.submit(1)
    await gate.wait_begun()
    second = tried.submit(2)
    gate.let_through(2)

    await tried.stop()

    assert await asyncio.gather(first, second) == [10, 20]
    assert "stopped" not in {thread.name for thread in threading.enumerate()}
