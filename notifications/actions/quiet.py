"""Quiet hours, on the clock of whoever asked for them."""

from datetime import datetime
from zoneinfo import ZoneInfo

from notifications.models import Preferences


def is_quiet(preferences: Preferences, now: datetime) -> bool:
    """Whether it is between the two times, over midnight where the second is the earlier one."""
    begin, end = preferences.quiet_from, preferences.quiet_to
    if begin is None or end is None:
        return False
    clock = now.astimezone(ZoneInfo(preferences.time_zone or "UTC")).time()
    return begin <= clock < end if begin <= end else clock >= begin or clock < end
