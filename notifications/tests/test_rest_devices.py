"""devices/ as an app meets it."""

from uuid import UUID, uuid4

import pytest

from accounts.models import DeviceSession
from accounts.tests.factories import DeviceSessionFactory
from chat.tests.contract.conftest import answer, pointers, problem
from notifications.models import Device
from notifications.tests.factories import new_token, phone


def body(**fields):
    return {"token": new_token(), "platform": "android", "name": "Pixel 9", **fields}


def test_a_device_is_registered_shown_and_removed(rest, alice):
    hers, sent = rest(alice), body()

    status, device = answer(hers.post("devices/", sent))

    assert (status, device) == (201, {"id": device["id"], **sent, "active": True})
    assert answer(hers.get("devices/")) == (200, {"results": [device], "next": None, "previous": None})
    assert hers("delete", f"devices/{device['id']}/").status_code == 204
    assert answer(hers.get("devices/"))[1]["results"] == []
    assert problem(hers("delete", f"devices/{device['id']}/")) == (404, "not_found")


def test_the_same_app_again_is_the_same_device(rest, alice):
    hers, sent = rest(alice), body(token="ExponentPushToken[abc]")
    _, first = answer(hers.post("devices/", sent))

    status, again = answer(hers.post("devices/", {"token": "ExpoPushToken[abc]", "platform": "ios"}))

    assert (status, again) == (
        200,
        {"id": first["id"], "token": "ExpoPushToken[abc]", "platform": "ios", "name": "", "active": True},
    )


def test_a_device_hangs_on_the_sign_in_that_registered_it_last(rest, alice):
    first, second, sent = rest(alice), rest(alice), body()
    _, device = answer(first.post("devices/", sent))
    assert answer(second.post("devices/", sent)) == (200, device)

    first.post("auth/logout/")

    assert Device.objects.reachable().filter(pk=device["id"]).exists()


def test_the_phone_of_somebody_else_is_mine_when_i_sign_in_on_it(rest, alice, bob):
    hers, his, sent = rest(alice), rest(bob), body()
    hers.post("devices/", sent)

    status, device = answer(his.post("devices/", sent))

    assert status == 201
    assert answer(hers.get("devices/"))[1]["results"] == []
    assert [row["id"] for row in answer(his.get("devices/"))[1]["results"]] == [device["id"]]


def test_the_newest_device_comes_first_a_page_at_a_time(rest, alice, bob):
    made = [str(phone(alice).pk) for _ in range(3)]
    phone(bob)
    hers, found, link = rest(alice), [], "devices/?limit=2"

    while link:
        page = answer(hers.get(link))[1]
        found += [row["id"] for row in page["results"]]
        link = page["next"]

    assert found == made[::-1]


def test_nobody_removes_or_sees_the_device_of_somebody_else(rest, alice, bob, sara):
    device = phone(alice)

    for stranger in (bob, sara):
        theirs = rest(stranger)
        assert problem(theirs("delete", f"devices/{device.pk}/")) == (404, "not_found")
        assert problem(theirs("delete", f"devices/{uuid4()}/")) == (404, "not_found")
        assert answer(theirs.get("devices/"))[1]["results"] == []
    assert Device.objects.reachable().get() == device


HOSTILE = [
    ({}, ["/token"]),
    ({"token": None}, ["/token"]),
    ({"token": 7}, ["/token"]),
    ({"token": ["ExpoPushToken[a]"]}, ["/token"]),
    ({"token": {"$gt": ""}}, ["/token"]),
    ({"token": ""}, ["/token"]),
    ({"token": "https://evil/"}, ["/token"]),
    ({"token": "ExpoPushToken[a]\n"}, ["/token"]),
    ({"token": "ExpoPushToken[a\0]"}, ["/token"]),
    ({"token": f"ExpoPushToken[{'x' * 10_000}]"}, ["/token"]),
    ({"token": f"ExpoPushToken[{'x' * 161}]"}, ["/token"]),
    ({"token": "FCM[x]"}, ["/token"]),
    ({"platform": None}, ["/platform"]),
    ({"platform": "windows"}, ["/platform"]),
    ({"platform": "IOS"}, ["/platform"]),
    ({"platform": True}, ["/platform"]),
    ({"name": 7}, ["/name"]),
    ({"name": "x" * 201}, ["/name"]),
    ({"name": "a\nb"}, ["/name"]),
    ({"name": "a\0b"}, ["/name"]),
    ({"name": "a\u2028b"}, ["/name"]),
    ({"name": "\u200b"}, ["/name"]),
    ({"name": " "}, ["/name"]),
]


@pytest.mark.parametrize(("wrong", "where"), HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_device_is_refused_by_its_field(rest, alice, wrong, where):
    sent = body(**wrong) if wrong else {}

    assert pointers(rest(alice).post("devices/", sent)) == where
    assert not Device.objects.exists()


@pytest.mark.parametrize("name", ["", None, "x" * 200, "Алисин телефон 📱", "<script>", "{{7*7}}"])
def test_a_name_is_kept_as_it_was_sent(rest, alice, name):
    assert answer(rest(alice).post("devices/", body(name=name)))[1]["name"] == (name or "")


def test_what_a_body_claims_beside_is_not_applied(rest, alice, bob):
    claims = {"id": str(uuid4()), "user": str(bob.pk), "session": str(uuid4()), "active": False, "badge": 99}

    _, device = answer(rest(alice).post("devices/", body(**claims)))

    row = Device.objects.get()
    assert (str(row.pk), row.user, row.active, row.badge) == (device["id"], alice, True, 0)
    assert device["id"] != claims["id"]


@pytest.mark.parametrize("path", ["devices/x/", "devices/1/", f"devices/{UUID(int=0)}%00/", "devices/..%2f/"])
def test_an_id_that_is_none_is_not_found(rest, alice, path):
    assert rest(alice)("delete", path).status_code in (400, 404)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=x", "limit=١"])
def test_a_page_that_cannot_be_is_refused(rest, alice, query):
    for path in ("devices/", "notifications/"):
        assert pointers(rest(alice).get(f"{path}?{query}")) == [f"/{query.partition('=')[0]}"]


def test_a_refused_body_names_no_token(rest, alice):
    refused = rest(alice).post("devices/", {"token": "FCM[my-secret]", "platform": "ios"})

    assert problem(refused) == (400, "invalid")
    assert b"my-secret" not in refused.content


@pytest.mark.parametrize("path", ["devices/", "notifications/", "notification-preferences/"])
def test_an_ended_sign_in_gets_nothing(rest, alice, path):
    hers = rest(alice)
    hers.post("auth/logout-all/")

    assert problem(hers.get(path)) == (401, "unauthenticated")
    assert problem(hers.post("devices/", body())) == (401, "unauthenticated")
    assert not DeviceSession.objects.live().exists()


def test_one_device_of_a_sign_in_at_a_time(rest, alice):
    hers = rest(alice)
    DeviceSessionFactory.create(user=alice)
    first, second = (answer(hers.post("devices/", body()))[1] for _ in range(2))

    assert [row["id"] for row in answer(hers.get("devices/"))[1]["results"]] == [second["id"]]
    assert Device.objects.get(pk=first["id"]).end_reason == "replaced"
