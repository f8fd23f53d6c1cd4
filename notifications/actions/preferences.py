"""What somebody wants to be pushed, and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from msgspec import UNSET, UnsetType

from accounts.errors import InvalidBody
from accounts.models import User
from notifications.models import Preferences


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When nothing is pushed, by the clocks of a time zone; over midnight where `end` comes before `begin`."""

    begin: time
    end: time
    time_zone: str


NO_QUIET_HOURS = {"quiet_from": None, "quiet_to": None, "time_zone": ""}


def of(user: User) -> Preferences:
    """Somebody's preferences; not stored as long as they have changed nothing."""
    return Preferences.objects.filter(user=user).first() or Preferences(user=user)


def change(*, actor: User, switches: Mapping[str, bool], hours: QuietHours | UnsetType | None = UNSET) -> Preferences:
    """
    Set some of one's own switches (the kinds of push, and `hide_content`), and the quiet hours: None does away with
    them. What is not named stays. Raises InvalidBody for hours that cannot be.
    """
    values: dict[str, Any] = dict(switches)
    if isinstance(hours, QuietHours):
        _check(hours)
        values |= {"quiet_from": hours.begin, "quiet_to": hours.end, "time_zone": hours.time_zone}
    elif hours is None:
        values |= NO_QUIET_HOURS
    if not values:
        return of(actor)
    return Preferences.objects.update_or_create(user=actor, defaults=values)[0]


def _check(hours: QuietHours) -> None:
    if hours.begin == hours.end:
        raise InvalidBody("Quiet hours end at another time than they begin.", pointer="/quiet_hours/to")
    if hours.time_zone not in _zones():
        raise InvalidBody("There is no such time zone.", pointer="/quiet_hours/time_zone")


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # looks at some hundred files
