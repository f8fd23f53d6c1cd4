"""notifications/ as an app meets it."""

from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.text import timestamp
from chat.tests.contract.conftest import answer, pointers, problem
from notifications.models import Notification
from notifications.tests.factories import told


def shape(row):
    return {
        "id": str(row.pk),
        "kind": row.kind,
        "text": row.text,
        "url": row.url,
        "created_at": timestamp(row.created_at),
        "read_at": row.read_at and timestamp(row.read_at),
    }


def test_mine_come_newest_first_with_how_many_are_unread(rest, alice, bob):
    rows = [told(alice), told(alice, read_at=timezone.now()), told(alice, kind="mention", url="")]
    told(bob)

    assert answer(rest(alice).get("notifications/")) == (
        200,
        {"results": [shape(row) for row in rows[::-1]], "next": None, "previous": None, "unread": 2},
    )


def test_only_the_unread_ones(rest, alice):
    told(alice, read_at=timezone.now())
    unread = told(alice)

    for query, expected in (("true", [str(unread.pk)]), ("false", None)):
        page = answer(rest(alice).get("notifications/", unread=query))[1]
        assert page["unread"] == 1
        assert expected in (None, [row["id"] for row in page["results"]])
    assert pointers(rest(alice).get("notifications/", unread="yes")) == ["/unread"]


def test_pages_lead_on_while_new_ones_come(rest, alice):
    made = [str(told(alice).pk) for _ in range(5)]
    hers = rest(alice)
    first = answer(hers.get("notifications/", limit=2))[1]
    told(alice)

    second = answer(hers.get(first["next"]))[1]
    back = answer(hers.get(second["previous"]))[1]

    assert [row["id"] for row in second["results"]] == made[1:3][::-1]
    assert [row["id"] for row in back["results"]] == made[3:][::-1]
    assert (first["unread"], second["unread"]) == (5, 6)


def test_some_are_read_then_all(rest, alice):
    first, _, _ = (told(alice) for _ in range(3))
    hers = rest(alice)

    assert answer(hers.post("notifications/read/", {"ids": [str(first.pk)]})) == (200, {"unread": 2})
    assert answer(hers.post("notifications/read/", {"ids": [str(first.pk)]})) == (200, {"unread": 2})
    assert answer(hers.post("notifications/read/", {"all": True})) == (200, {"unread": 0})
    assert all(row["read_at"] for row in answer(hers.get("notifications/"))[1]["results"])


def test_ids_of_others_change_nothing_and_tell_nothing(rest, alice, bob, sara):
    his = told(bob)

    for person in (alice, sara):
        theirs = rest(person)
        known = answer(theirs.post("notifications/read/", {"ids": [str(his.pk)]}))
        unknown = answer(theirs.post("notifications/read/", {"ids": [str(uuid4())]}))
        assert known == unknown == (200, {"unread": 0})
        assert answer(theirs.get("notifications/"))[1]["results"] == []
    assert list(Notification.objects.unread()) == [his]


def test_a_hundred_at_once_are_read(rest, alice):
    ids = [str(told(alice).pk) for _ in range(3)] + [str(uuid4()) for _ in range(97)]

    assert answer(rest(alice).post("notifications/read/", {"ids": ids})) == (200, {"unread": 0})


HOSTILE = [
    ({}, "/ids"),
    ({"ids": [], "all": True}, "/ids"),
    ({"ids": None}, "/ids"),
    ({"ids": "all"}, "/ids"),
    ({"ids": {}}, "/ids"),
    ({"ids": [""]}, "/ids/0"),
    ({"ids": [7]}, "/ids/0"),
    ({"ids": [["x"]]}, "/ids/0"),
    ({"ids": ["\0"]}, "/ids/0"),
    ({"ids": ["x" * 10_000]}, "/ids/0"),
    ({"ids": [str(uuid4()) for _ in range(101)]}, "/ids"),
    ({"all": False}, "/all"),
    ({"all": "true"}, "/all"),
    ({"all": 1}, "/all"),
    ({"all": None}, "/all"),
]


@pytest.mark.parametrize(("wrong", "where"), HOSTILE, ids=range(len(HOSTILE)))
def test_what_says_not_which_ones_reads_none(rest, alice, wrong, where):
    told(alice)

    assert pointers(rest(alice).post("notifications/read/", wrong)) == [where]
    assert Notification.objects.unread().count() == 1


def test_nobody_reads_without_a_token(rest, alice):
    told(alice)

    assert problem(rest().post("notifications/read/", {"all": True})) == (401, "unauthenticated")
    assert Notification.objects.unread().count() == 1
