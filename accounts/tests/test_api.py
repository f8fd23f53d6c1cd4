"""The endpoints of accounts as a client meets them."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import DeviceSession, Role, User
from accounts.tests.factories import PASSWORD, DeviceSessionFactory
from accounts.text import timestamp
from accounts.tokens import token_pair

API = "/api/v1/"
ALICE = {"email": "alice@example.com", "password": PASSWORD}


def send(client: Client, path: str, body: Any = None, method: str = "post", content_type: str = "application/json"):
    return getattr(client, method)(API + path, b"" if body is None else body, content_type)


def problem(response) -> tuple[int, str]:
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def pointers(response) -> list[str]:
    assert problem(response) == (400, "invalid")
    return [error["pointer"] for error in response.json()["errors"]]


def shape_of(user: User, **more: Any) -> dict[str, Any]:
    staff = {"availability": user.availability, "capacity": user.capacity} if user.is_staff else {}
    return {
        "id": str(user.pk),
        "email": user.email,
        "display_name": user.display_name,
        "role": user.role,
        "staff": user.is_staff,
        "created_at": timestamp(user.created_at),
        **staff,
        **more,
    }


@pytest.mark.django_db
def test_registering_answers_with_the_profile(api):
    response = send(api(), "auth/register/", ALICE | {"display_name": "Alice"})

    assert (response.status_code, response.json()) == (201, shape_of(User.objects.get()))
    assert problem(send(api(), "auth/register/", ALICE)) == (409, "conflict")


@pytest.mark.django_db
def test_nobody_registers_more_than_a_customer(api):
    claims = {
        "role": "super_admin",
        "is_staff": True,
        "is_superuser": True,
        "is_active": False,
        "id": str(uuid4()),
        "capacity": 99,
    }

    response = send(api(), "auth/register/", ALICE | claims)

    user = User.objects.get()
    assert (response.status_code, user.role, user.is_active, user.capacity) == (201, Role.CUSTOMER, True, 10)
    assert str(user.pk) != claims["id"]


def test_signing_in_answers_with_tokens_that_no_cache_keeps(api, alice):
    response = send(api(), "auth/token/", ALICE | {"device_id": "a1", "device_name": "Phone"})

    assert response.json() == token_pair(DeviceSession.objects.get()) | {"user": shape_of(alice)}
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")


def test_a_bad_token_that_came_along_does_not_matter_where_none_is_needed(alice):
    client = Client(headers={"Authorization": "Bearer null"})

    assert send(client, "auth/token/", ALICE).status_code == 200
    assert problem(send(client, "auth/token/", ALICE | {"password": "wrong"})) == (401, "unauthenticated")


def test_too_many_failures_say_when_to_come_back(api, alice):
    for _ in range(10):
        send(api(), "auth/token/", ALICE | {"password": "wrong"})

    response = send(api(), "auth/token/", ALICE)

    assert problem(response) == (429, "rate_limited")
    assert 890 <= int(response["Retry-After"]) <= 900


def test_refreshing_rotates_and_is_not_cached(api, phone):
    response = send(api(), "auth/token/refresh/", {"refresh": token_pair(phone)["refresh"]})

    phone.refresh_from_db()
    assert (response.status_code, response.json(), response["Cache-Control"]) == (200, token_pair(phone), "no-store")


@pytest.mark.parametrize("token", ["", "null", "a.b.c", "\ud83d", "é"])
def test_what_is_no_refresh_token_is_refused(api, db, token):
    body = b'{"refresh": "\\ud83d"}' if token == "\ud83d" else {"refresh": token}

    assert problem(send(api(), "auth/token/refresh/", body)) in [(401, "unauthenticated"), (400, "bad_frame")]


def test_logging_out_by_bearer_or_by_refresh_token(api, alice):
    one, two, three = (DeviceSessionFactory(user=alice) for _ in range(3))

    assert send(api(one), "auth/logout/").status_code == 204
    assert send(api(), "auth/logout/", {"refresh": token_pair(two)["refresh"]}).status_code == 204
    assert list(DeviceSession.objects.live()) == [three]
    assert problem(send(api(one), "auth/logout/")) == (401, "unauthenticated")
    assert problem(send(api(), "auth/logout/")) == (401, "unauthenticated")
    assert problem(send(api(), "auth/logout/", {"refresh": token_pair(two)["refresh"]})) == (401, "unauthenticated")


def test_logging_out_everywhere(api, alice, phone):
    DeviceSessionFactory(user=alice)

    assert send(api(phone), "auth/logout-all/").status_code == 204
    assert not DeviceSession.objects.live().exists()


def test_a_profile_shows_work_to_staff_only(api, alice, bob, phone):
    assert api(phone).get(API + "me/").json() == shape_of(alice)
    assert api(DeviceSessionFactory(user=bob)).get(API + "me/").json() == shape_of(bob)


def test_a_profile_takes_a_name_and_ignores_every_claim(api, alice, phone):
    claims = {
        "role": "super_admin",
        "is_staff": True,
        "is_superuser": True,
        "availability": "away",
        "capacity": 99,
        "email": "x@example.com",
        "id": str(uuid4()),
        "is_active": False,
        "password": "x",
    }

    response = send(api(phone), "me/", {"display_name": "Alicia"} | claims, "patch")

    alice.refresh_from_db()
    assert (response.status_code, response.json()) == (200, shape_of(alice))
    assert (alice.display_name, alice.role, alice.email, alice.capacity, alice.availability, alice.is_active) == (
        "Alicia",
        Role.CUSTOMER,
        "alice@example.com",
        10,
        "available",
        True,
    )
    assert alice.check_password(PASSWORD)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"display_name": None}, ["/display_name"]),
        ({"display_name": 1}, ["/display_name"]),
        ({"display_name": {}}, ["/display_name"]),
        ({"display_name": "x" * 81}, ["/display_name"]),
        ({"display_name": "a\0"}, ["/display_name"]),
        ({"display_name": "\u200b"}, ["/display_name"]),
        ({"other": ["\0"]}, ["/other/0"]),
        ({"availability": 1}, ["/availability"]),
    ],
    ids=str,
)
def test_a_bad_field_is_named(api, phone, body, where):
    assert pointers(send(api(phone), "me/", body, "patch")) == where


@pytest.mark.parametrize(
    "path", ["auth/register/", "auth/token/", "auth/token/refresh/", "auth/logout/", "me/password/", "auth/logout-all/"]
)
@pytest.mark.parametrize("body", [b"[]", b"{", b"NaN", b"[" * 100_000, b'{"a":' * 100_000, b'"x"', b"\xc3\x28"])
def test_no_body_upsets_an_endpoint(api, phone, path, body):
    response = send(api(phone), path, body)

    if path == "auth/logout-all/":  # takes no body, and so looks at none
        assert response.status_code == 204
    else:
        assert problem(response) == (400, "bad_frame")


@pytest.mark.parametrize("path", ["auth/register/", "auth/token/", "auth/token/refresh/", "me/password/"])
def test_nul_is_invalid_in_every_field(api, phone, path):
    for field in ("email", "password", "display_name", "device_id", "device_name", "refresh", "current", "new"):
        assert pointers(send(api(phone), path, {field: "a\0b"})) == [f"/{field}"]


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "rubbish",
    ],
)
def test_only_json_in_utf_8_is_taken(api, alice, content_type):
    response = send(api(), "auth/token/", b'{"email": "alice@example.com"}', content_type=content_type)

    assert response.status_code == 415


def test_a_body_over_the_limit_is_too_large(api, alice, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    assert problem(send(api(), "auth/token/", ALICE | {"x": "x" * 100})) == (413, "too_large")


def test_a_missing_body_lacks_its_fields(api, db):
    assert pointers(send(api(), "auth/token/")) == ["/email"]


def test_changing_the_password(api, alice, phone):
    other = DeviceSessionFactory(user=alice)
    body = {"current": PASSWORD, "new": "another good password"}

    assert pointers(send(api(phone), "me/password/", body | {"current": "wrong"})) == ["/current"]
    assert send(api(phone), "me/password/", body).status_code == 204
    assert api(phone).get(API + "me/").status_code == 200
    assert problem(api(other).get(API + "me/")) == (401, "unauthenticated")


def test_super_admins_see_and_change_everybody_and_nobody_else_does(api, root, bob, alice, phone):
    admin, trader = api(DeviceSessionFactory(user=root)), api(DeviceSessionFactory(user=bob))
    path = f"users/{bob.pk}/"

    for client in (trader, api(phone)):
        assert problem(client.get(API + path)) == (403, "forbidden")
        assert problem(client.get(f"{API}users/{uuid4()}/")) == (403, "forbidden")
        assert problem(send(client, path, {"role": "super_admin"}, "patch")) == (403, "forbidden")
    assert problem(api().get(API + path)) == (401, "unauthenticated")
    assert admin.get(API + path).json() == shape_of(bob, is_active=True)

    response = send(admin, path, {"capacity": 4, "is_active": False, "email": "x@example.com"}, "patch")

    bob.refresh_from_db()
    assert (response.json(), bob.capacity, bob.email) == (shape_of(bob, is_active=False), 4, "bob@example.com")
    assert problem(trader.get(API + "me/")) == (401, "unauthenticated")
    assert problem(admin.get(f"{API}users/{uuid4()}/")) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"is_active": "no"}, ["/is_active"]),
        ({"is_active": None}, ["/is_active"]),
        ({"role": "boss"}, ["/role"]),
        ({"role": 1}, ["/role"]),
        ({"capacity": 10**30}, ["/capacity"]),
        ({"capacity": 1.0}, ["/capacity"]),
        ({"capacity": True}, ["/capacity"]),
        ({"capacity": "1"}, ["/capacity"]),
        ({"capacity": -1}, ["/capacity"]),
    ],
    ids=str,
)
def test_super_admins_send_no_nonsense_either(api, root, bob, body, where):
    assert pointers(send(api(DeviceSessionFactory(user=root)), f"users/{bob.pk}/", body, "patch")) == where


def test_a_ticket_is_for_whoever_is_signed_in(api, phone):
    response = send(api(phone), "ws-ticket/")

    assert response.json() == {"ticket": response.json()["ticket"], "expires_in": 30}
    assert (len(response.json()["ticket"]), response["Cache-Control"]) == (43, "no-store")
    assert problem(send(api(), "ws-ticket/")) == (401, "unauthenticated")


def test_a_flood_of_requests_is_slowed_down(api, phone, settings):
    settings.REQUEST_BURST = 3
    client = api(phone)

    statuses = [client.get(API + "me/").status_code for _ in range(4)]

    assert statuses == [200, 200, 200, 429]
    assert client.get(API + "me/")["Retry-After"] == "1"
