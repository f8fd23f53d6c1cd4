"""notification-preferences/ as an app meets it."""

import pytest

from chat.tests.contract.conftest import answer, pointers
from notifications.models import Preferences

PATH = "notification-preferences/"
EVERYTHING = {
    "message": True, "trade": True, "escalation": True, "mention": True, "hide_content": False, "quiet_hours": None,
}  # fmt: skip
NIGHT = {"from": "22:00", "to": "07:00", "time_zone": "Europe/Berlin"}


def test_everything_is_wanted_until_somebody_says_otherwise(rest, alice):
    assert answer(rest(alice).get(PATH)) == (200, EVERYTHING)


def test_what_is_named_changes_and_the_rest_stays(rest, alice, bob):
    hers = rest(alice)

    hers.patch(PATH, {"message": False, "quiet_hours": NIGHT})
    answered = answer(hers.patch(PATH, {"hide_content": True, "is_admin": True, "user": str(bob.pk)}))

    wanted = EVERYTHING | {"message": False, "hide_content": True, "quiet_hours": NIGHT}
    assert answered == answer(hers.get(PATH)) == (200, wanted)
    assert answer(rest(bob).get(PATH)) == (200, EVERYTHING)


def test_null_does_away_with_quiet_hours(rest, alice):
    hers = rest(alice)
    hers.patch(PATH, {"quiet_hours": NIGHT})

    assert answer(hers.patch(PATH, {"quiet_hours": None})) == (200, EVERYTHING)


def test_an_empty_change_is_none(rest, alice):
    assert answer(rest(alice).patch(PATH, {})) == (200, EVERYTHING)
    assert not Preferences.objects.exists()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/Argentina/Buenos_Aires"])
@pytest.mark.parametrize(("begin", "end"), [("00:00", "23:59"), ("13:00", "14:00")])
def test_hours_and_zones_are_kept_as_they_were_sent(rest, alice, zone, begin, end):
    hours = {"from": begin, "to": end, "time_zone": zone}

    assert answer(rest(alice).patch(PATH, {"quiet_hours": hours}))[1]["quiet_hours"] == hours


HOSTILE = [
    *(({name: wrong}, f"/{name}") for name in ("message", "hide_content") for wrong in (None, 1, "true", [], {})),
    *(({"quiet_hours": wrong}, "/quiet_hours") for wrong in (True, "22:00", [], 7)),
    *(({"quiet_hours": {k: v for k, v in NIGHT.items() if k != gone}}, f"/quiet_hours/{gone}") for gone in NIGHT),
    *(
        ({"quiet_hours": NIGHT | {"from": wrong}}, "/quiet_hours/from")
        for wrong in (
            *(None, 22, "", "22", "22:0", "24:00", "22:60", "2:000", "22:00:00", "22.00", "-1:00", "22:00\n"),
            *("١٢:٠٠", "22:0\0", " 9:00", "22:00Z", "x" * 10_000),
        )
    ),
    ({"quiet_hours": NIGHT | {"to": "22:00"}}, "/quiet_hours/to"),
    ({"quiet_hours": NIGHT | {"to": "7 pm!"}}, "/quiet_hours/to"),
    *(
        ({"quiet_hours": NIGHT | {"time_zone": wrong}}, "/quiet_hours/time_zone")
        for wrong in (
            None,
            1,
            "",
            "Mars/Olympus",
            "europe/berlin",
            "/etc/passwd",
            "../UTC",
            "UTC\0",
            "x" * 65,
            "+01:00",
        )
    ),
]


@pytest.mark.parametrize(("wrong", "where"), HOSTILE, ids=range(len(HOSTILE)))
def test_what_cannot_be_wanted_is_refused_by_its_field(rest, alice, wrong, where):
    assert pointers(rest(alice).patch(PATH, {"trade": False, **wrong})) == [where]
    assert not Preferences.objects.exists()
