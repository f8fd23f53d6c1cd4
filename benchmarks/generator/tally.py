"""The books of a run: every message sent, who acknowledged it, who saw it and how often. Knows no wire format."""

import os
from collections.abc import Callable
from itertools import count
from time import perf_counter

from benchmarks.generator.client import Client
from benchmarks.generator.order import Figures


class Flight:
    """A message on its way: done when acknowledged and seen by every other seat of its conversation.

    It is settled when the author's own copy has come too.
    """

    __slots__ = ("acked", "awaited", "missing", "others", "seats", "sender", "since", "timed")

    def __init__(self, sender: Client, seats: dict[int, int], since: float, timed: bool) -> None:
        self.sender = sender
        self.since = since
        self.timed = timed
        self.acked = False
        self.seats = seats
        self.awaited = bytearray(b"\1") * len(seats)
        self.missing = len(seats)
        self.others = len(seats) - 1


class Tally:
    """Counts what is done while `counting` is set, and times what was sent meanwhile, however late it arrives.

    Every flight is kept to the end, so that a late or second copy is noticed.
    """

    def __init__(self, on_done: Callable[[Flight], None], *, time_deliveries: bool = False) -> None:
        self.flights: dict[str, Flight] = {}
        self.unsettled = 0
        self.counting = False
        self.done = 0
        self.deliveries = 0
        self.doubled = 0
        self.faults: list[str] = []
        self.cuts: list[str] = []
        self.latencies: list[float] = []
        self._time_deliveries = time_deliveries
        self._on_done = on_done
        # Differs between runs, for a client_id is good once for ever.
        nonce = os.urandom(8).hex()
        self._prefix = f"{nonce[:8]}-{nonce[8:12]}-4{nonce[13:16]}-8000-"
        self._numbers = count()

    def launch(self, sender: Client, seats: dict[int, int], body: str, since: float) -> None:
        """`seats` maps each seat that must see the message to its place in the room; `since` is when it was due."""
        client_id = f"{self._prefix}{next(self._numbers):012x}"
        self.flights[client_id] = Flight(sender, seats, since, self.counting)
        self.unsettled += 1
        sender.send(client_id, body)

    def acked(self, client_id: str) -> None:
        flight = self.flights.get(client_id)
        if flight is None or flight.acked:
            self.doubled += 1
            return
        flight.acked = True
        if not flight.others:
            self._finish(flight)
        if not flight.missing:
            self.unsettled -= 1

    def seen(self, client_id: str, seat: int) -> None:
        flight = self.flights.get(client_id)
        place = None if flight is None else flight.seats.get(seat)
        if flight is None or place is None or not flight.awaited[place]:
            self.doubled += 1
            return
        flight.awaited[place] = 0
        flight.missing -= 1
        if self.counting:
            self.deliveries += 1
        if self._time_deliveries and flight.timed:
            self.latencies.append(perf_counter() - flight.since)
        if seat != flight.sender.seat:
            flight.others -= 1
            if flight.acked and not flight.others:
                self._finish(flight)
        if flight.acked and not flight.missing:
            self.unsettled -= 1

    def refused(self, reason: str) -> None:
        self.faults.append(reason)

    def disconnected(self, reason: str) -> None:
        self.cuts.append(reason)

    def _finish(self, flight: Flight) -> None:
        if self.counting:
            self.done += 1
        if flight.timed and not self._time_deliveries:
            self.latencies.append(perf_counter() - flight.since)
        self._on_done(flight)

    def close(self, figures: Figures) -> None:
        """Write what went wrong, if anything. A message which nobody saw or acked is unanswered."""
        figures.sent = len(self.flights)
        for flight in self.flights.values():
            if flight.acked:
                figures.acked += 1
                figures.lost += flight.missing
            elif flight.missing < len(flight.seats):
                figures.unacked_but_seen += 1
            else:
                figures.unanswered += 1
        figures.doubled = self.doubled
        figures.refused = len(self.faults)
        figures.disconnected = len(self.cuts)
        figures.first_fault = next(iter(self.faults + self.cuts), "")
