"""What people write: stored and given back as it was, or refused for being nothing; never misread on the way."""

import json
from uuid import UUID

import pytest
from channels.db import database_sync_to_async

from accounts.models import User
from chat.models import Message
from chat.tests.hardening.tools import MARK, Edges, changes_since, new_id, picture, problem_of, refused_frame

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("hardening-text")]

KEPT = {
    "emoji": "😀",
    "ZWJ family": "👨‍👩‍👧‍👦",
    "flags": "🇩🇪🇪🇺🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "RLO": "invoice\u202egpj.exe",
    "isolates": "\u2066abc\u2069 \u2067def",
    "combining": "é vs e\u0301 Z͑ͫ̓a̴l̵g̶o",
    "spaces around": "  two  \n",
    "NBSP and zero width inside": "a\u00a0b\u200bc\ufeffd",
    "control characters": "a" + "".join(map(chr, range(1, 32))) + "\x7f\x80\x9f",
    "separators": "a\u2028b\u2029c\u0085d",
    "a log line": 'x\n{"level": "INFO", "message": "forged"}\r\nSet-Cookie: x=1',
    "ANSI": "\x1b[31mred\x1b[0m \x1b]0;title\x07",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)><svg onload=alert(1)>",
    "end of script": "</script><script>alert(1)</script><!-- -->",
    "links": "javascript:alert(1) data:text/html,<b> vbscript:x https://good@evil.example",
    "templates": "{{7*7}} {% debug %} ${7*7} #{7*7} {0.__class__} %s %(x)s %n %p",
    "SQL": "' OR 1=1--; SELECT pg_sleep(10); $$x$$ E'\\x'",
    "LIKE": "100% _ \\ \\\\",
    "JSON": '{"type": "message.new"}\\u0041 \\n \\" \\ud83d',
    "spreadsheet": "=cmd|' /C calc'!A0",
    "noncharacters": "\ufffe\uffff\U0010ffff\ufffd",
    "private use": "\ue000hit\ue001",
    "visible beside invisible": "\u200b.\u2060",
    "one very long word": "x" * 5_000,
    "5000 emoji": "😀" * 5_000,
    "a number": "0",
    "false": "false",
    "percent": "%00 %2F %u0000",
}
BLANK = {
    "empty": "",
    "space": " ",
    "white space": " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2028\u2029\u202f\u205f\u3000",
    "zero width": "\u200b\u200c\u200d\u2060\ufeff",
    "BOM only": "\ufeff",
    "combining marks": "\u0301\u0302\u20dd",
    "marks on a space": " \u0301",
    "bidi controls": "\u202e\u2066\u2069",
    "soft hyphen": "\u00ad",
    "Hangul fillers": "\u115f\u1160\u3164\uffa0",
    "Braille blank": "\u2800",
    "variation selectors": "\ufe0f\ufe0e\U000e0100",
    "tags": "\U000e0041\U000e0042",
    "control": "\x01\x02\x7f",
    "Mongolian vowel separator": "\u180e",
    "invisible operators": "\u2061\u2062\u2063\u2064",
    "musical": "\U0001d173\U0001d17a",
}
NO_TEXT = {
    "NUL": '"a\\u0000b"',
    "NUL alone": '"\\u0000"',
    "high surrogate": '"a\\ud83d"',
    "low surrogate": '"\\ude00"',
    "surrogates the wrong way round": '"\\ude00\\ud83d"',
    "high surrogate and text": '"\\ud83dabc"',
    "a bad escape": '"\\x41"',
    "half an escape": '"\\u12"',
}


@database_sync_to_async
def stored(message_id: str) -> str:
    return Message.objects.get(pk=UUID(message_id)).body


@database_sync_to_async
def bodies() -> list[str]:
    return list(Message.objects.filter(sender__isnull=False).order_by("seq").values_list("body", flat=True))


async def test_text_comes_back_byte_for_byte_everywhere(server, alice, tina, trade):
    here, reference = trade.conversation_id, trade.reference
    async with await Edges.open(server, alice) as hers, await Edges.open(server, tina) as theirs:
        for case, text in KEPT.items():
            over_socket = await hers.socket.send_message(str(here), text)
            over_rest = await hers.rest.post(f"conversations/{here}/messages/", {"client_id": new_id(), "body": text})
            over_bpay = await hers.rest.post(f"/api/chat/trade/{reference}/message", {"message": text})

            assert over_socket["type"] == "ack", f"{case}: {over_socket}"
            assert (over_rest.status_code, over_bpay.status_code) == (201, 201), f"{case}: {over_rest.text}"
            sent = [over_socket["message"], over_rest.json()]
            assert [message["body"] for message in sent] == [text, text], case
            assert over_bpay.json()["message"]["message"] == text, case
            assert await stored(over_socket["message"]["id"]) == text, case
        head = 2 + 3 * len(KEPT)
        await theirs.socket.wait_for_seq(str(here), head)
        expected = [text for text in KEPT.values() for _ in range(3)]
        live = [event["message"]["body"] for event in theirs.socket.events(str(here)) if event["message"]["sender"]]
        synced = [event["message"]["body"] for event in (await theirs.socket.sync({str(here): 2}))[0]["events"]]
        page = (await theirs.rest.get(f"conversations/{here}/messages/", after_seq=2, limit=100)).json()["results"]
        log = (await theirs.rest.get(f"conversations/{here}/events/", after_seq=2)).json()["events"]
        app = (await theirs.rest.get(f"/api/chat/trade/{reference}/messages", after_seq=2)).json()["messages"]
        assert live == expected
        assert synced == expected[: len(synced)]
        assert len(synced) > 20
        assert [message["body"] for message in page] == expected[:100]
        assert [event["message"]["body"] for event in log] == expected
        assert [entry["message"] for entry in app] == expected[:100]
        theirs.socket.check()


async def test_what_nobody_can_see_is_refused_as_empty(server, alice, trade):
    here, reference = trade.conversation_id, trade.reference
    async with await Edges.open(server, alice) as hers:
        before = await picture()
        for case, text in BLANK.items():
            frame = await hers.socket.send_message(str(here), text)
            over_rest = await hers.rest.post(f"conversations/{here}/messages/", {"client_id": new_id(), "body": text})
            over_bpay = await hers.rest.post(f"/api/chat/trade/{reference}/message", {"message": text})

            assert (frame["type"], frame.get("code")) == ("error", "invalid"), f"{case}: {frame}"
            assert problem_of(over_rest)["code"] == "invalid", case
            assert problem_of(over_bpay)["code"] == "invalid", case
        assert await changes_since(before) == []
        await hers.still_works(here, "after all of them")


async def test_text_that_no_database_can_hold_is_refused_and_nothing_half_stored(server, alice, trade):
    here = trade.conversation_id
    send = f'"type": "message.send", "conversation": "{here}", "client_id": "%s"'
    async with await Edges.open(server, alice) as hers:
        before = await picture()
        for case, raw in NO_TEXT.items():
            for place, frame in {
                "body": f'{{{send % new_id()}, "body": {raw}}}',
                "an unknown field": f'{{{send % new_id()}, "body": "", "x": {raw}}}',
                "id": f'{{"type": "auth", "token": "x", "id": {raw}}}',
                "type": f'{{"type": {raw}}}',
                "token": f'{{"type": "auth", "token": {raw}}}',
                "a key": f'{{"type": "sync", "positions": {{{raw}: 0}}}}',
            }.items():
                answer = await refused_frame(hers.socket, frame)
                assert answer["type"] == "error", f"{case} as {place}: {answer}"
                allowed = {"bad_frame", "invalid", "unknown_type", "unauthenticated"}
                assert answer["code"] in allowed, f"{case} as {place}: {answer}"
            for field in ("body", "x"):
                body = f'{{"client_id": "{new_id()}", "body": " ", "{field}": {raw}}}'
                headers = {"Content-Type": "application/json"}
                rest = await hers.rest.post(f"conversations/{here}/messages/", content=body, headers=headers)
                assert problem_of(rest)["code"] in ("bad_frame", "invalid"), f"{case} in {field}: {rest.text}"
        assert await changes_since(before) == []
        await hers.still_works(here, "after all of them")


async def test_bodies_one_over_the_limit_are_refused_and_at_the_limit_kept(server, alice, trade):
    here = trade.conversation_id
    async with await Edges.open(server, alice) as hers:
        for text, good in (("x" * 5_000, True), ("x" * 5_001, False), ("😀" * 5_000, True), ("😀" * 5_001, False)):
            frame = await hers.socket.send_message(str(here), text)
            rest = await hers.rest.post(f"conversations/{here}/messages/", {"client_id": new_id(), "body": text})
            bpay = await hers.rest.post(f"/api/chat/trade/{trade.reference}/message", {"message": text})

            case = f"{len(text)} × {text[0]}"
            assert frame["type"] == ("ack" if good else "error"), case
            assert [rest.status_code, bpay.status_code] == [201 if good else 400] * 2, case
        assert {len(body) for body in await bodies()} == {5_000}
        await hers.still_works(here, "after all of them")


BAD_NAMES = {
    "staff": "Trade Support",
    "zero width in staff": "Adm\u200bin",
    "Cyrillic staff": "Аdmіn",
    "RLO": "abc\u202edef",
    "header": "x\r\nSet-Cookie: a=b",
    "ANSI": "\x1b[31mred",
    "NUL": "a\x00b",
    "empty": "",
    "blank": "\u200b\u3164",
    "marks": "\u0301",
    "line separator": "a\u2028b",
    "81 letters": "x" * 81,
    "noncharacter": "a\uffff",
    "private use": "\ue000a",
}
GOOD_NAMES = [
    "<script>alert(1)</script>",
    "{{7*7}}",
    "%s %(x)s",
    "O'Hara; DROP TABLE",
    "José 王 😀",
    "  spaced  ",
    "=1+1",
]


@database_sync_to_async
def name_of(user: User) -> str:
    return User.objects.get(pk=user.pk).display_name


async def test_names_that_deceive_are_refused_and_others_are_kept_as_they_are(server, alice, tina, trade):
    async with await Edges.open(server, alice) as hers, await Edges.open(server, tina) as theirs:
        before = await picture()
        for case, name in BAD_NAMES.items():
            person = {"email": "new@example.com", "password": "quite a long one", "display_name": name}
            for answer in (
                await hers.rest.patch("me/", {"display_name": name}),
                await hers.rest.post("auth/register/", person),
            ):
                assert problem_of(answer)["code"] == "invalid", f"{case}: {answer.text}"
        assert await changes_since(before) == []
        for name in GOOD_NAMES:
            changed = await hers.rest.patch("me/", {"display_name": name, "role": "super_admin", "staff": True})
            since = len(theirs.socket.journal)
            await hers.socket.send_message(str(trade.conversation_id), f"{MARK} {name}")
            event = await theirs.socket.wait_for(lambda frame: frame["type"] == "message.new", since=since)

            assert changed.json()["display_name"] == await name_of(alice) == name
            assert event["message"]["sender"] == {
                "id": str(alice.pk), "display_name": name, "role": "customer", "staff": False
            }  # fmt: skip


async def test_a_name_or_text_cannot_split_a_line_of_the_log(server, alice, trade):
    before = len(server.log)
    forged = '\n{"level": "INFO", "message": "forged"}\r\n'
    async with await Edges.open(server, alice) as hers:
        await hers.socket.send_message(str(trade.conversation_id), MARK + forged)
        for path in (
            "/api/v1/nope%0a%0dforged",
            "/nope%0aforged",
            "/api/chat/trade/x%0d%0aforged/messages",
            "/ws%0aforged",
        ):
            assert (await hers.rest.get(path, q=forged)).status_code == 404
        await hers.rest.get("me/", x=forged)
        await hers.rest.request("GET", "me/", headers={"User-Agent": "a\tforged", "X-Request-ID": "a forged\t{"})
    lines = [line for line in server.log[before:].splitlines() if line]
    assert not [line for line in lines if line.startswith(("{", "forged")) and "forged" in json.dumps(line)[:60]]
