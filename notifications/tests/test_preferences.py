"""What somebody wants to be pushed, and when."""

from datetime import time

import pytest
from msgspec import UNSET

from accounts.errors import InvalidBody
from notifications.actions import preferences
from notifications.actions.preferences import QuietHours
from notifications.models import Preferences

pytestmark = pytest.mark.django_db
NIGHT = QuietHours(time(22), time(7), "Europe/Berlin")


def hours_of(user):
    found = Preferences.objects.get(user=user)
    return found.quiet_from, found.quiet_to, found.time_zone


def test_who_never_said_anything_wants_everything_and_has_no_row(alice):
    wanted = preferences.of(alice)

    assert (wanted.message, wanted.trade, wanted.escalation, wanted.mention, wanted.hide_content) == (
        *(True, True, True, True),
        False,
    )
    preferences.change(actor=alice, switches={})
    assert not Preferences.objects.exists()


def test_a_switch_leaves_the_others_as_they_are(alice, bob):
    preferences.change(actor=alice, switches={"message": False}, hours=NIGHT)

    wanted = preferences.change(actor=alice, switches={"hide_content": True}, hours=UNSET)

    assert (wanted.message, wanted.trade, wanted.hide_content) == (False, True, True)
    assert hours_of(alice) == (time(22), time(7), "Europe/Berlin")
    assert preferences.of(alice) == wanted
    assert preferences.of(bob).message


def test_quiet_hours_can_be_done_away_with(alice):
    preferences.change(actor=alice, switches={}, hours=NIGHT)

    preferences.change(actor=alice, switches={}, hours=None)

    assert hours_of(alice) == (None, None, "")


@pytest.mark.parametrize(
    ("hours", "pointer"),
    [
        (QuietHours(time(7), time(7), "UTC"), "/quiet_hours/to"),
        (QuietHours(time(7), time(8), "Mars/Olympus"), "/quiet_hours/time_zone"),
        (QuietHours(time(7), time(8), "../../etc/passwd"), "/quiet_hours/time_zone"),
        (QuietHours(time(7), time(8), ""), "/quiet_hours/time_zone"),
    ],
)
def test_hours_that_cannot_be_change_nothing(alice, hours, pointer):
    with pytest.raises(InvalidBody) as refusal:
        preferences.change(actor=alice, switches={"message": False}, hours=hours)

    assert [error["pointer"] for error in refusal.value.errors] == [pointer]
    assert not Preferences.objects.exists()
