"""Filters, cursors, references and names that try to be something else; and what comes in the wrong order or state."""

import json
from base64 import b64encode
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from channels.db import database_sync_to_async
from django.test import Client

from accounts.models import User
from accounts.tests.factories import UserFactory
from chat.actions import trades
from chat.models import Participant, Trade
from chat.tests.factories import open_trade
from chat.tests.hardening.tools import (
    MARK,
    Edges,
    changes_since,
    exchange,
    new_id,
    picture,
    problem_of,
    request_head,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("hardening-injection")]

HOSTILE = [
    "' OR 1=1--", "'; SELECT pg_sleep(10);--", "1; DROP TABLE chat_message", "\x00", "a\x00b", "%", "_", "\\", "%00",
    "%25",
    "../../etc/passwd", "{{7*7}}", "%s", "%(x)s", "{0.__class__}", "${jndi:ldap://x}", "<script>alert(1)</script>",
    "null",
    "undefined", "NaN", "1e400", "-1", "1.0", "١٢٣", " 7 ", "1_000", "0x10", "9" * 5000, "a" * 3000, "(a+)+$",
    "a & | !(",
    "\ud83d".encode("utf-8", "surrogatepass").decode("latin-1"), "\u202e", "\r\nSet-Cookie: x=1", "[]", "{}",
    "true'", "[$ne]",
]  # fmt: skip


def cursor(**parts: str) -> str:
    return b64encode(urlencode(parts).encode()).decode()


CURSORS = {
    "NUL": cursor(p="\x00"), "NUL in a text": cursor(p="a\x00b"), "SQL": cursor(p="' OR 1=1--"),
    "no date": cursor(p="x"),
    "year 0": cursor(p="0000-01-01"), "year 1, far east": cursor(p="0001-01-01T00:00:00+23:59"),
    "year 9999, far west": cursor(p="9999-12-31T23:59:59.999999-23:59"), "infinity": cursor(p="infinity"),
    "today": cursor(p="now"), "offset of letters": cursor(o="x"), "offset below zero": cursor(o="-1"),
    "huge offset": cursor(o="9" * 30), "huge": cursor(p="9" * 5000), "reverse": cursor(r="x", p="x"),
    "surrogate": b64encode(b"p=%ED%A0%BD").decode(), "no UTF-8": b64encode(b"p=%FF%FE").decode(),
    "no base64": "%%%", "letters": "é", "empty": "", "binary": b64encode(bytes(range(256))).decode(),
    "February 30": cursor(p="2026-02-30T00:00:00Z"), "no zone": cursor(p="2026-02-01T00:00:00"),
}  # fmt: skip
LISTS = ("conversations/", "trades/", "trades/?queue=1", "staff/")


async def test_filters_limits_and_cursors_are_read_strictly(server, tina, trade):
    here = f"conversations/{trade.conversation_id}/"
    parameters = {
        "conversations/": ("limit", "kind", "unread", "ordering", "format"),
        "trades/": ("queue", "status", "reference", "assignee__password"),
        "staff/": ("cursor",),
        f"{here}messages/": ("before_seq", "after_seq"),
        f"{here}events/": ("limit",),
        "/api/chat/admin/messages": ("with",),
    }
    async with await Edges.open(server, tina) as hers:
        before = await picture()
        normal = {path: (await hers.rest.get(path)).status_code for path in parameters}
        for path, names in parameters.items():
            for name in names:
                for value in HOSTILE:
                    answer = await hers.rest.get(f"{path}?{name}={quote(value, safe='')}")
                    case = f"{path}?{name}={value[:40]!r}"
                    assert answer.status_code in (normal[path], 400, 404), (
                        f"{case}: {answer.status_code} {answer.text[:200]}"
                    )
                    assert answer.elapsed.total_seconds() < 2, case
                    if answer.status_code == 400:
                        problem = problem_of(answer)
                        assert problem["code"] == "invalid", f"{case}: {problem}"
                        assert "psycopg" not in answer.text, case
        for path in LISTS:
            for case, value in CURSORS.items():
                joint = "&" if "?" in path else "?"
                answer = await hers.rest.get(f"{path}{joint}cursor={quote(value, safe='')}")
                assert answer.status_code in (200, 400), (
                    f"{path} with cursor {case}: {answer.status_code} {answer.text[:200]}"
                )
        assert await changes_since(before) == []


async def test_a_reference_in_an_address_is_only_a_reference(server, alice, bob, tina, trade):
    strange = [
        "a b",
        "50%",
        "a_b",
        "ü/ö",
        "x?y#z",
        "<b>",
        "'; --",
        "..",
        "a//b",
        "message",
        "x/messages",
        "ZQ😀",
        "\\",
        "{0}",
    ]
    for name in strange:
        await database_sync_to_async(open_trade)(alice, reference=name)
    async with await Edges.open(server, alice) as hers, await Edges.open(server, bob) as his:
        for name in strange:
            path = f"/api/chat/trade/{quote(name, safe='')}/message"
            found = await hers.rest.get(f"{path}s") if name != ".." else None
            if found is not None:
                assert found.status_code == 200, f"{name!r}: {found.text}"
                assert {entry["tradeId"] for entry in found.json()["messages"]} == {name}
                sent = await hers.rest.post(path, {"message": f"{MARK} {name}"})
                assert sent.status_code == 201, f"{name!r}: {sent.text}"
                assert (await his.rest.get(f"{path}s")).status_code == 404, name
        before = await picture()
        for value in (value for value in HOSTILE if value not in strange):
            for client in (hers.rest, his.rest):
                answer = await client.get(f"/api/chat/trade/{quote(value, safe='')}/messages")
                assert answer.status_code == 404, f"{value[:40]!r}: {answer.status_code} {answer.text[:200]}"
        for raw in ("%2F", "%00", "..%2f..%2fapi", f"{trade.reference}%00", f"{trade.reference}%20", "%C0%AF"):
            data = request_head("GET", f"/api/chat/trade/{raw}/messages", f"Authorization: Bearer {hers.rest.access}")
            assert b" 404 " in await exchange(server, data), raw
        assert await changes_since(before) == []


async def test_fields_of_a_trade_are_one_visible_line_and_exact_amounts(server, alice):
    good = {
        "reference": "BP-fields", "side": "buy", "asset": "BTC", "asset_amount": "1", "fiat_currency": "EUR",
        "fiat_amount": "1", "payment_method": "SEPA",
    }  # fmt: skip
    bad_amounts = ["0", "0.0", "-1", "+1", "1e5", "NaN", "Infinity", "", " 1", "1 ", "1,5", "١", "1_000", "0x1",
    ".5", "1.",
                   "1." + "0" * 19, "9" * 21, "01", "1\n", "１"]  # fmt: skip
    bad_lines = ["", " ", "\u200b", "a\nb", "a\rb", "a\x1b[31m", "a\x00", "a\u2028b", "x" * 65, "\u3164"]
    async with await Edges.open(server, alice) as hers:
        before = await picture()
        for field in ("asset_amount", "fiat_amount"):
            for bad in bad_amounts:
                answer = await hers.rest.post("trades/", {**good, field: bad})
                assert problem_of(answer)["code"] == "invalid", f"{field} {bad!r}: {answer.text[:200]}"
        for field in ("reference", "asset", "fiat_currency", "payment_method"):
            for bad in bad_lines:
                answer = await hers.rest.post("trades/", {**good, field: bad})
                assert problem_of(answer)["code"] == "invalid", f"{field} {bad!r}: {answer.text[:200]}"
        for bad in ("BUY", "hold", ""):
            assert problem_of(await hers.rest.post("trades/", {**good, "side": bad}))["code"] == "invalid", bad
        assert await changes_since(before) == []
        exact = {
            **good,
            "asset_amount": "0.000000000000000001",
            "fiat_amount": "99999999999999999999.999999999999999999",
        }
        opened = await hers.rest.post(
            "trades/", {**exact, "status": "completed", "assignee": str(alice.pk), "rating": 5}
        )
        assert opened.status_code == 201, opened.text
        shown = opened.json()
        assert (shown["asset_amount"], shown["fiat_amount"]) == (exact["asset_amount"], exact["fiat_amount"])
        assert (shown["status"], shown["assignee"], shown["rating"]) == ("pending", None, None)


async def test_times_at_the_ends_of_the_calendar_are_refused_or_kept_and_break_no_list(server, alice, trade):
    here = f"conversations/{trade.conversation_id}/"
    async with await Edges.open(server, alice) as hers:
        for value in (
            "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59.999999Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00+23:59", "1969-12-31T00:00:00Z",
            "2026-06-30T23:59:60Z", "2026-02-30T00:00:00Z", "2026", "", "now", 0, 1e10, True, [], None,
        ):  # fmt: skip
            answer = await hers.rest.patch(here, {"muted_until": value})
            assert answer.status_code in (200, 400), f"{value}: {answer.status_code} {answer.text[:200]}"
            for path in (here, "conversations/"):
                assert (await hers.rest.get(path)).status_code == 200, f"{path} after muted_until {value}"


@database_sync_to_async
def places(conversation: object) -> dict[str, tuple[int, int]]:
    rows = Participant.objects.filter(conversation=conversation).values_list(
        "user__display_name", "read_seq", "delivered_seq"
    )
    return {name: (read, delivered) for name, read, delivered in rows}


async def test_read_marks_are_clamped_and_only_grow(server, alice, tina, bob, trade):
    here = str(trade.conversation_id)
    async with await Edges.open(server, alice) as hers, await Edges.open(server, bob) as his:
        for number in range(3):
            await hers.socket.send_message(here, f"{MARK} {number}")
        head = 5
        steps = [("delivered", 3, 0, 3), ("read", 2, 2, 3), ("read", 1, 2, 3), ("delivered", 0, 2, 3), ("read",
        2**63 - 1, head, head),
                 ("read", 0, head, head), ("delivered", 1, head, head)]  # fmt: skip
        for kind, seq, read, delivered in steps:
            ack = await hers.socket.request({"type": f"message.{kind}", "conversation": here, "seq": seq})
            rest = (await hers.rest.post(f"conversations/{here}/{kind}/", {"seq": seq})).json()
            for got in (ack, rest):
                assert (got["read_seq"], got["delivered_seq"]) == (read, delivered), f"{kind} {seq}: {got}"
        await his.socket.request({"type": "message.read", "conversation": here, "seq": 1})
        assert await places(here) == {"Alice": (head, head), "Tina": (0, 0)}
        later = await hers.rest.get(f"conversations/{here}/messages/", after_seq=2**63 - 1)
        assert later.json()["results"] == []
        ahead = await hers.socket.sync({here: 2**63 - 1})
        assert (ahead[0]["type"], ahead[0]["head"]) == ("sync.reset", head)


async def test_replies_and_client_ids_stay_in_their_conversation(server, alice, bob, tina, trade):
    other = await database_sync_to_async(open_trade)(bob)
    here, there = str(trade.conversation_id), str(other.conversation_id)
    async with await Edges.open(server, alice) as hers, await Edges.open(server, bob) as his:
        foreign = (await his.socket.send_message(there, MARK))["message"]["id"]
        mine = (await hers.socket.send_message(here, MARK))["message"]
        before = await picture()
        answers = [await hers.socket.send_message(here, MARK, reply_to=which) for which in (foreign, new_id())]
        assert [answer["code"] for answer in answers] == ["invalid"] * 2
        assert answers[0]["detail"] == answers[1]["detail"], "whether it exists elsewhere is not told"
        path = f"conversations/{here}/messages/"
        rest = [
            await hers.rest.post(path, {"client_id": new_id(), "body": MARK, "reply_to": x})
            for x in (foreign, new_id())
        ]
        assert problem_of(rest[0]) == problem_of(rest[1])
        used = mine["client_id"]
        assert (await hers.socket.send_message(here, "other", used))["code"] == "conflict"
        assert (await hers.socket.send_message(here, MARK, used, reply_to=mine["id"]))["code"] == "conflict"
        assert (await hers.socket.send_message(there, MARK, used))["code"] == "not_found"
        again = await hers.socket.send_message(here, MARK, used)
        assert (again["duplicate"], again["message"]) == (True, mine)
        assert await changes_since(before) == []
        theirs = await his.socket.send_message(there, MARK, used)
        assert theirs["type"] == "ack", "somebody else's client_id is nobody's business"
        reply = await hers.socket.send_message(here, MARK, reply_to=mine["id"])
        assert reply["message"]["reply_to"] == mine["id"]


async def test_a_closed_trade_is_read_only_and_its_moves_are_over(server, alice, tina, trade):
    here = str(trade.conversation_id)
    async with await Edges.open(server, alice) as hers, await Edges.open(server, tina) as theirs:
        first = await hers.socket.send_message(here, MARK)
        await database_sync_to_async(trades.make_move)(actor=alice, trade_id=trade.pk, move=trades.CANCEL)
        before = await picture()
        for edges in (hers, theirs):
            assert (await edges.socket.send_message(here, MARK))["code"] == "conversation_closed"
            rest = await edges.rest.post(f"conversations/{here}/messages/", {"client_id": new_id(), "body": MARK})
            bpay = await edges.rest.post(f"/api/chat/trade/{trade.reference}/message", {"message": MARK})
            typing = await edges.rest.post(f"conversations/{here}/typing/", {"typing": True})
            for answer in (rest, bpay, typing):
                assert (answer.status_code, problem_of(answer)["code"]) == (409, "conversation_closed")
        for edges, move in (
            (hers, "proof"),
            (hers, "cancel"),
            (theirs, "approve"),
            (theirs, "cancel"),
            (theirs, "release"),
        ):
            answer = await edges.rest.post(f"trades/{trade.pk}/{move}/", {})
            assert (answer.status_code, problem_of(answer)["code"]) == (409, "conflict"), move
        reject = await theirs.rest.post(f"trades/{trade.pk}/reject/", {"reason": "x"})
        assert problem_of(reject)["code"] == "conflict"
        assert await changes_since(before) == []
        again = await hers.socket.send_message(here, MARK, first["message"]["client_id"])
        assert (again["type"], again["duplicate"]) == ("ack", True)


async def test_profiles_and_settings_take_only_their_own_fields(server, alice, tina, trade):
    claims: dict[str, Any] = {
        "role": "super_admin", "is_staff": True, "is_superuser": True, "is_active": False, "email": "x@example.com",
        "password": "x", "capacity": 1000, "id": new_id(), "staff": True, "balance": "1000000", "created_at": None,
        "availability": "away", "user": {"role": "super_admin"},
    }  # fmt: skip
    async with await Edges.open(server, alice) as hers:
        before = await picture()
        me = (await hers.rest.patch("me/", claims)).json()
        settings = {"closed_at": None, "head": 0, "read_seq": 99, "participants": [], "role": "owner"}
        kept = await hers.rest.patch(f"conversations/{trade.conversation_id}/", settings)
        renamed = await hers.rest.patch(f"conversations/{trade.conversation_id}/", {**settings, "title": "Support"})
        assert (me["role"], me["staff"], me["email"]) == ("customer", False, alice.email)
        assert (kept.status_code, kept.json()["title"]) == (200, trade.reference)
        assert (renamed.status_code, problem_of(renamed)["code"]) == (403, "forbidden")
        assert await changes_since(before) == []


EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(1)> {{7*7}} {% debug %} %s {0.__class__}'


@pytest.mark.parametrize("query", ["", "?q=%3Cscript%3E", "?q=%00", "?q=' OR 1=1--", "?role__exact=' OR 1=1--",
"?role__exact=%00",
                                   "?is_active__exact=%00", "?o=99.-1", "?p=-1", "?p=99999999999999999999", "?e=1",
                                   "?password__startswith=p",
                                   "?_to_field=password", "?all=", "?q=" + "a" * 3000,
                                   "?email__regex=(a%2B)%2B$"])  # fmt: skip
def test_pages_of_django_admin_show_text_as_text_and_read_their_filters_strictly(sara, query, settings):
    settings.WHITENOISE_AUTOREFRESH, settings.SECURE_SSL_REDIRECT = True, False
    person = UserFactory.create(email="evil@example.com", display_name=EVIL[:80], password=None)
    client = Client()
    client.force_login(sara)
    for path in (
        "/admin/accounts/user/",
        "/admin/accounts/devicesession/",
        f"/admin/accounts/user/{person.pk}/change/",
    ):
        answer = client.get(path + query)
        assert answer.status_code in (200, 302, 400), f"{path}{query}: {answer.status_code}"
        text = answer.content.decode()
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "49 {" not in text
    for bad in ("%00", "x", "1", "' OR 1=1--", "_5F"):
        answer = client.get(f"/admin/accounts/user/{bad}/change/")
        assert answer.status_code in (302, 404), bad


def test_the_login_page_leads_nowhere_else_and_wants_its_own_token(sara, settings):
    settings.WHITENOISE_AUTOREFRESH, settings.SECURE_SSL_REDIRECT = True, False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    sara.set_password("a long enough one")
    sara.save()
    form = {"username": sara.email, "password": "a long enough one"}
    for where in (
        "//evil.com",
        "https://evil.com",
        "/\\evil.com",
        "javascript:alert(1)",
        "///evil.com",
        "http:evil.com",
        "\thttps://evil.com",
    ):
        client = Client()
        answer = client.post(f"/admin/login/?next={quote(where)}", {**form, "next": where})
        assert answer.status_code == 302, where
        assert answer["location"] in ("/admin/", "/accounts/profile/"), f"{where} leads to {answer['location']}"
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(sara)
    for path, data in (
        ("/admin/login/", form),
        (f"/admin/accounts/user/{sara.pk}/change/", {}),
        ("/admin/logout/", {}),
    ):
        assert strict.post(path, data).status_code == 403, path
    for path in (f"/api/v1/trades/{new_id()}/take/", "/api/v1/conversations/direct/", "/api/v1/auth/logout-all/"):
        answer = strict.post(path, json.dumps({}), content_type="application/json")
        assert answer.status_code == 401, f"{path}: a cookie is worth nothing on the API"


@database_sync_to_async
def trades_of(user: User) -> list[str]:
    return list(Trade.objects.filter(customer=user).values_list("reference", flat=True))


async def test_one_reference_opened_many_times_at_once_is_one_trade(server, alice, bob):
    import asyncio

    good = {
        "reference": "BP-race", "side": "buy", "asset": "BTC", "asset_amount": "1.0", "fiat_currency": "EUR",
        "fiat_amount": "1", "payment_method": "SEPA",
    }  # fmt: skip
    async with await Edges.open(server, alice) as hers, await Edges.open(server, bob) as his:
        answers = await asyncio.gather(*(hers.rest.post("trades/", good) for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
        assert len({answer.json()["id"] for answer in answers}) == 1
        foreign = await his.rest.post("trades/", good)
        assert (foreign.status_code, problem_of(foreign)["code"]) == (409, "conflict")
        assert "alice" not in foreign.text.lower()
        assert await trades_of(alice) == ["BP-race"]
        assert await trades_of(bob) == []
