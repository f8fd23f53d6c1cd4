"""How much is measured, and where: the numbers behind every run. Data only."""

import os
from dataclasses import dataclass

PAIRS = 1000
ROOM = 500
WORKLOADS = ("W1", "W1o", "W2r", "W2", "W3", "W1x2")


@dataclass(frozen=True)
class Plan:
    """Times in seconds. The sizes are those of the series in docs and goals, so that figures stay comparable."""

    repeats: int = 3
    warm_up: float = 2.0
    seconds: float = 5.0
    drain: float = 20.0
    hold: float = 3.0
    chat_sockets: int = 400
    idle_sockets: int = 2 * PAIRS
    pair_rate: float = 200.0
    room_rate: float = 20.0
    room_senders: int = 10
    concurrency: int = 50

    @property
    def watched(self) -> float:
        """How long a profiler should look: about as long as there is load."""
        return self.warm_up + self.seconds


QUICK = Plan(repeats=1, warm_up=0.5, seconds=1.5, hold=0.5, idle_sockets=500)


@dataclass(frozen=True)
class Cores:
    """The server under test has a core to itself; generator and services share the other."""

    server: int
    load: int

    @classmethod
    def of_this_machine(cls) -> "Cores":
        usable = sorted(os.sched_getaffinity(0))
        return cls(usable[0], usable[1] if len(usable) > 1 else usable[0])
