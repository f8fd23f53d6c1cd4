"""JSON that is none, and JSON of the wrong types, on every frame and every endpoint that takes a body."""

import json
from uuid import uuid4

import pytest

from chat.tests.hardening.tools import (
    MARK,
    Edges,
    changes_since,
    new_id,
    picture,
    problem_of,
    refused_frame,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("hardening-json")]

NOT_JSON = {
    "empty": "",
    "space": " ",
    "truncated": '{"type": "ping"',
    "cut inside a string": '{"type": "pi',
    "single quotes": "{'type': 'ping'}",
    "trailing comma": '{"type": "ping",}',
    "two values": '{"type": "ping"} {"type": "ping"}',
    "comment": '{"type": "ping" /* hello */}',
    "a bare word": "ping",
    "NaN": '{"type": "ping", "x": NaN}',
    "Infinity": '{"type": "ping", "x": Infinity}',
    "-Infinity": '{"type": "ping", "x": -Infinity}',
    "leading zero": '{"type": "ping", "x": 01}',
    "a plus sign": '{"type": "ping", "x": +1}',
    "deep list": "[" * 60_000,
    "deep object": '{"a":' * 12_000,
    "deep list in a frame": '{"type": "ping", "x": ' + "[" * 60_000,
    "a bare NUL": '{"type": "ping", "x": "\x00"}',
    "a bare newline in a string": '{"type": "ping", "x": "\n"}',
    "BOM": '\ufeff{"type": "ping"}',
    "list": "[]",
    "text": '"ping"',
    "number": "1",
    "null": "null",
    "true": "true",
}

BAD_IDS = [
    *(2**31, 2**53 + 1, 2**63, -1, 0, 1.0, True, None, [], {}, "", " ", "1", "١٢٣", " 7 ", "1_000"),
    *("null", "undefined", "../../etc", "' OR 1=1--", "00000000", "a" * 10_240, "x/y", "a\u0000b", {"$gt": ""}, [""]),
    *(str(uuid4()) + "\n", " " + str(uuid4()), "urn:uuid:" + str(uuid4()), "{" + str(uuid4()) + "}"),
]
BAD_SEQS = [2**63, 2**64, -1, 1.0, 1.5, 1e3, True, None, "1", "١٢٣", " 7 ", "1_000", [], {}, "", "NaN"]
BAD_BODIES = [None, 5, 1.5, True, [], ["x"], {}, {"$gt": ""}, {"to": [""]}]
BAD_TYPES = [None, 1, True, [], {}, {"type": "ping"}, ["ping"]]
UNKNOWN_TYPES = ["", "PING", "ping ", "message.sent", "message.new", "connected", "ack", "__class__", "a" * 10_000]
ABSURD_NUMBERS = {
    "1e400": "1e400",
    "-1e400": "-1e400",
    "5000 digits": "9" * 5000,
    "minus 5000 digits": "-" + "9" * 5000,
}


def frames_of_wrong_types(conversation: str) -> dict[str, dict[str, object]]:
    send = {"type": "message.send", "conversation": conversation, "body": MARK}
    cases: dict[str, dict[str, object]] = {}
    for bad in BAD_IDS:
        text = repr(bad)[:60]
        cases[f"send to {text}"] = {**send, "conversation": bad, "client_id": new_id()}
        cases[f"send with client_id {text}"] = {**send, "client_id": bad}
        for kind in ("message.read", "message.delivered"):
            cases[f"{kind} in {text}"] = {"type": kind, "conversation": bad, "seq": 1}
        for kind in ("typing.start", "typing.stop"):
            cases[f"{kind} in {text}"] = {"type": kind, "conversation": bad}
        if bad is not None:
            cases[f"reply to {text}"] = {**send, "client_id": new_id(), "reply_to": bad}
        if isinstance(bad, str):
            cases[f"sync of {text}"] = {"type": "sync", "positions": {bad: 0}}
    for bad in BAD_SEQS:
        for kind in ("message.read", "message.delivered"):
            cases[f"{kind} up to {bad!r}"] = {"type": kind, "conversation": conversation, "seq": bad}
        cases[f"sync from {bad!r}"] = {"type": "sync", "positions": {conversation: bad}}
    for bad in BAD_BODIES:
        cases[f"body {bad!r}"] = {**send, "client_id": new_id(), "body": bad}
    for bad in (None, [], "x", 1, True, {"x": 0}):
        cases[f"positions {bad!r}"] = {"type": "sync", "positions": bad}
    cases["positions missing"] = {"type": "sync"}
    cases["201 positions"] = {"type": "sync", "positions": {new_id(): 0 for _ in range(201)}}
    cases["no client_id"] = send
    cases["no conversation"] = {"type": "message.send", "client_id": new_id(), "body": MARK}
    cases["no seq"] = {"type": "message.read", "conversation": conversation}
    cases["no token"] = {"type": "auth"}
    for bad in ("system", "image", "Text", None, 1, ["text"]):
        cases[f"kind {bad!r}"] = {**send, "client_id": new_id(), "kind": bad}
    for bad in ("", "away", None, 1, ["active"]):
        cases[f"presence {bad!r}"] = {"type": "presence.set", "status": bad}
    for bad in ("true", 1, 0, None, []):
        cases[f"foreground {bad!r}"] = {"type": "presence.set", "foreground": bad}
    for bad in (1, True, [], {}, "x" * 65):
        cases[f"frame id {str(bad)[:20]}"] = {"type": "ping", "id": bad}
    return cases


async def test_a_frame_that_is_no_json_object_is_refused_and_harms_nothing(server, alice, trade):
    async with await Edges.open(server, alice) as hers:
        before = await picture()
        for case, raw in NOT_JSON.items():
            answer = await refused_frame(hers.socket, raw)

            assert (answer["type"], answer["code"], answer["id"]) == ("error", "bad_frame", None), f"{case}: {answer}"
        assert await changes_since(before) == []
        await hers.still_works(trade.conversation_id, "after all of them")


async def test_a_frame_with_fields_of_wrong_types_is_refused_and_harms_nothing(server, alice, trade):
    async with await Edges.open(server, alice) as hers:
        before = await picture()
        for case, frame in frames_of_wrong_types(str(trade.conversation_id)).items():
            answer = await refused_frame(hers.socket, json.dumps(frame))

            assert (answer["type"], answer.get("code")) == ("error", "invalid"), f"{case}: {answer}"
            assert len(answer["detail"]) < 400, f"{case}: echoes what was sent"
        assert await changes_since(before) == []
        assert [frame["type"] for frame in hers.socket.journal[1:] if frame["type"] != "error"] == []
        await hers.still_works(trade.conversation_id, "after all of them")


async def test_types_that_are_no_text_are_bad_frames_and_unknown_ones_have_their_own_code(server, alice, trade):
    async with await Edges.open(server, alice) as hers:
        for bad in BAD_TYPES:
            answer = await refused_frame(hers.socket, json.dumps({"type": bad, "id": "7"}))
            assert answer["code"] == "bad_frame", f"type {bad!r}: {answer}"
        assert (await refused_frame(hers.socket, "{}"))["code"] == "bad_frame"
        for bad in UNKNOWN_TYPES:
            answer = await refused_frame(hers.socket, json.dumps({"type": bad, "id": "7"}))
            assert (answer["code"], answer["id"]) == ("unknown_type", "7"), f"type {bad[:30]!r}: {answer}"
            assert bad[:30] not in answer["detail"] or not bad
        await hers.still_works(trade.conversation_id, "after all of them")


async def test_absurd_numbers_are_refused_wherever_they_stand(server, alice, trade):
    here = trade.conversation_id
    async with await Edges.open(server, alice) as hers:
        before = await picture()
        for case, number in ABSURD_NUMBERS.items():
            for place, raw in {
                "seq": f'{{"type": "message.read", "conversation": "{here}", "seq": {number}}}',
                "a position": f'{{"type": "sync", "positions": {{"{here}": {number}}}}}',
                "body": f'{{"type": "message.send", "conversation": "{here}", "body": {number}}}',
                "id": f'{{"type": "ping", "id": {number}}}',
                "type": f'{{"type": {number}}}',
            }.items():
                answer = await refused_frame(hers.socket, raw)
                assert answer.get("code") in ("invalid", "bad_frame"), f"{case} as {place}: {answer}"
        assert await changes_since(before) == []
        await hers.still_works(here, "after all of them")


async def test_fields_a_client_does_not_own_are_ignored(server, alice, bob, trade):
    claims = {
        "sender_id": str(bob.pk), "sender_role": "super_admin", "sender": {"id": str(bob.pk)}, "is_system": True,
        "seq": 9000, "created_at": "1999-01-01T00:00:00Z", "message_id": new_id(), "read_at": "1999-01-01T00:00:00Z",
        "data": {"event": "trade.approved"}, "edited_at": "1999-01-01T00:00:00Z", "pinned": True, "actor": str(bob.pk),
        "staff": True, "role": "super_admin", "user_id": str(bob.pk), "x": {"y": [1, 2]}, "attachments": [{"id": 1}],
    }  # fmt: skip
    path = f"conversations/{trade.conversation_id}/messages/"
    async with await Edges.open(server, alice) as hers:
        ack = await hers.socket.send_message(str(trade.conversation_id), f"{MARK} one", **claims)
        answer = await hers.rest.post(path, {"client_id": new_id(), "body": f"{MARK} two", "id": new_id(), **claims})

        assert answer.status_code == 201, answer.text
        for message, before in ((ack["message"], 0), (answer.json(), ack["message"]["seq"])):
            assert message["sender"]["id"] == str(alice.pk)
            assert message["sender"]["role"] == "customer"
            assert (message["kind"], message["data"], message["edited_at"]) == ("text", None, None)
            assert (message["pinned"], message["attachments"]) == (False, [])
            assert before < message["seq"] < 100
            assert not message["created_at"].startswith("1999")


def bodies_of_endpoints(trade: object) -> dict[str, tuple[str, dict[str, object]]]:
    """Every endpoint with a body: its path and a good body, from which the bad ones are made."""
    conversation, number = trade.conversation_id, trade.pk
    pair = {"email": "new@example.com", "password": "a good long password"}
    order = {
        "reference": "BP-new", "side": "buy", "asset": "BTC", "asset_amount": "1", "fiat_currency": "EUR",
        "fiat_amount": "1", "payment_method": "SEPA",
    }  # fmt: skip
    return {
        "register": ("auth/register/", pair),
        "token": ("auth/token/", pair),
        "refresh": ("auth/token/refresh/", {"refresh": "x"}),
        "password": ("me/password/", {"current": "x", "new": "another good password"}),
        "trades": ("trades/", order),
        "messages": (f"conversations/{conversation}/messages/", {"client_id": new_id(), "body": MARK}),
        "read": (f"conversations/{conversation}/read/", {"seq": 1}),
        "delivered": (f"conversations/{conversation}/delivered/", {"seq": 1}),
        "typing": (f"conversations/{conversation}/typing/", {"typing": True}),
        "direct": ("conversations/direct/", {"user_id": new_id()}),
        "assign": (f"trades/{number}/assign/", {"admin_id": new_id()}),
        "bpay trade": (f"/api/chat/trade/{trade.reference}/message", {"message": MARK}),
        "bpay admin": ("/api/chat/admin/message", {"receiverId": new_id(), "message": MARK}),
    }


ALL_OPTIONAL = ("proof", "approve", "reject", "cancel", "release")
WRONG = [5, 1.5, [], {}, {"$gt": ""}, [""]]
WRONG_IN = {"typing": [*WRONG, "true", 1, 0, None], "read": BAD_SEQS, "delivered": BAD_SEQS}


async def test_a_body_that_is_no_json_object_is_refused_by_every_endpoint(server, alice, trade):
    paths = {name: path for name, (path, _) in bodies_of_endpoints(trade).items()}
    paths |= {move: f"trades/{trade.pk}/{move}/" for move in ALL_OPTIONAL} | {"me": "me/", "keep": ""}
    paths["keep"] = f"conversations/{trade.conversation_id}/"
    odd = {"a lone surrogate": '{"body": "\\ud83d"}', "invalid UTF-8": b'{"body": "\xc3\x28"}'}
    async with await Edges.open(server, alice) as hers:
        before = await picture()
        for name, path in paths.items():
            for case, raw in {**NOT_JSON, **ABSURD_NUMBERS, **odd}.items():
                if case in ("empty",):
                    continue  # no body at all is {} here
                content = raw.encode() if isinstance(raw, str) else raw
                method = "PATCH" if name in ("me", "keep") else "POST"
                headers = {"Content-Type": "application/json"}
                answer = await hers.rest.request(method, path, content=content, headers=headers)

                assert answer.status_code == 400, f"{name}, {case}: {answer.status_code} {answer.text[:300]}"
                assert problem_of(answer)["code"] == "bad_frame", f"{name}, {case}: {answer.text}"
        assert await changes_since(before) == []


async def test_a_field_of_a_wrong_type_is_refused_by_every_endpoint_and_named(server, alice, trade):
    async with await Edges.open(server, alice) as hers:
        before = await picture()
        for name, (path, good) in bodies_of_endpoints(trade).items():
            for field in good:
                optional = field in ("client_id", "note", "body")
                for bad in [*WRONG_IN.get(name, WRONG), "\u0000", *([] if optional else [None])]:
                    answer = await hers.rest.post(path, {**good, field: bad})

                    case = f"{name} with {field} {bad!r}"
                    assert answer.status_code == 400, f"{case}: {answer.status_code} {answer.text[:300]}"
                    problem = problem_of(answer)
                    assert problem["code"] == "invalid", f"{case}: {problem}"
                    assert problem["errors"][0]["pointer"].startswith(f"/{field}"), f"{case}: {problem}"
                if not optional:
                    answer = await hers.rest.post(path, {key: value for key, value in good.items() if key != field})
                    assert problem_of(answer)["code"] == "invalid", f"{name} without {field}: {answer.text}"
        assert await changes_since(before) == []


async def test_ids_in_bodies_and_paths_that_are_none_are_refused(server, tina, trade):
    async with await Edges.open(server, tina) as hers:
        before = await picture()
        here = f"conversations/{trade.conversation_id}/messages/"
        for bad in BAD_IDS:
            for case, path, body in (
                ("client_id", here, {"body": MARK, "client_id": bad if bad is not None else 1}),
                ("reply_to", here, {"body": MARK, "client_id": new_id(), "reply_to": 1 if bad is None else bad}),
                ("direct", "conversations/direct/", {"user_id": bad}),
                ("assign", f"trades/{trade.pk}/assign/", {"admin_id": bad}),
                ("bpay", "/api/chat/admin/message", {"receiverId": bad, "message": MARK}),
            ):
                answer = await hers.rest.post(path, body)
                assert problem_of(answer)["code"] == "invalid", f"{case} {str(bad)[:50]!r}: {answer.text[:300]}"
        for header in ("", "x", "1", "'", '""', "0" * 31, "a" * 4000):
            answer = await hers.rest.post(here, {"body": MARK}, headers={"Idempotency-Key": header})
            assert problem_of(answer)["code"] == "invalid", f"Idempotency-Key {header[:30]!r}: {answer.text}"
        for bad in (
            "1",
            "0",
            "-1",
            "null",
            "undefined",
            "..",
            "%00",
            "%2e%2e",
            "' OR 1=1--",
            "%F0%9F%92%A9",
            "a" * 2000,
        ):
            for path in (f"conversations/{bad}/", f"conversations/{bad}/events/", f"trades/{bad}/", f"messages/{bad}/"):
                answer = await hers.rest.get(path)
                assert answer.status_code == 404 or path.startswith("conversations/../"), (
                    f"{path[:60]}: {answer.status_code}"
                )
                assert "Traceback" not in answer.text
        assert await changes_since(before) == []
