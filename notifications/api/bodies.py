"""What the endpoints of notifications take. Fields that are not named here are ignored, whatever they claim."""

import re
import unicodedata
from datetime import time
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import asdict

from accounts.errors import InvalidBody
from accounts.text import is_blank
from notifications.actions.preferences import QuietHours

MAX_READ = 100  # notifications marked at once, one by one
CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")

Clock = Annotated[str, Meta(min_length=5, max_length=5, description="HH:MM", examples=["22:00"])]


class NewDevice(Struct):
    token: Annotated[str, Meta(max_length=200, examples=["ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx]"])]
    platform: Literal["ios", "android"]
    name: Annotated[str, Meta(max_length=200)] | None = None

    def line(self) -> str:
        """The name, which is shown in lists: one visible line, or nothing."""
        name = self.name or ""
        if name and (is_blank(name) or any(unicodedata.category(one) in ("Cc", "Zl", "Zp") for one in name)):
            raise InvalidBody("A name is one line of visible text.", pointer="/name")
        return name


class Hours(Struct):
    begin: Clock = field(name="from")
    end: Clock = field(name="to")
    time_zone: Annotated[str, Meta(max_length=64, examples=["Europe/Berlin"])]

    def read(self) -> QuietHours:
        return QuietHours(_clock(self.begin, "from"), _clock(self.end, "to"), self.time_zone)


class PreferencesChange(Struct):
    message: bool | UnsetType = UNSET
    trade: bool | UnsetType = UNSET
    escalation: bool | UnsetType = UNSET
    mention: bool | UnsetType = UNSET
    hide_content: bool | UnsetType = UNSET
    quiet_hours: Hours | UnsetType | None = UNSET

    def switches(self) -> dict[str, bool]:
        return {name: value for name, value in asdict(self).items() if isinstance(value, bool)}

    def hours(self) -> QuietHours | UnsetType | None:
        return self.quiet_hours.read() if isinstance(self.quiet_hours, Hours) else self.quiet_hours


class Reading(Struct):
    ids: Annotated[list[UUID], Meta(max_length=MAX_READ)] | UnsetType = UNSET
    all: Literal[True] | UnsetType = UNSET

    def which(self) -> list[UUID] | None:
        """Those named, or None for all."""
        if (self.ids is UNSET) == (self.all is UNSET):
            raise InvalidBody("Name either `ids` or `all`.", pointer="/ids")
        return None if isinstance(self.ids, UnsetType) else self.ids


def _clock(text: str, name: str) -> time:
    match = CLOCK.fullmatch(text)
    if match is None:
        raise InvalidBody("This is a time of day as HH:MM, from 00:00 to 23:59.", pointer=f"/quiet_hours/{name}")
    return time(int(match[1]), int(match[2]))
