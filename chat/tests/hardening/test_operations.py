"""The edges of the server itself: hosts, pages that are not there, methods, media types, bodies without end."""

import asyncio
import gzip
import json
from collections.abc import Callable

import pytest
from django.test import override_settings

from chat.tests.hardening.tools import (
    MARK,
    Edges,
    RawSocket,
    changes_since,
    exchange,
    mint,
    new_id,
    picture,
    problem_of,
    request_head,
)
from testing.rest import RestClient
from testing.server import ServerProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("hardening-operations")]

OURS = "127.0.0.1"
HOSTS = {
    "another": "evil.com",
    "a prefix of ours": "127.0.0.1.evil.com",
    "a suffix": "evil.com:127.0.0.1",
    "with user": "127.0.0.1@evil.com",
    "empty": "",
    "a list": "127.0.0.1, evil.com",
    "a path": "127.0.0.1/x",
    "markup": "<script>",
    "a bad port": "127.0.0.1:x",
    "underscore": "a_b",
}


@pytest.fixture(scope="module")
def shared_server(start_shared: Callable[..., ServerProcess]) -> ServerProcess:
    """As it is run in earnest: only our own host is served."""
    return start_shared(ALLOWED_HOSTS=OURS)


def status_of(answer: bytes) -> int | None:
    return int(answer.split()[1]) if answer else None


async def test_another_host_is_refused_on_every_edge(server, alice):
    token = await mint(alice)
    bearer = f"Authorization: Bearer {token}"
    before = await picture()
    for case, host in HOSTS.items():
        for path in ("/api/v1/me/", "/api/v1/conversations/", "/admin/login/", "/healthz", "/nope"):
            answer = await exchange(server, request_head("GET", path, bearer, host=host))
            assert status_of(answer) == 400, f"{case} at {path}: {answer[:200]!r}"
            assert b"Traceback" not in answer
            assert b"DisallowedHost" not in answer
        raw = await RawSocket.open(server, token, host=host, greeted=False)
        error, code = await raw.receive(), await raw.closing()
        raw.close()
        assert (error.get("code"), code) == ("forbidden", 4403), f"{case} on the socket: {error} {code}"
    assert await changes_since(before) == []


async def test_headers_of_proxies_that_are_not_there_are_worth_nothing(server, alice):
    async with RestClient(server.http_url) as client:
        client.access = await mint(alice)
        for name in ("X-Forwarded-Host", "X-Host", "Forwarded", "X-Original-URL", "X-Rewrite-URL", "Daphne-Root-Path"):
            answer = await client.request("GET", "conversations/", headers={name: "evil.com"})
            assert answer.status_code == 200, name
            assert "evil.com" not in answer.text, name
        for proto in ("https", "javascript"):
            answer = await client.request("GET", "trades/?limit=1", headers={"X-Forwarded-Proto": proto})
            assert answer.status_code == 200
            assert proto not in answer.text


async def test_pages_for_operators_and_pages_that_do_not_exist(server, alice):
    token = await mint(alice)
    async with RestClient(server.http_url) as client:
        client.access = token
        assert (await client.get("/metrics")).status_code == 200  # from this very machine
        for header in ("10.0.0.1", "127.0.0.1", "", "::1", "nonsense"):
            answer = await client.request("GET", "/metrics", headers={"X-Forwarded-For": header})
            assert answer.status_code == 404, f"/metrics through a proxy ({header!r})"
        for path in (
            *("/.env", "/.git/config", "/media/", "/static/", "/static/../config/settings.py", "/debug", "/__debug__/"),
            *(
                "/server-status",
                "/api/",
                "/api/v1/",
                "/api/v1/users/",
                "/silk/",
                "/manage.py",
                "/static/%2e%2e/manage.py",
            ),
            *("/static/..%2fmanage.py", "/%2e%2e/%2e%2e/etc/passwd", "/static/js/../../manage.py", "//evil.com/"),
        ):
            answer = status_of(data := await exchange(server, request_head("GET", path)))
            assert answer in (404, 301), f"{path}: {data[:200]!r}"
            assert b"SECRET_KEY" not in data
            assert b"DEBUG" not in data
            assert b"//evil.com" not in data.split(b"\r\n\r\n")[0].lower().split(b"location:")[-1] or answer == 404
        admin = await client.get("/admin/")
        assert (admin.status_code, admin.headers["location"]) == (302, "/admin/login/?next=/admin/")
        for path in ("/admin/accounts/user/", "/admin/accounts/devicesession/", "/admin/nope/"):
            assert (await client.get(path)).status_code in (302, 404), path


async def test_methods_media_types_and_answers_nobody_offers_have_their_codes(server, alice, trade):
    here = f"conversations/{trade.conversation_id}/messages/"
    good = {"client_id": new_id(), "body": MARK}
    async with RestClient(server.http_url) as client:
        client.access = await mint(alice)
        before = await picture()
        for method in ("PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"):
            for path in (here, "me/password/", "trades/", f"trades/{trade.pk}/", "/api/chat/admin/messages"):
                answer = await client.request(method, path)
                assert answer.status_code == 405, f"{method} {path}: {answer.status_code}"
                assert problem_of(answer)["code"] == "method_not_allowed"
                assert answer.headers["allow"]
        for accept in ("text/html", "application/xml", "image/png", "text/*", "application/json;q=0"):
            answer = await client.request("GET", "me/", headers={"Accept": accept})
            assert answer.status_code == 406 or accept.endswith("q=0"), accept
            if answer.status_code == 406:
                assert problem_of(answer)["code"] == "not_acceptable"
        for media in (
            *("text/plain", "application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"),
            *("application/json; charset=utf-16", "application/json;charset=latin-1", "text/json", "application/jsonp"),
            *("application/problem+json", "application/json, text/plain", "garbage", "*/*", "application/*"),
        ):
            answer = await client.post(here, content=json.dumps(good).encode(), headers={"Content-Type": media})
            assert answer.status_code == 415, f"{media}: {answer.status_code} {answer.text[:200]}"
            assert problem_of(answer)["code"] == "unsupported_media_type", media
        answer = await client.request("POST", here, content=json.dumps(good).encode())
        assert (answer.status_code, problem_of(answer)["code"]) == (415, "unsupported_media_type"), "no type at all"
        utf16 = json.dumps(good).encode("utf-16")
        answer = await client.post(here, content=utf16, headers={"Content-Type": "application/json"})
        assert problem_of(answer)["code"] == "bad_frame"
        assert await changes_since(before) == []
        for media in ("application/json; charset=UTF-8", 'application/json; charset="utf-8"', "APPLICATION/JSON"):
            answer = await client.post(here, content=json.dumps(good).encode(), headers={"Content-Type": media})
            assert answer.status_code in (200, 201), f"{media}: {answer.text}"


async def test_bodies_that_are_too_large_squeezed_or_endless_are_refused(server, alice, trade):
    here = f"conversations/{trade.conversation_id}/messages/"
    as_json = {"Content-Type": "application/json"}
    five = json.dumps({"client_id": new_id(), "body": MARK, "x": "x" * 5_000_000}).encode()
    bomb = gzip.compress(b" " * 50_000_000)

    async def parts():
        for _ in range(80):
            yield b" " * 65_536

    async def small_parts():
        for byte in json.dumps({"client_id": new_id(), "body": MARK}):
            yield byte.encode()

    async with RestClient(server.http_url) as client:
        client.access = await mint(alice)
        before = await picture()
        answer = await client.post(here, content=five, headers=as_json)
        assert (answer.status_code, problem_of(answer)["code"]) == (413, "too_large")
        answer = await client.post(here, content=parts(), headers=as_json)
        assert (answer.status_code, problem_of(answer)["code"]) == (413, "too_large")
        answer = await client.post(here, content=bomb, headers={**as_json, "Content-Encoding": "gzip"})
        assert answer.status_code in (400, 413, 415)
        for path in ("auth/token/", "auth/register/", "/api/chat/admin/message"):
            answer = await client.post(path, content=five, headers=as_json)
            assert answer.status_code == 413, f"{path}: {answer.text[:200]}"
        assert await changes_since(before) == []
        answer = await client.post(here, content=small_parts(), headers=as_json)
        assert answer.status_code == 201, answer.text


async def test_requests_that_two_servers_would_read_differently_are_refused(server, alice, trade):
    token = await mint(alice)
    path = f"/api/v1/conversations/{trade.conversation_id}/messages/"
    lines = [f"Authorization: Bearer {token}", "Content-Type: application/json"]
    smuggled = request_head("GET", "/api/v1/smuggled/", "X-Request-ID: smuggled")
    before = await picture()
    for case, more, body in (
        ("length and chunks", ["Content-Length: 4", "Transfer-Encoding: chunked"], b"0\r\n\r\n" + smuggled),
        ("two lengths", ["Content-Length: 2", "Content-Length: 0"], b"{}" + smuggled),
        ("a length with a sign", ["Content-Length: +2"], b"{}"),
        ("a length of letters", ["Content-Length: x"], b"{}"),
        ("a negative length", ["Content-Length: -1"], b"{}"),
        ("an unknown coding", ["Transfer-Encoding: xchunked"], b"0\r\n\r\n"),
        ("a bad chunk", ["Transfer-Encoding: chunked"], b"zz\r\n{}\r\n0\r\n\r\n"),
        ("a folded header", ["X: a\r\n b", "Content-Length: 2"], b"{}"),
        ("a space before the colon", ["Content-Length : 2"], b"{}"),
    ):
        answer = await exchange(server, request_head("POST", path, *lines, *more) + body)
        assert status_of(answer) in (400, 401, 408, 413, 415, 501, None), f"{case}: {answer[:300]!r}"
        assert b"smuggled" not in answer, case
    assert await changes_since(before) == []


async def test_odd_addresses_and_headers_never_reach_a_fault(server, alice):
    token = await mint(alice)
    bearer = f"Authorization: Bearer {token}"
    cases = {
        **{f"path {path}": request_head("GET", path, bearer) for path in (
            "/api/v1/%00", "/api/v1/conversations/%00/", "/%ff%fe", "/%ED%A0%BD", "/api/v1/me/%0d%0aX: y", "/a" * 2000,
            "/api/v1/conversations/..%2f..%2fme/", "/api/v1//me/", "/api/v1/me/?%00=%00", "/?" + "a=b&" * 3000,
            "/api/v1/conversations/?limit=%D9%A1", "/api/v1/me/?x=%ED%A0%BD", "/api/v1/me/;x", "/api/v1/me",
            "/api/v1/me/?format=xml", "/api/v1/me/?format=%00", "/api/schema/?format=x", "/api/schema/?lang=%00",
            "/api/docs/?x=%00", "/admin/login/?next=//evil.com", "/admin/jsi18n/", "/static/%00", "/static/a%00b.js",
            "/admin/%00", "/admin/accounts/user/%00/change/",
        )},
        **{f"cookie {value!r} at {path}": request_head("GET",
        path, bearer, f"Cookie: {value}") for path in ("/api/v1/me/", "/admin/")
           for value in (
            "sessionid=x", "sessionid=" + "a" * 4000, 'sessionid="abcdefgh\\000"', "sessionid=\xff\xfe" + "a" * 20,
            "csrftoken=x; sessionid=", "=; ;;", "sessionid=../../etc", 'messages="\\000"', "messages=x:y:z",
            "sessionid=' OR 1=1--aaaaaaaa", 'csrftoken="\\000\\377"',
        )},
        **{f"header {line!r}": request_head("GET", "/api/v1/me/", bearer, line) for line in (
            "X-Request-ID: \xff", "X-Request-ID: " + "a" * 5000, "Accept-Language: " + "a-" * 500, "Accept: ",
            "Accept: ,;",
            "Accept: a/b/c", "Accept: */*;q=x", "If-Modified-Since: \xff", "If-None-Match: \xff", "Range: bytes=x",
            "Expect: 100-continue", "Origin: \xff", "Origin: null", "Referer: \xff", "X-HTTP-Method-Override: DELETE",
            "Idempotency-Key: \xff", "Content-Length: 0", "Content-Type: \xff", "Content-Type: ;;;=",
        )},
    }  # fmt: skip
    for case, data in cases.items():
        answer = await exchange(server, data)
        status = status_of(answer)
        assert status is not None, f"{case[:80]}: cut off"
        assert status < 500, f"{case[:80]}: {answer[:300]!r}"
        assert b"evil.com\r\n" not in answer, case[:80]


async def test_every_answer_carries_the_headers_that_protect_it(server, alice):
    async with RestClient(server.http_url) as client:
        for path in ("/api/v1/me/", "/api/v1/nope/", "/admin/login/", "/healthz", "/nope"):
            headers = (await client.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff", path
            assert headers["x-frame-options"] == "DENY", path
            assert headers["referrer-policy"] == "same-origin", path
            assert headers["x-request-id"], path
            assert "x-powered-by" not in headers, path
        client.access = await mint(alice)
        for origin in ("https://evil.com", "null", "http://127.0.0.1.evil.com"):
            answer = await client.request("GET", "me/", headers={"Origin": origin})
            assert "access-control-allow-origin" not in answer.headers, origin
        ticket = await client.post("ws-ticket/")
        assert ticket.headers["cache-control"] == "no-store"


async def test_a_fault_of_ours_is_a_500_without_a_word_about_it(client, alice, monkeypatch):
    """In this process: no request a client can make is known to cause one."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the secret inside")

    token = await mint(alice)
    monkeypatch.setattr("accounts.api.people.profile", broken)
    client.raise_request_exception = False
    with override_settings(ALLOWED_HOSTS=["*"]):
        answer = await asyncio.to_thread(client.get, "/api/v1/me/", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 500
    assert answer["content-type"] == "application/problem+json"
    assert json.loads(answer.content)["code"] == "internal"
    assert b"secret" not in answer.content
    assert b"Traceback" not in answer.content


async def test_a_neighbour_notices_nothing_of_all_this(server, alice, trade):
    async with await Edges.open(server, alice) as hers:
        await hers.still_works(trade.conversation_id, "at the end")
