"""How busy the server, the generator, the services and everybody else are over a stretch of time."""

import os
from time import perf_counter
from typing import NamedTuple

from benchmarks import proc
from benchmarks.generator.order import Figures, Order


class Reading(NamedTuple):
    at: float
    server: float
    generator: float
    services: float
    cores: float


class Meter:
    """Read once at each end of the measured stretch."""

    def __init__(self, order: Order) -> None:
        self._order = order

    def read(self) -> Reading:
        return Reading(
            perf_counter(),
            proc.family_cpu_seconds(self._order.server_pids),
            proc.family_cpu_seconds([os.getpid()]),
            proc.family_cpu_seconds(self._order.service_pids),
            sum(proc.core_time(core).busy for core in self._order.cores),
        )

    def server_rss(self) -> int:
        return proc.family_rss_bytes(self._order.server_pids)

    @staticmethod
    def note(figures: Figures, first: Reading, last: Reading) -> float:
        """Write the shares of a core into the figures; returns the server's CPU seconds."""
        seconds = last.at - first.at
        server, generator, services = (
            last.server - first.server,
            last.generator - first.generator,
            last.services - first.services,
        )
        figures.server_cpu = server / seconds
        figures.generator_cpu = generator / seconds
        figures.services_cpu = services / seconds
        # What ran on these cores and was none of ours: a busy neighbour spoils a measurement.
        figures.foreign_cpu = max(0.0, (last.cores - first.cores - server - generator - services) / seconds)
        return server
