"""What Parley must reach and wants to reach, as ratios against peers of the same run. Decides, prints nothing."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import NamedTuple

from benchmarks.generator.order import Figures

Summary = Mapping[str, Mapping[str, Figures]]


class Goal(NamedTuple):
    """`measure` of Parley, divided by that of `against` if there is one. At most or at least `must`."""

    title: str
    workload: str
    against: tuple[str, str] | None
    measure: Callable[[Figures], float | None]
    at_least: bool
    must: float
    goal: float
    unit: str = "x"


class Verdict(NamedTuple):
    """`value` is None when this run did not measure what it takes."""

    goal: Goal
    value: float | None

    @property
    def must_met(self) -> bool:
        return self._meets(self.goal.must)

    @property
    def goal_met(self) -> bool:
        return self._meets(self.goal.goal)

    def _meets(self, bound: float) -> bool:
        if self.value is None:
            return False
        return self.value >= bound if self.goal.at_least else self.value <= bound


def faults(figures: Figures) -> int:
    """Everything that no run may show."""
    return (
        figures.unstored
        + figures.lost
        + figures.doubled
        + figures.unacked_but_seen
        + figures.unanswered
        + figures.refused
        + figures.disconnected
    )


def _kilobytes(figures: Figures) -> float | None:
    return None if figures.bytes_per_socket is None else figures.bytes_per_socket / 1024


_SPEED = attrgetter("per_second")
_DELIVERIES = attrgetter("deliveries_per_second")
_CONNECTS = attrgetter("connects_per_second")
_P99 = attrgetter("p99_ms")
_CPU = attrgetter("cpu_us_per_message")
_UP, _DOWN = True, False

GOALS = [
    Goal("W1 msg/s against Socket.IO", "W1", ("socketio", "W1"), _SPEED, _UP, 1.5, 3),
    Goal("W1 msg/s against the tutorial, persistent", "W1", ("tutorial-persistent", "W1"), _SPEED, _UP, 10, 25),
    Goal("W1 msg/s against raw + group commit", "W1", ("raw-commit", "W1"), _SPEED, _UP, 0.4, 0.75),
    Goal("W1o p99 at 200/s against Socket.IO", "W1o", ("socketio", "W1o"), _P99, _DOWN, 1, 0.5),
    Goal("W2 deliveries/s against Socket.IO", "W2", ("socketio", "W2"), _DELIVERIES, _UP, 0.7, 1.2),
    Goal("W3 memory per socket", "W3", None, _kilobytes, _DOWN, 40, 20, "KB"),
    Goal("W3 connects/s against Socket.IO", "W3", ("socketio", "W3"), _CONNECTS, _UP, 1, 2),
    Goal("CPU per message, two processes against one", "W1x2", ("parley", "W1"), _CPU, _DOWN, 1.25, 1.1),
]


def judge(summary: Summary) -> list[Verdict]:
    return [Verdict(goal, _value(goal, summary)) for goal in GOALS]


def _value(goal: Goal, summary: Summary) -> float | None:
    ours = _measured(goal, summary, "parley", goal.workload)
    if goal.against is None or ours is None:
        return ours
    theirs = _measured(goal, summary, *goal.against)
    return ours / theirs if theirs else None


def _measured(goal: Goal, summary: Summary, system: str, workload: str) -> float | None:
    figures = summary.get(system, {}).get(workload)
    return None if figures is None else goal.measure(figures)
