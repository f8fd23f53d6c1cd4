"""
How long things took: medians and 90th percentiles of trades, by the database where it can (PostgreSQL), else in Python.

One definition for both: `percentile_cont` of the SQL standard, which interpolates linearly between the two closest
ranks (PostgreSQL 9.21 "Ordered-Set Aggregate Functions"; type 7 of Hyndman and Fan, "Sample Quantiles in Statistical
Packages", The American Statistician 50, 1996; also what NumPy and spreadsheets do). With n values, sorted and counted
from 0, the percentile p stands at rank p * (n - 1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor
from typing import Any

from django.db.models import Aggregate, Count, DurationField, ExpressionWrapper, F, Q

from chat import sql
from chat.querysets import TradeQuerySet

MEDIAN, P90 = 0.5, 0.9


@dataclass(frozen=True, slots=True)
class Spread:
    """Of `count` rows: the median and the 90th percentile of those that have a duration, None where none has."""

    count: int
    median: timedelta | None
    p90: timedelta | None


class Percentile(Aggregate):
    """PostgreSQL's `percentile_cont`; rows without a value are left out of it."""

    function = "percentile_cont"
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"


def spreads(
    trades: TradeQuerySet, begin: str, end: str, *, by: str, since: Mapping[str, datetime]
) -> dict[str, Spread]:
    """
    From the field `begin` to the field `end`, for each period: of the trades whose field `by` lies in it. One query,
    however many periods.
    """
    rows = trades.filter(**{f"{by}__gte": min(since.values())})
    if sql.is_postgres():
        return _by_the_database(rows, begin, end, by, since)
    found = list(rows.values_list(by, begin, end))
    return {name: _spread([row[1:] for row in found if row[0] >= start]) for name, start in since.items()}


def _by_the_database(
    rows: TradeQuerySet, begin: str, end: str, by: str, since: Mapping[str, datetime]
) -> dict[str, Spread]:
    duration = ExpressionWrapper(F(end) - F(begin), output_field=DurationField())
    wanted: dict[str, Any] = {}
    for place, start in enumerate(since.values()):
        inside = Q(**{f"{by}__gte": start})
        wanted[f"count{place}"] = Count("pk", filter=inside)
        for name, fraction in (("median", MEDIAN), ("p90", P90)):
            wanted[f"{name}{place}"] = Percentile(duration, fraction=fraction, filter=inside)
    found = rows.order_by().aggregate(**wanted)
    return {
        name: Spread(*(found[f"{part}{place}"] for part in ("count", "median", "p90")))
        for place, name in enumerate(since)
    }


def _spread(rows: Sequence[tuple[datetime, datetime | None]]) -> Spread:
    took = [end - begin for begin, end in rows if end is not None]
    return Spread(len(rows), percentile(took, MEDIAN), percentile(took, P90))


def percentile(values: Sequence[timedelta], fraction: float) -> timedelta | None:
    if not values:
        return None
    ordered = sorted(values)
    rank = fraction * (len(ordered) - 1)
    below = floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (rank - below)
