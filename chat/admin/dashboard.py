"""The start page of Django admin: how the team stands, or for a trade admin how they do. Only puts figures in place."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import User
from chat import reporting
from chat.models import Trade
from chat.reporting import AdminLoad, Dashboard, Hour
from notifications import health

MINE = 20
QUEUE = 10
CHART_WIDTH, CHART_HEIGHT, BASE = 720, 160, 20  # BASE: room for the hours below the bars
GAP = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour of the chart, in the SVG's units. `tick` is the hour's name where one is written."""

    start: datetime
    messages: int
    x: float
    y: float
    width: float
    height: float
    middle: float
    tick: bool


@dataclass(frozen=True, slots=True)
class Load:
    """An admin's open trades against their capacity, for a bar that is full at 100."""

    admin: AdminLoad
    percent: int
    over: bool


def context(user: User, now: datetime) -> dict[str, Any]:
    """For the template. Nine queries and for super admins one more, whatever the number of rows."""
    figures = reporting.dashboard(now)
    mine = Trade.objects.open().filter(assignee=user).select_related("customer")
    queued = Trade.objects.queued().exclude(customer=user).select_related("customer")
    shown = (
        figures.open_by_admin if user.is_super_admin else [row for row in figures.open_by_admin if row.id == user.pk]
    )
    return {
        "user": user,
        "figures": figures,
        "loads": [_load(row) for row in shown],
        "own": next((_load(row) for row in figures.open_by_admin if row.id == user.pk), None),
        "mine": list(mine.order_by("waiting_since", "opened_at", "pk")[:MINE]),
        "queued": list(queued[:QUEUE]),
        "bars": bars(figures.messages_per_hour),
        "chart": {"width": CHART_WIDTH, "height": CHART_HEIGHT, "foot": CHART_HEIGHT - BASE},
        "peak": max((hour.messages for hour in figures.messages_per_hour), default=0),
        "said": sum(hour.messages for hour in figures.messages_per_hour),
        "misses": _misses(figures),
        "dead_letters": health.dead_letters() if user.is_super_admin else 0,
    }


def bars(hours: list[Hour]) -> list[Bar]:
    """Bars as high as the busiest hour allows; an hour in which nothing was said has none."""
    peak = max((hour.messages for hour in hours), default=0)
    step = CHART_WIDTH / max(1, len(hours))
    room = CHART_HEIGHT - BASE
    result = []
    for place, hour in enumerate(hours):
        height = round(room * hour.messages / peak, 1) if peak else 0.0
        x = round(place * step + GAP / 2, 1)
        width = round(step - GAP, 1)
        tick = hour.start.hour % 6 == 0
        result.append(
            Bar(hour.start, hour.messages, x, round(room - height, 1), width, height, round(x + width / 2, 1), tick)
        )
    return result


def _load(admin: AdminLoad) -> Load:
    percent = 100 if admin.capacity == 0 else min(100, round(100 * admin.open / admin.capacity))
    return Load(admin, percent if admin.open else 0, admin.open > admin.capacity)


def _misses(figures: Dashboard) -> list[tuple[str, list[int]]]:
    """By kind, how often within each period."""
    periods = list(figures.periods.values())
    names = {
        "sla.first_response_missed": "First response",
        "sla.next_response_missed": "Next response",
        "sla.resolution_missed": "Resolution",
    }
    return [(names.get(action, action), [period.missed[action] for period in periods]) for action in reporting.MISSES]
