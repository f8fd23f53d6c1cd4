"""Quiet hours on the clock of their person."""

from datetime import UTC, datetime, time

import pytest

from notifications.actions.quiet import is_quiet
from notifications.models import Preferences


def at(hour, minute=0, day=15, month=1):
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("begin", "end", "zone", "now", "quiet"),
    [
        (None, None, "", at(3), False),
        (time(22), time(7), "UTC", at(22), True),
        (time(22), time(7), "UTC", at(6, 59), True),
        (time(22), time(7), "UTC", at(7), False),
        (time(22), time(7), "UTC", at(21, 59), False),
        (time(12), time(13), "UTC", at(12, 30), True),
        (time(12), time(13), "UTC", at(13), False),
        (time(12), time(13), "", at(12, 30), True),
        (time(22), time(7), "Europe/Berlin", at(21), True),  # winter: one hour ahead
        (time(22), time(7), "Europe/Berlin", at(20, month=7), True),  # summer: two
        (time(22), time(7), "Europe/Berlin", at(20), False),
        (time(22), time(7), "Pacific/Auckland", at(10), True),
    ],
)
def test_between_the_two_times_on_their_clock(begin, end, zone, now, quiet):
    assert is_quiet(Preferences(quiet_from=begin, quiet_to=end, time_zone=zone), now) is quiet
