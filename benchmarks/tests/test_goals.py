"""A verdict needs both sides, and each bound has its direction."""

import pytest

from benchmarks.generator.order import Figures
from benchmarks.goals import GOALS, Summary, Verdict, judge


def verdict(summary: Summary, title: str) -> Verdict:
    return next(verdict for verdict in judge(summary) if verdict.goal.title == title)


@pytest.mark.parametrize(
    ("ours", "must_met", "goal_met"), [(1400, False, False), (1500, True, False), (3000, True, True)]
)
def test_speed_must_be_high(ours: float, must_met: bool, goal_met: bool) -> None:
    summary = {"parley": {"W1": Figures(per_second=ours)}, "socketio": {"W1": Figures(per_second=1000)}}

    found = verdict(summary, "W1 msg/s against Socket.IO")

    assert (found.value, found.must_met, found.goal_met) == (ours / 1000, must_met, goal_met)


@pytest.mark.parametrize(
    ("kilobytes", "must_met", "goal_met"), [(41, False, False), (40, True, False), (20, True, True)]
)
def test_memory_must_be_low(kilobytes: float, must_met: bool, goal_met: bool) -> None:
    summary = {"parley": {"W3": Figures(bytes_per_socket=kilobytes * 1024)}}

    found = verdict(summary, "W3 memory per socket")

    assert (found.value, found.must_met, found.goal_met) == (kilobytes, must_met, goal_met)


def test_a_missing_peer_leaves_it_open() -> None:
    summary = {"parley": {"W1": Figures(per_second=9000)}}

    assert verdict(summary, "W1 msg/s against Socket.IO").value is None


def test_every_goal_is_harder_than_its_must() -> None:
    assert all(goal.goal > goal.must if goal.at_least else goal.goal < goal.must for goal in GOALS)
