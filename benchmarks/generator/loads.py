"""The ways to press: each sender again when its last message is done, or by the clock whatever happens."""

import asyncio
from time import perf_counter

from benchmarks.generator.client import Client
from benchmarks.generator.tally import Flight, Tally

BODY = "Payment of 250.00 sent, reference 48213. Please check your account and release."
Seats = dict[int, int]


class ClosedLoop:
    """Every sender has exactly one message on its way."""

    def __init__(self, *, time_deliveries: bool = False) -> None:
        self.tally = Tally(self._again, time_deliveries=time_deliveries)
        self._running = False

    def start(self, senders: list[tuple[Client, Seats]]) -> None:
        self._running = True
        for sender, seats in senders:
            self.tally.launch(sender, seats, BODY, perf_counter())

    async def stop(self) -> None:
        self._running = False

    def _again(self, flight: Flight) -> None:
        if self._running:
            self.tally.launch(flight.sender, flight.seats, BODY, perf_counter())


class OpenLoop:
    """A message is due at fixed times. Its delay counts from when it was due, so a slow server hides nothing."""

    def __init__(self, rate: float, *, time_deliveries: bool = False) -> None:
        self.tally = Tally(lambda flight: None, time_deliveries=time_deliveries)
        self._interval = 1 / rate
        self._task: asyncio.Task[None] | None = None

    def start(self, senders: list[tuple[Client, Seats]]) -> None:
        self._task = asyncio.create_task(self._tick(senders))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _tick(self, senders: list[tuple[Client, Seats]]) -> None:
        due, turn = perf_counter(), 0
        while True:
            sender, seats = senders[turn % len(senders)]
            self.tally.launch(sender, seats, BODY, due)
            due, turn = due + self._interval, turn + 1
            await asyncio.sleep(max(0.0, due - perf_counter()))


Load = ClosedLoop | OpenLoop
