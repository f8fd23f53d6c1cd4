"""When the demo's doings are supposed to have happened."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.text import timestamp
from chat.actions.demo_clock import Calendar

NOON = datetime(2026, 11, 20, 12, 0, 0, 500, UTC)
MONDAY, TUESDAY = datetime(2026, 11, 16, 9, tzinfo=UTC), datetime(2026, 11, 17, 9, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.fixture
def calendar(settings):
    settings.TRADE_DEADLINE = DAY
    found = Calendar()
    found.enter(NOON, MONDAY)
    found.enter(NOON + SECOND, TUESDAY)
    return found


@pytest.mark.parametrize(
    ("at", "happened"),
    [
        (NOON, MONDAY),
        (NOON + SECOND - timedelta(microseconds=1), MONDAY),
        (NOON + SECOND, TUESDAY),
        (NOON + DAY, TUESDAY),
        (NOON - timedelta(microseconds=1), NOON - timedelta(microseconds=1)),
        (MONDAY, MONDAY),
    ],
)
def test_what_was_done_happened_at_the_time_entered_before_it(calendar, at, happened):
    assert calendar.date(at) == happened


def test_a_text_that_names_the_millisecond_of_the_beginning_does_not_fall_before_it(calendar):
    assert calendar.told("opened_at", timestamp(NOON)) == timestamp(MONDAY)


def test_only_times_are_told_otherwise_and_a_deadline_keeps_its_distance(calendar):
    told = {
        "event": "trade.opened",
        "trade": {
            "opened_at": timestamp(NOON),
            "deadline_at": timestamp(NOON + DAY),
            "waiting_since": timestamp(NOON + SECOND),
            "closed_at": None,
            "asset": timestamp(NOON),
            "rating": 5,
        },
        "earlier_at": timestamp(MONDAY),
    }

    assert calendar.told("data", told) == {
        "event": "trade.opened",
        "trade": {
            "opened_at": timestamp(MONDAY),
            "deadline_at": timestamp(MONDAY + DAY),
            "waiting_since": timestamp(TUESDAY),
            "closed_at": None,
            "asset": timestamp(NOON),
            "rating": 5,
        },
        "earlier_at": timestamp(MONDAY),
    }
