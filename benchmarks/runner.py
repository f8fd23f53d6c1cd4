"""Runs every system in turn on the same services and collects the figures. Judges nothing and prints progress only."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from benchmarks.generator.order import Cast, Figures, Order
from benchmarks.plan import Cores, Plan
from benchmarks.profile import profiled
from benchmarks.services import Services
from benchmarks.systems import SYSTEMS
from benchmarks.systems.base import ROOT, Running, System, environment, python, run

Results = dict[str, dict[str, list[Figures]]]
PROCESSES = {"W1x2": 2}
FRESH = ("W3", "W1x2")  # Memory is measured on a server which has done nothing yet.


@dataclass
class Series:
    """All measurements of one call."""

    plan: Plan
    cores: Cores
    services: Services
    profiles: Path | None = None
    results: Results = field(default_factory=dict)

    def measure(self, names: list[str], workloads: list[str]) -> Results:
        """The repeats go round all systems, so that a slow spell of the machine hits each of them alike."""
        systems = [SYSTEMS[name]() for name in names]
        for system in systems:
            say(f"preparing {system.name}")
            system.prepare(self.services)
            self.results[system.name] = defaultdict(list)
        for repeat in range(self.plan.repeats):
            for system in systems:
                for batch in _batches(system, workloads):
                    self._measure_batch(system, batch, f"{repeat + 1}/{self.plan.repeats}")
        return self.results

    def _measure_batch(self, system: System, batch: list[str], progress: str) -> None:
        with run(system, self.cores, PROCESSES.get(batch[0], 1)) as running:
            cast = system.cast()
            for workload in batch:
                before = system.stored()
                with profiled(running.pids[0], self.plan.watched, self.profiles, f"{system.name}-{workload}"):
                    figures = _generate(self._order(system, workload, running, cast), running)
                _compare(figures, before, system.stored())
                self.results[system.name][workload].append(figures)
                say(f"{progress} {system.name:20} {workload:5} {brief(figures)}")

    def _order(self, system: System, workload: str, running: Running, cast: Cast) -> Order:
        plan, cores = self.plan, self.cores
        return Order(
            workload=workload,
            driver=system.driver,
            ports=running.ports,
            cast=cast,
            server_pids=running.pids,
            service_pids=self.services.pids,
            cores=sorted({cores.server, cores.load}),
            warm_up=plan.warm_up,
            seconds=plan.seconds,
            drain=plan.drain,
            sockets=plan.idle_sockets if workload == "W3" else plan.chat_sockets,
            rate=plan.room_rate if workload == "W2r" else plan.pair_rate,
            senders=plan.room_senders,
            concurrency=plan.concurrency,
            hold=plan.hold,
        )


def _batches(system: System, workloads: Iterable[str]) -> list[list[str]]:
    """Workloads that share a server process, and those that want one of their own."""
    wanted = [workload for workload in workloads if workload in system.workloads]
    shared = [workload for workload in wanted if workload not in FRESH]
    return [batch for batch in [shared, *([workload] for workload in wanted if workload in FRESH)] if batch]


def _generate(order: Order, running: Running) -> Figures:
    """A process of its own, so that its CPU time is the load's alone. It inherits our core."""
    done = subprocess.run(
        python("-m", "benchmarks.generator"),
        cwd=ROOT,
        env=environment({}),
        input=msgspec.json.encode(order),
        capture_output=True,
    )
    if done.returncode != 0:
        raise SystemExit(f"{done.stderr.decode()[-3000:]}\n--- the server's log ---\n{running.log[-3000:]}")
    return msgspec.json.decode(done.stdout, type=Figures)


def _compare(figures: Figures, before: int | None, after: int | None) -> None:
    """An ack means stored: the table must have grown by at least as many rows as there were acks."""
    if before is not None and after is not None:
        figures.unstored = max(0, figures.acked - (after - before))


def medians(results: Results) -> dict[str, dict[str, Figures]]:
    return {
        system: {workload: _median(runs) for workload, runs in by_workload.items()}
        for system, by_workload in results.items()
    }


def _median(runs: list[Figures]) -> Figures:
    """Of each figure by itself; faults are added up, for one is one too many."""
    merged: dict[str, Any] = {}
    for name in Figures.__struct_fields__:
        values = [getattr(figures, name) for figures in runs if getattr(figures, name) is not None]
        if name == "first_fault":
            merged[name] = next(filter(None, values), "")
        elif values and isinstance(values[0], int):
            merged[name] = sum(values)
        else:
            merged[name] = median(values) if values else None
    return Figures(**merged)


def brief(figures: Figures) -> str:
    words = []
    if figures.connects_per_second is not None and figures.bytes_per_socket is not None:
        words += [f"{figures.connects_per_second:,.0f} connects/s", f"{figures.bytes_per_socket / 1024:.1f} KB/socket"]
    if figures.per_second is not None and figures.deliveries_per_second is not None:
        words += [f"{figures.per_second:,.0f} msg/s", f"{figures.deliveries_per_second:,.0f} deliveries/s"]
    if figures.p99_ms is not None:
        words.append(f"p50 {figures.p50_ms:.1f} p99 {figures.p99_ms:.1f} ms")
    if figures.first_fault:
        words.append(f"! {figures.first_fault}")
    return ", ".join(words)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
