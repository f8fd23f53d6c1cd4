"""The tally notices every kind of fault, and times from when a message was due."""

from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, cast

import pytest

from benchmarks.generator.client import Client
from benchmarks.generator.order import Figures
from benchmarks.generator.tally import Flight, Tally

AUTHOR, PARTNER, THIRD = 10, 11, 12
SEATS = {AUTHOR: 0, PARTNER: 1}


@dataclass
class Sender:
    seat: int = AUTHOR
    sent: list[str] = field(default_factory=list)

    def send(self, client_id: str, body: str) -> None:
        self.sent.append(client_id)


@pytest.fixture
def done() -> list[Flight]:
    return []


@pytest.fixture
def tally(done: list[Flight]) -> Tally:
    tally = Tally(done.append)
    tally.counting = True
    return tally


def launch(tally: Tally, seats: dict[int, int] = SEATS, since: float | None = None) -> str:
    sender = Sender()
    tally.launch(cast(Client, sender), seats, "hi", perf_counter() if since is None else since)
    return sender.sent[0]


def faults(tally: Tally) -> dict[str, Any]:
    figures = Figures()
    tally.close(figures)
    counts = {name: getattr(figures, name) for name in ("lost", "doubled", "unacked_but_seen", "unanswered")}
    return {name: count for name, count in counts.items() if count}


@pytest.mark.parametrize("ack_first", [True, False])
def test_a_message_is_done_when_acked_and_seen_by_the_others(tally: Tally, done: list[Flight], ack_first: bool) -> None:
    message = launch(tally)
    steps = [lambda: tally.acked(message), lambda: tally.seen(message, PARTNER)]

    for step in steps if ack_first else reversed(steps):
        assert not done
        step()

    assert len(done) == tally.done == 1
    assert tally.unsettled == 1  # the author's own copy is still to come
    tally.seen(message, AUTHOR)
    assert (tally.unsettled, len(done), faults(tally)) == (0, 1, {})


def test_an_acked_message_that_a_seat_misses_is_lost(tally: Tally) -> None:
    message = launch(tally, {AUTHOR: 0, PARTNER: 1, THIRD: 2})

    tally.acked(message)
    tally.seen(message, AUTHOR)

    assert faults(tally) == {"lost": 2}


def test_second_copies_second_acks_and_strays_are_doubled(tally: Tally, done: list[Flight]) -> None:
    message = launch(tally)
    for _ in range(2):
        tally.acked(message)
        tally.seen(message, PARTNER)
        tally.seen(message, AUTHOR)

    tally.seen(message, THIRD)
    tally.seen("never sent", PARTNER)

    assert faults(tally) == {"doubled": 5}
    assert len(done) == 1


def test_a_message_seen_without_an_ack_is_not_done(tally: Tally, done: list[Flight]) -> None:
    tally.seen(launch(tally), PARTNER)

    assert faults(tally) == {"unacked_but_seen": 1}
    assert not done


def test_a_message_without_any_answer_is_unanswered(tally: Tally) -> None:
    launch(tally)

    assert faults(tally) == {"unanswered": 1}


def test_the_delay_counts_from_when_the_message_was_due(tally: Tally) -> None:
    message = launch(tally, since=perf_counter() - 3)

    tally.seen(message, PARTNER)
    tally.acked(message)

    assert 3 <= tally.latencies[0] < 4


def test_what_was_sent_before_the_window_is_not_timed_and_what_ends_after_it_is_not_counted(tally: Tally) -> None:
    tally.counting = False
    early = launch(tally)
    tally.counting = True
    late = launch(tally)
    tally.seen(early, PARTNER)
    tally.acked(early)
    tally.counting = False

    tally.seen(late, PARTNER)
    tally.acked(late)

    assert (tally.done, len(tally.latencies)) == (1, 1)
