"""The figures of `stats/` in JSON's words: durations in seconds, people as everywhere."""

from datetime import datetime, timedelta

from msgspec import Struct

from accounts.serializers import PersonShape
from accounts.text import timestamp
from chat import metrics
from chat.reporting import AdminLoad, Dashboard, Period, Traffic


class LatencyShape(Struct):
    """Of the process that answers: from the beginning of a commit of messages to its end, in milliseconds."""

    commit_p50_ms: float | None
    commit_p99_ms: float | None


class QueueShape(Struct):
    """`expected_wait_s`: of the last in it, at the pace of the last hour."""

    waiting: int
    oldest_wait_s: int | None
    expected_wait_s: int | None


class AdminLoadShape(Struct):
    user: PersonShape
    open_trades: int
    capacity: int
    availability: str
    presence: str


class SpreadShape(Struct):
    """In seconds; null where nothing was measured."""

    median_s: float | None
    p90_s: float | None


class PeriodShape(Struct):
    opened: int
    closed: int
    response: SpreadShape
    resolution: SpreadShape
    missed: dict[str, int]


class HourShape(Struct):
    start: str
    messages: int


class StatsShape(Struct):
    """How support stands right now, and how it did."""

    at: str
    connections: int
    messages_per_minute: float
    latencies: LatencyShape
    queue: QueueShape
    admins: list[AdminLoadShape]
    periods: dict[str, PeriodShape]
    messages_per_hour: list[HourShape]


def stats_shape(now: datetime, dashboard: Dashboard, traffic: Traffic) -> StatsShape:
    return StatsShape(
        at=timestamp(now),
        connections=traffic.connections,
        messages_per_minute=traffic.messages_per_minute,
        latencies=LatencyShape(commit_p50_ms=_commit_ms(0.5), commit_p99_ms=_commit_ms(0.99)),
        queue=QueueShape(
            waiting=dashboard.waiting,
            oldest_wait_s=_whole_seconds(dashboard.oldest_wait),
            expected_wait_s=_whole_seconds(traffic.expected_wait),
        ),
        admins=[_load(admin) for admin in dashboard.open_by_admin],
        periods={name: _period(period) for name, period in dashboard.periods.items()},
        messages_per_hour=[HourShape(timestamp(hour.start), hour.messages) for hour in dashboard.messages_per_hour],
    )


def _whole_seconds(time: timedelta | None) -> int | None:
    return None if time is None else int(time.total_seconds())


def _commit_ms(fraction: float) -> float | None:
    seconds = metrics.quantile(metrics.commit_seconds, fraction)
    return None if seconds is None else round(seconds * 1000, 2)


def _load(admin: AdminLoad) -> AdminLoadShape:
    return AdminLoadShape(
        user={"id": str(admin.id), "display_name": admin.name, "role": admin.role, "staff": True},
        open_trades=admin.open,
        capacity=admin.capacity,
        availability=admin.availability,
        presence=admin.presence,
    )


def _period(period: Period) -> PeriodShape:
    return PeriodShape(
        opened=period.opened,
        closed=period.closed,
        response=_spread(period.response_median, period.response_p90),
        resolution=_spread(period.resolution_median, period.resolution_p90),
        missed=period.missed,
    )


def _spread(median: timedelta | None, p90: timedelta | None) -> SpreadShape:
    return SpreadShape(*(None if time is None else round(time.total_seconds(), 3) for time in (median, p90)))
