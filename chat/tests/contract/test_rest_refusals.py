"""Refusals have one shape, and what is not there is not found for anybody."""

from uuid import UUID, uuid4

import pytest
from django.test import Client

from accounts.models import DeviceSession
from accounts.throttling import request_buckets
from chat.models import Message
from chat.ratelimit import message_buckets
from chat.tests.contract.conftest import API, answer, pointers, problem
from chat.tests.factories import group

ID = UUID("01890000-0000-7000-8000-00000000abcd")  # nothing has it
ELSEWHERE = [
    *(("get", path) for path in ("search/", f"attachments/{ID}/", f"devices/{ID}/")),
    ("post", "attachments/"),
    ("get", f"messages/{ID}/revisions/"),
    ("put", f"messages/{ID}/reactions/👍/"),
    ("put", f"messages/{ID}/pin/"),
    *(("get", path) for path in ("", "nothing/", "conversations/x/", "trades/1/")),
]
PRIVATE = [
    "devices/",
    "notifications/",
    "notification-preferences/",
    "me/",
    "conversations/",
    f"conversations/{ID}/",
    f"conversations/{ID}/messages/",
    "unread/",
    "trades/",
    "staff/",
    "blocks/",
    "mentions/",
    "audit/",
    "stats/",
    "escalations/",
    f"trades/{ID}/history/",
    "reports/trades.csv",
    "canned-replies/",
]


@pytest.mark.parametrize(("method", "path"), ELSEWHERE)
def test_what_is_not_served_is_not_found(rest, alice, method, path):
    assert rest(alice)(method, path).status_code in (404, 405)


@pytest.mark.parametrize("path", ["nothing/", "search/"])
def test_an_address_that_is_not_there_answers_as_everything_else(rest, alice, path):
    assert problem(rest(alice).get(path)) == (404, "not_found")


@pytest.mark.parametrize("path", PRIVATE)
def test_nothing_is_told_without_a_token(rest, path):
    response = rest().get(path)

    assert problem(response) == (401, "unauthenticated")
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Bearer x", "Bearer ", "Basic YTpi", "Bearer a b", "x"])
@pytest.mark.django_db
def test_a_token_that_is_none_opens_nothing(header):
    assert problem(Client(headers={"Authorization": header}).get(f"{API}conversations/")) == (401, "unauthenticated")


def test_an_ended_session_opens_nothing(rest, alice):
    hers = rest(alice)
    DeviceSession.objects.all().delete()

    assert problem(hers.get("conversations/")) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("method", "path"),
    [("put", "conversations/"), ("delete", "trades/"), ("get", f"trades/{ID}/take/"), ("post", "unread/")],
)
def test_a_method_that_is_not_there(rest, alice, method, path):
    response = rest(alice)(method, path)

    assert problem(response) == (405, "method_not_allowed")
    assert response["Allow"]


def test_an_answer_in_another_form_than_json_is_not_to_be_had(rest, alice):
    assert problem(rest(alice)("get", "trades/", Accept="text/html")) == (406, "not_acceptable")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"]
)
def test_a_body_in_another_form_than_json_is_refused(alice, rest, kind):
    client = rest(alice)._client

    assert problem(client.post(f"{API}trades/", "{}", content_type=kind)) == (415, "unsupported_media_type")


NO_OBJECTS = ["", "[]", "7", "null", "{", '{"seq": NaN}', '{"a": "\\ud800"}', "\xff", "[" * 10_000]


@pytest.mark.parametrize("body", NO_OBJECTS, ids=range(len(NO_OBJECTS)))
def test_a_body_that_is_no_json_object_is_a_bad_frame(alice, rest, body):
    response = rest(alice)._client.post(
        f"{API}conversations/direct/", body.encode("latin-1"), content_type="application/json"
    )

    assert problem(response) in ((400, "bad_frame"), (400, "invalid"))
    assert (problem(response)[1] == "invalid") == (body == "")


def test_a_body_that_is_too_large_is_refused(rest, alice):
    body = {"client_id": str(ID), "body": "x" * 1024 * 1024}

    assert problem(rest(alice).post(f"conversations/{group(alice).pk}/messages/", body)) == (413, "too_large")


def test_too_many_requests_say_when_to_come_back(rest, alice, settings):
    settings.THROTTLE = True
    hers = rest(alice)
    assert hers.get("unread/").status_code == 200

    request_buckets().spend(alice.pk, 2 * settings.REQUEST_BURST)
    refused = hers.get("unread/")

    assert problem(refused) == (429, "rate_limited")
    assert 1 <= int(refused["Retry-After"]) <= 6


def test_too_many_messages_say_when_to_come_back(rest, alice, settings):
    settings.THROTTLE = True
    hers, path = rest(alice), f"conversations/{group(alice).pk}/messages/"
    assert hers.post(path, {"client_id": str(uuid4()), "body": "hi"}).status_code == 201

    message_buckets.spend(str(alice.pk), 2 * settings.MESSAGE_BURST)
    refused = hers.post(path, {"client_id": str(uuid4()), "body": "hi"})

    assert problem(refused) == (429, "rate_limited")
    assert 1 <= int(refused["Retry-After"]) <= 4
    assert Message.objects.count() == 1


def test_a_request_id_is_kept_where_it_is_harmless(rest, alice):
    kept = rest(alice)("get", "nothing/", **{"X-Request-ID": "abc-1.2_3"})
    made = rest(alice)("get", "nothing/", **{"X-Request-ID": "a b\r\n<script>"})

    assert (kept["X-Request-ID"], kept.json()["request_id"]) == ("abc-1.2_3", "abc-1.2_3")
    assert len(made["X-Request-ID"]) == 32


def test_who_i_am_and_who_others_are(rest, alice, tina, sara):
    status, me = answer(rest(tina).get("me/"))
    assert (status, me["display_name"], me["availability"], me["capacity"]) == (200, "Tina", "available", 10)

    assert answer(rest(tina).patch("me/", {"availability": "busy", "role": "super_admin"}))[1]["role"] == "trade_admin"
    assert answer(rest(sara).get(f"users/{alice.pk}/"))[1]["email"] == alice.email
    assert problem(rest(tina).get(f"users/{alice.pk}/")) == (403, "forbidden")
    assert problem(rest(sara).get(f"users/{ID}/")) == (404, "not_found")
    assert pointers(rest(sara).patch(f"users/{alice.pk}/", {"role": "owner"})) == ["/role"]


def test_a_ticket_for_a_socket(rest, alice):
    status, body = answer(rest(alice).post("ws-ticket/"))

    assert (status, set(body), body["expires_in"]) == (200, {"ticket", "expires_in"}, 30)
