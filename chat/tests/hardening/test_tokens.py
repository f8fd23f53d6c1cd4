"""Every way of saying who one is on the WebSocket, with good and bad credentials; none of them is ever logged."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.actions import sessions
from accounts.models import DeviceSession, User
from accounts.tests.factories import DeviceSessionFactory
from accounts.tokens import token_pair
from chat.tests.hardening.tools import MARK, Edges, changes_since, exchange, mint, new_id, picture, request_head
from testing.client import Refused, SocketClient
from testing.rest import RestClient
from testing.server import ServerProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("hardening-tokens")]


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def signed(payload: dict[str, Any], *, alg: str = "HS256", key: str | None = None) -> str:
    """A token by hand, with any header and any claims."""
    text = f"{part({'alg': alg, 'typ': 'JWT'})}.{part(payload)}"
    digest = hmac.digest((settings.JWT_KEY if key is None else key).encode(), text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


@database_sync_to_async
def bad_tokens(user: User, other: User) -> dict[str, tuple[str, str]]:
    """By case: the token, and the code it is refused with."""
    session = DeviceSessionFactory.create(user=user)
    pair, now = token_pair(session), int(time.time())
    claims = {
        "token_type": "access", "sub": str(user.pk), "sid": str(session.pk), "jti": str(uuid4()), "iat": now,
        "exp": now + 600,
    }  # fmt: skip
    header, payload, signature = pair["access"].split(".")
    no = "unauthenticated"
    cases: dict[str, tuple[str, str]] = {
        "refresh used as access": (pair["refresh"], no),
        "null": ("null", no),
        "undefined": ("undefined", no),
        "two dots": ("..", no),
        "no signature": (f"{header}.{payload}.", no),
        "half a signature": (f"{header}.{payload}.{signature[:20]}", no),
        "another payload": (f"{header}.{part({**claims, 'sub': str(other.pk)})}.{signature}", no),
        "another key": (signed(claims, key="x" * 64), no),
        "the empty key": (signed(claims, key=""), no),
        "Django's key": (signed(claims, key=settings.SECRET_KEY), no),
        "expired": (signed({**claims, "exp": now - 2}), "token_expired"),
        "session of somebody else": (signed({**claims, "sub": str(other.pk)}), no),
        "session unknown": (signed({**claims, "sid": str(uuid4())}), no),
        "issued in the future": (signed({**claims, "iat": now + 3600}), no),
        "not yet": (signed({**claims, "nbf": now + 3600}), no),
    }
    for alg in ("none", "None", "nOnE", "HS512", "RS256", "ES256", ""):
        cases[f"alg {alg}"] = (signed(claims, alg=alg), no)
        cases[f"alg {alg}, unsigned"] = (signed(claims, alg=alg).rpartition(".")[0] + ".", no)
    for name in ("sub", "sid", "jti", "token_type", "exp"):
        cases[f"no {name}"] = (signed({key: value for key, value in claims.items() if key != name}), no)
    for bad in (1, [str(user.pk)], {"id": str(user.pk)}, "1 OR 1", "", None, True, "a\x00b", "x" * 2000, str(uuid4())):
        cases[f"sub {str(bad)[:40]!r}"] = (signed({**claims, "sub": bad}), no)
        cases[f"sid {str(bad)[:40]!r}"] = (signed({**claims, "sid": bad}), no)
    for bad in ("9999999999", 1e400, float("nan"), -1, 10**30, None, [], True, now + 600.5):
        cases[f"exp {bad!r}"] = (signed({**claims, "exp": bad}), "token_expired" if bad == -1 or bad is True else no)
    return cases


async def refusal(server: ServerProcess, **how: Any) -> tuple[str | None, int | None]:
    """The error code and close code of a socket that must not be let in."""
    try:
        client = await SocketClient.connect(server.ws_url, **how)
    except Refused as refused:
        return (refused.error or {}).get("code"), refused.code
    await client.close()
    return "let in", None


async def test_bad_tokens_open_no_socket_whichever_way_they_come(server, alice, bob):
    cases = await bad_tokens(alice, bob)
    before = await picture()
    for case, (token, code) in cases.items():
        for way in ("token", "first_frame_token"):
            got = await refusal(server, **{way: token})
            assert got == (code, 4401), f"{case} as {way}: {got}"
        if "." in token.strip(".") and len(token) < 4000 and "/" not in token:
            assert await refusal(server, subprotocol_token=token) == (code, 4401), f"{case} as subprotocol"
        async with RestClient(server.http_url) as client:
            client.access = token
            answer = await client.get("me/")
            assert (answer.status_code, answer.json()["code"]) == (401, code), f"{case} over REST: {answer.text}"
    assert await changes_since(before) == []


async def test_headers_that_hold_no_single_token_are_refused(server, alice):
    token = await mint(alice)
    for value in (
        *("", "Bearer", "Bearer ", "Bearer null", "Bearer undefined", f"Bearer Bearer {token}", f"Basic {token}"),
        *(f"Bearer {token} {token}", f"Bearer {token},Bearer {token}", f"Token {token}", token, f"Bearer\t{token}"),
        *(f"bearer{token}", f"Bearer {token};", f'Bearer "{token}"', "Bearer " + "x" * 7000),
    ):
        got = await refusal(server, additional_headers={"Authorization": value})
        assert got == ("unauthenticated", 4401), f"{value[:20]!r}: {got}"
    for value in (f"Bearer {token}", f"bearer {token}", f"BEARER {token}"):
        socket = await SocketClient.connect(server.ws_url, additional_headers={"Authorization": value})
        await socket.close()


async def test_a_bad_bearer_is_not_mended_by_anything_that_came_with_it(server, alice, sara, desk):
    good = await mint(alice)
    async with RestClient(server.http_url) as client:
        client.access = good
        ticket = await client.ws_ticket()
    own = server.http_url
    for case, how in {
        "bad header, good subprotocol": {"token": "bad", "subprotocol_token": good},
        "bad header, good ticket": {"token": "bad", "ticket": ticket},
        "bad header, good cookie": {"token": "bad", "cookie": desk, "origin": own},
        "bad subprotocol, good cookie": {"subprotocol_token": "bad", "cookie": desk, "origin": own},
        "bad ticket, good cookie": {"ticket": "bad", "cookie": desk, "origin": own},
    }.items():
        assert await refusal(server, **how) == ("unauthenticated", 4401), case
    socket = await SocketClient.connect(server.ws_url, token=good, cookie=desk, origin=own)
    assert (await socket.connected())["user"]["id"] == str(alice.pk), "a bearer wins over a cookie"
    await socket.close()


async def test_the_subprotocol_is_named_only_where_it_was_offered(server, alice):
    token = await mint(alice)
    for offered, selected in (
        (["parley.v1", f"bearer.{token}"], "parley.v1"),
        ([f"bearer.{token}", "parley.v1"], "parley.v1"),
        (["other", "parley.v1", f"bearer.{token}"], "parley.v1"),
        ([f"bearer.{token}"], None),
        (["parley.v2", f"bearer.{token}"], None),
    ):
        socket = await SocketClient.connect(server.ws_url, subprotocols=offered)
        assert socket.connection.subprotocol == selected, offered[0][:10]
        await socket.close()
    for offered in (["parley.v1", "bearer."], ["parley.v1", "bearer.x"], ["bearer.null", "parley.v1"]):
        assert await refusal(server, subprotocols=offered) == ("unauthenticated", 4401), offered


async def test_a_ticket_opens_one_socket_in_its_time(server, alice):
    async with RestClient(server.http_url) as client:
        client.access = await mint(alice)
        ticket = await client.ws_ticket()
        socket = await SocketClient.connect(server.ws_url, ticket=ticket)
        assert (await socket.connected())["user"]["id"] == str(alice.pk)
        await socket.close()
        late, dead = await client.ws_ticket(), await client.ws_ticket()
        await age(late)
        for case, bad in {
            "used": ticket, "expired": late, "unknown": "x" * 43, "long": "x" * 6000,
            "NUL": "\x00", "no UTF-8": "\udcff".encode("utf-8", "surrogatepass").decode("latin-1"), "SQL": "' OR 1=1--",
        }.items():  # fmt: skip
            got = await refusal(server, ticket=bad)
            assert got == ("unauthenticated", 4401), f"{case}: {got}"
        await client.post("auth/logout/")
        assert await refusal(server, ticket=dead) == ("unauthenticated", 4401), "of a session that ended"
    written = server.log
    for ticket_text in (ticket, late, dead):
        assert ticket_text not in written


@database_sync_to_async
def age(ticket: str) -> None:
    from accounts.models import WsTicket

    newest = WsTicket.objects.order_by("-expires_at").last()
    for row in WsTicket.objects.all():
        if row.digest == sessions._digest(ticket):
            newest = row
    WsTicket.objects.filter(pk=newest.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


async def test_people_and_sessions_that_ended_are_let_in_nowhere(server, alice, bob, tina):
    tokens = {user.display_name: await mint(user) for user in (alice, bob, tina)}
    await end_all(alice, bob)
    for name, how in (("Alice", "closed account"), ("Bob", "revoked session")):
        for way in ("token", "first_frame_token", "subprotocol_token"):
            assert await refusal(server, **{way: tokens[name]}) == ("unauthenticated", 4401), f"{how} as {way}"
        async with RestClient(server.http_url) as client:
            client.access = tokens[name]
            assert (await client.get("conversations/")).status_code == 401, how


@database_sync_to_async
def end_all(closed: User, revoked: User) -> None:
    User.objects.filter(pk=closed.pk).update(is_active=False)
    DeviceSession.objects.filter(user=revoked).update(revoked_at=timezone.now())


# -- Cookies and origins -----------------------------------------------------------------------------------------------


@pytest.fixture
def desk(sara: User) -> str:
    """The Cookie header of a super admin who signed in on the staff pages."""
    client = Client()
    client.force_login(sara)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


FOREIGN = [
    "https://evil.com", "null", "https://app.example.com.evil.com", "http://app.example.com", "https://app.example.com:8443",
    "https://evil.com/https://app.example.com", "https://app.example.com@evil.com", "https://app.example.com/",
    "https://sub.app.example.com", "app.example.com", "file://", "*", "https://аpp.example.com",
    "chrome-extension://abcdef", "https://app.example.com, https://evil.com", "https://app.example.com.", "wss://app.example.com",
]  # fmt: skip


@pytest.fixture(scope="module")
def shared_server(start_shared: Callable[..., ServerProcess]) -> ServerProcess:
    return start_shared(CORS_ORIGINS="https://app.example.com", ALLOWED_HOSTS="127.0.0.1")


async def test_a_cookie_counts_only_with_an_origin_of_ours(server, sara, alice, desk):
    own = server.http_url
    for origin in (own, own.upper().replace("HTTP", "http"), "https://app.example.com", "HTTPS://APP.example.com"):
        socket = await SocketClient.connect(server.ws_url, cookie=desk, origin=origin)
        assert (await socket.connected())["user"]["id"] == str(sara.pk), origin
        await socket.close()
    token = await mint(alice)
    for origin in [*FOREIGN, own.replace("http:", "https:"), own + "0", f"http://localhost:{server.port}"]:
        if not origin.isascii():
            origin = origin.encode().decode("latin-1")
        for how in ({"cookie": desk}, {"token": token}, {}):
            got = await refusal(server, origin=origin, **how)
            assert got == ("forbidden", 4403), f"{origin} with {list(how)}: {got}"
    silent = await SocketClient.connect(server.ws_url, cookie=desk, wait=False)
    await silent.send({"type": "ping", "id": "1"})
    error = await silent.wait_for(lambda frame: frame["type"] == "error")
    assert error["code"] == "unauthenticated", "without an Origin the cookie does not count"
    await silent.close()
    for cookie in (
        "sessionid=x",
        'sessionid="abcdefgh\\000"',
        "sessionid=' OR 1=1--aaaa",
        "sessionid=" + "a" * 32,
    ):
        got = await refusal(server, cookie=cookie, origin=own)
        assert got == ("unauthenticated", 4401), f"{cookie}: {got}"


async def test_cookies_that_died_open_nothing(server, sara, desk):
    own = server.http_url
    for case, change in {
        "demoted": {"role": "customer"},
        "closed": {"role": "super_admin", "is_active": False},
        "password": {"is_active": True, "password": "another"},
    }.items():
        await database_sync_to_async(User.objects.filter(pk=sara.pk).update)(**change)
        assert await refusal(server, cookie=desk, origin=own) == ("unauthenticated", 4401), case


# -- Tokens in addresses -----------------------------------------------------------------------------------------------


async def test_a_token_in_the_address_counts_only_where_that_is_switched_on(server, start_shared, alice):
    token = await mint(alice)
    socket = await SocketClient.connect(server.ws_url, query_token=token, wait=False)
    await socket.send({"type": "ping"})
    assert (await socket.wait_for(lambda frame: True))["code"] == "unauthenticated"
    await socket.close()
    old = start_shared(WS_QUERY_TOKEN="1")
    socket = await SocketClient.connect(old.ws_url, query_token=token)
    await socket.close()
    assert (await refusal(old, query_token="bad")) == ("unauthenticated", 4401)
    for running in (server, old):
        for path in (
            f"/ws/?token={token}",
            f"/ws/x?ticket={token}",
            f"/api/v1/me/?token={token}",
            f"/?x={quote(token)}",
        ):
            await exchange(running, request_head("GET", path))
        for place in ("/ws/x", "/nope"):
            with pytest.raises(Exception, match=r"40[34]"):
                await SocketClient.connect(f"ws://127.0.0.1:{running.port}{place}?token={token}")
        assert token not in running.log
        assert "Traceback" not in running.log


# -- Renewing a live socket --------------------------------------------------------------------------------------------


async def test_a_live_socket_is_renewed_by_its_own_person_only_and_survives_bad_tokens(server, alice, bob, trade):
    cases = await bad_tokens(alice, bob)
    async with await Edges.open(server, alice) as hers:
        before = await picture()
        for case, (token, code) in cases.items():
            answer = await hers.socket.request({"type": "auth", "token": token})
            assert answer["type"] == "error", case
            assert answer["code"] in (code, "forbidden" if case.startswith(("sub", "session of")) else code), (
                f"{case}: {answer}"
            )
        assert await changes_since(before) == []
        answer = await hers.socket.request({"type": "auth", "token": await mint(bob)})
        assert answer["code"] == "forbidden"
        answer = await hers.socket.request({"type": "auth", "token": await mint(alice)})
        assert answer["type"] == "ack"
        ack = await hers.socket.send_message(str(trade.conversation_id), f"{MARK} {new_id()}")
        assert ack["message"]["sender"]["id"] == str(alice.pk)
