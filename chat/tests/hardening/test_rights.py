"""Who may do what, as a table: operations against people, over REST and on a socket. A refusal changes no row."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from accounts.models import User
from chat.actions import assignment, trades
from chat.models import Conversation, Participant
from chat.tests.hardening.tools import MARK, changed, new_id, snapshot
from chat.tests.hardening.workflow import WORKFLOW
from chat.tests.hardening.world import (
    SECRET,
    WHO,
    Operation,
    World,
    gather,
    keep_reply,
    keep_team_reply,
    register_phone,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("hardening-rights")]

ORDER = {
    "reference": "BP-of-mine", "side": "buy", "asset": "BTC", "asset_amount": "1", "fiat_currency": "EUR",
    "fiat_amount": "1", "payment_method": "SEPA",
}  # fmt: skip


def proof(world: World) -> None:
    trades.make_move(actor=world.participant, trade_id=world.trade.pk, move=trades.PROOF)


def close(world: World) -> None:
    trades.make_move(actor=world.participant, trade_id=world.trade.pk, move=trades.CANCEL)


def take_over(world: World) -> None:
    """Tom has the trade now: Tina is no more than a colleague, who knew all of it a moment ago."""
    assignment.hand_over(actor=world.assignee, trade_id=world.trade.pk, admin_id=world.colleague.pk)


def say(_: World) -> dict[str, Any]:
    return {"client_id": new_id(), "body": MARK}


CHAT, NOTES = "conversations/{trade.conversation_id}/", "conversations/{trade.notes_conversation_id}/"
QUEUED_CHAT, QUEUED_NOTES = "conversations/{queued.conversation_id}/", "conversations/{queued.notes_conversation_id}/"
TRADE, QUEUED = "trades/{trade.pk}/", "trades/{queued.pk}/"
BPAY = "/api/chat/trade/{trade.reference}/"
ROOM = "conversations/{room.pk}/"
PHONE = {"token": "ExponentPushToken[mine]", "platform": "ios"}
REPLY, REPLY_BODY = "canned-replies/{reply.pk}/", {"title": "x", "body": "x"}
MEMBERS = "401 200 404 200 200 404"  # of the group that gather() makes
READ = "401 200 404 200 404 404"
WRITE = "401 201 404 201 404 404"

TABLE = [
    # lists
    Operation("list conversations", "GET", "conversations/", "401 200 200 200 200 200"),
    Operation("list trades", "GET", "trades/", "401 200 200 200 200 200"),
    Operation("unread", "GET", "unread/", "401 200 200 200 200 200"),
    Operation("ticket", "POST", "ws-ticket/", "401 200 200 200 200 200"),
    Operation("the queue", "GET", "trades/?queue=1", "401 403 403 200 200 200"),
    Operation("colleagues", "GET", "staff/", "401 403 403 200 200 200"),
    # trades
    Operation("open a trade", "POST", "trades/", "401 201 201 403 403 403", lambda _: ORDER),
    Operation("see a trade", "GET", TRADE, "401 200 404 200 404 200"),
    Operation("see a queued trade", "GET", QUEUED, "401 200 404 200 200 200"),
    Operation("proof", "POST", f"{TRADE}proof/", "401 200 404 403 403 403"),
    Operation("approve", "POST", f"{TRADE}approve/", "401 403 404 200 403 403", before=proof),
    Operation("reject", "POST", f"{TRADE}reject/", "401 403 404 200 403 403", lambda _: {"reason": "x"}, proof),
    Operation("approve without proof", "POST", f"{TRADE}approve/", "401 403 404 409 403 403"),
    Operation("approve in the queue", "POST", f"{QUEUED}approve/", "401 403 404 403 403 403"),
    Operation("cancel", "POST", f"{TRADE}cancel/", "401 200 404 200 403 403"),
    Operation("cancel in the queue", "POST", f"{QUEUED}cancel/", "401 200 404 403 403 403"),
    Operation("take", "POST", f"{QUEUED}take/", "401 403 404 200 200 200"),
    Operation("take what somebody has", "POST", f"{TRADE}take/", "401 403 404 409 409 409"),
    Operation("release", "POST", f"{TRADE}release/", "401 403 404 200 403 200"),
    Operation(
        "hand over", "POST", f"{TRADE}assign/", "401 403 404 200 403 200", lambda w: {"admin_id": str(w.colleague.pk)}
    ),
    Operation(
        "hand over to a customer", "POST", f"{TRADE}assign/", "401 403 404 400 403 400",
        lambda w: {"admin_id": str(w.stranger.pk)},
    ),
    Operation(
        "hand over to its customer", "POST", f"{TRADE}assign/", "401 403 404 400 403 400",
        lambda w: {"admin_id": str(w.participant.pk)},
    ),
    # the chat of a trade
    Operation("see the conversation", "GET", CHAT, READ),
    Operation("read", "GET", f"{CHAT}messages/", READ),
    Operation("resume", "GET", f"{CHAT}events/", READ),
    Operation("one message", "GET", "messages/{said}/", READ),
    Operation("read over BPay", "GET", f"{BPAY}messages", READ),
    Operation("write", "POST", f"{CHAT}messages/", WRITE, say),
    Operation("write over BPay", "POST", f"{BPAY}message", WRITE, lambda _: {"message": MARK}),
    Operation("write when closed", "POST", f"{CHAT}messages/", "401 409 404 409 404 404", say, close),
    Operation("read when closed", "GET", f"{CHAT}messages/", READ, before=close),
    Operation("read mark", "POST", f"{CHAT}read/", READ, lambda _: {"seq": 1}),
    Operation("delivered", "POST", f"{CHAT}delivered/", READ, lambda _: {"seq": 1}),
    Operation("typing", "POST", f"{CHAT}typing/", "401 204 404 204 404 404", lambda _: {"typing": True}),
    Operation("mute", "PATCH", CHAT, READ, lambda _: {"archived": True}),
    Operation("read after hand-over", "GET", f"{CHAT}messages/", "401 200 404 404 200 404", before=take_over),
    Operation("write after hand-over", "POST", f"{CHAT}messages/", "401 201 404 404 201 404", say, take_over),
    Operation("the trade after hand-over", "GET", TRADE, "401 200 404 404 200 200", before=take_over),
    Operation("release after hand-over", "POST", f"{TRADE}release/", "401 403 404 403 200 200", before=take_over),
    Operation("read in the queue", "GET", f"{QUEUED_CHAT}messages/", "401 200 404 404 404 404"),
    Operation("write in the queue", "POST", f"{QUEUED_CHAT}messages/", "401 201 404 404 404 404", say),
    # staff notes
    Operation("read notes", "GET", f"{NOTES}messages/", "401 404 404 200 404 200"),
    Operation("resume notes", "GET", f"{NOTES}events/", "401 404 404 200 404 200"),
    Operation("write a note", "POST", f"{NOTES}messages/", "401 404 404 201 404 201", say),
    Operation("one note", "GET", "messages/{noted}/", "401 404 404 200 404 200"),
    Operation("read mark in notes", "POST", f"{NOTES}read/", "401 404 404 200 404 200", lambda _: {"seq": 1}),
    Operation("typing in notes", "POST", f"{NOTES}typing/", "401 404 404 204 404 204", lambda _: {"typing": True}),
    Operation("read notes in the queue", "GET", f"{QUEUED_NOTES}messages/", "401 404 404 200 200 200"),
    Operation("write a note in the queue", "POST", f"{QUEUED_NOTES}messages/", "401 404 404 201 201 201", say),
    Operation("notes after hand-over", "GET", f"{NOTES}messages/", "401 404 404 404 200 200", before=take_over),
    # groups: by the role in the group
    Operation(
        "found a group", "POST", "conversations/group/", "401 201 201 201 201 201",
        lambda w: {"title": "x", "participant_ids": [str(w.super_admin.pk)]},
    ),
    Operation(
        "found a group with a customer", "POST", "conversations/group/", "401 404 201 201 201 201",
        lambda w: {"title": "x", "participant_ids": [str(w.stranger.pk)]},
    ),
    Operation("see a group", "GET", ROOM, MEMBERS, before=gather),
    Operation("read a group", "GET", f"{ROOM}messages/", MEMBERS, before=gather),
    Operation("resume a group", "GET", f"{ROOM}events/", MEMBERS, before=gather),
    Operation("write in a group", "POST", f"{ROOM}messages/", "401 201 404 201 201 404", say, gather),
    Operation("rename a group", "PATCH", ROOM, "401 403 404 200 200 404", lambda _: {"title": "New"}, gather),
    Operation(
        "add a member", "POST", f"{ROOM}participants/", "401 403 404 201 201 404",
        lambda w: {"user_id": str(w.super_admin.pk)}, gather,
    ),
    Operation(
        "add a moderator", "POST", f"{ROOM}participants/", "401 403 404 201 403 404",
        lambda w: {"user_id": str(w.super_admin.pk), "role": "moderator"}, gather,
    ),
    Operation(
        "add who is in it", "POST", f"{ROOM}participants/", "401 403 404 200 200 404",
        lambda w: {"user_id": str(w.participant.pk)}, gather,
    ),
    Operation(
        "add nobody", "POST", f"{ROOM}participants/", "401 403 404 404 404 404", lambda w: {"user_id": new_id()}, gather
    ),
    Operation(
        "give a role", "PATCH", f"{ROOM}participants/{{participant.pk}}/", "401 403 404 200 403 404",
        lambda _: {"role": "observer"}, gather,
    ),
    Operation(
        "put the owner down", "PATCH", f"{ROOM}participants/{{assignee.pk}}/", "401 403 404 409 403 404",
        lambda _: {"role": "member"}, gather,
    ),
    Operation(
        "remove a member", "DELETE", f"{ROOM}participants/{{participant.pk}}/", "401 204 404 204 204 404",
        before=gather,
    ),
    Operation(
        "remove a moderator", "DELETE", f"{ROOM}participants/{{colleague.pk}}/", "401 403 404 204 204 404",
        before=gather,
    ),
    Operation(
        "remove the owner", "DELETE", f"{ROOM}participants/{{assignee.pk}}/", "401 403 404 409 403 404",
        before=gather,
    ),
    Operation("leave", "DELETE", f"{ROOM}participants/{{self}}/", "401 204 404 409 204 404", before=gather),
    Operation("rename a trade's chat", "PATCH", CHAT, "401 403 404 403 404 404", lambda _: {"title": "New"}),
    Operation("rename notes", "PATCH", NOTES, "401 404 404 403 404 403", lambda _: {"title": "New"}),
    Operation(
        "add to a trade's chat", "POST", f"{CHAT}participants/", "401 403 404 403 404 404",
        lambda w: {"user_id": str(w.super_admin.pk)},
    ),
    Operation("leave a trade's chat", "DELETE", f"{CHAT}participants/{{self}}/", "401 403 404 403 404 404"),
    Operation(
        "role in a trade's chat", "PATCH", f"{CHAT}participants/{{self}}/", "401 403 404 403 404 404",
        lambda _: {"role": "owner"},
    ),
    # blocks: of customers by those who may know of them, of staff by nobody
    Operation("my blocks", "GET", "blocks/", "401 200 200 200 200 200"),
    Operation("block a customer", "PUT", "users/{stranger.pk}/block/", "401 404 400 204 204 204"),
    Operation("unblock a customer", "DELETE", "users/{stranger.pk}/block/", "401 404 400 204 204 204"),
    Operation("block a colleague", "PUT", "users/{colleague.pk}/block/", "401 403 403 403 400 403"),
    Operation("unblock a colleague", "DELETE", "users/{colleague.pk}/block/", "401 204 204 204 400 204"),
    Operation("block nobody", "PUT", "users/{unknown}/block/", "401 404 404 404 404 404"),
    # what super admins look at
    Operation("audit log", "GET", "audit/", "401 403 403 403 403 200"),
    Operation("audit log of a trade", "GET", "audit/?trade={trade.reference}", "401 403 403 403 403 200"),
    Operation("figures", "GET", "stats/", "401 403 403 403 403 200"),
    Operation("export trades", "GET", "reports/trades.csv", "401 403 403 403 403 200"),
    # canned replies: one's own and the team's, which super admins write
    Operation("list replies", "GET", "canned-replies/", "401 403 403 200 200 200"),
    Operation("keep a reply", "POST", "canned-replies/", "401 403 403 201 201 201", lambda _: REPLY_BODY),
    Operation(
        "keep one for the team", "POST", "canned-replies/", "401 403 403 403 403 201",
        lambda _: {**REPLY_BODY, "team": True},
    ),
    Operation("see a reply", "GET", REPLY, "401 403 403 200 404 404", before=keep_reply),
    Operation("change a reply", "PATCH", REPLY, "401 403 403 200 404 404", lambda _: REPLY_BODY, keep_reply),
    Operation("drop a reply", "DELETE", REPLY, "401 403 403 204 404 404", before=keep_reply),
    Operation("see the team's", "GET", REPLY, "401 403 403 200 200 200", before=keep_team_reply),
    Operation("change the team's", "PATCH", REPLY, "401 403 403 403 403 200", lambda _: REPLY_BODY, keep_team_reply),
    Operation("drop the team's", "DELETE", REPLY, "401 403 403 403 403 204", before=keep_team_reply),
    Operation(
        "fill one in", "POST", f"{REPLY}render/", "401 403 403 200 404 200",
        lambda w: {"trade_id": str(w.trade.pk)}, keep_team_reply,
    ),
    Operation(
        "fill one in for a queued trade", "POST", f"{REPLY}render/", "401 403 403 200 200 200",
        lambda w: {"trade_id": str(w.queued.pk)}, keep_team_reply,
    ),
    Operation("mentions", "GET", "mentions/", "401 403 403 200 200 200"),
    # devices, preferences, notifications: one's own, whoever one is
    Operation("my devices", "GET", "devices/", "401 200 200 200 200 200"),
    Operation("register a device", "POST", "devices/", "401 201 201 201 201 201", lambda _: PHONE),
    Operation(
        "register Alice's phone", "POST", "devices/", "401 200 201 201 201 201",
        lambda w: {"token": w.device.token, "platform": "ios"}, register_phone,
    ),
    Operation("remove a device", "DELETE", "devices/{device.pk}/", "401 204 404 404 404 404", before=register_phone),
    Operation("remove no device", "DELETE", "devices/{unknown}/", "401 404 404 404 404 404"),
    Operation("my preferences", "GET", "notification-preferences/", "401 200 200 200 200 200"),
    Operation(
        "change my preferences", "PATCH", "notification-preferences/", "401 200 200 200 200 200",
        lambda _: {"message": False},
    ),
    Operation("my notifications", "GET", "notifications/", "401 200 200 200 200 200"),
    Operation("read them", "POST", "notifications/read/", "401 200 200 200 200 200", lambda _: {"all": True}),
    # people
    Operation("see an account", "GET", "users/{stranger.pk}/", "401 403 403 403 403 200"),
    Operation("see no account", "GET", "users/{unknown}/", "401 403 403 403 403 404"),
    Operation(
        "close an account", "PATCH", "users/{stranger.pk}/", "401 403 403 403 403 200", lambda _: {"is_active": False}
    ),
    Operation("promote oneself", "PATCH", "users/{self}/", "401 403 403 403 403 409", lambda _: {"role": "customer"}),
    Operation(
        "last super admin", "PATCH", "users/{super_admin.pk}/", "401 403 403 403 403 409",
        lambda _: {"is_active": False},
    ),
    # colleagues among themselves, in the words of BPay
    Operation(
        "BPay with a colleague", "GET", "/api/chat/admin/messages?with={colleague.pk}", "401 403 403 200 404 200"
    ),
    Operation("BPay with a customer", "GET", "/api/chat/admin/messages?with={stranger.pk}", "401 403 403 404 404 404"),
    Operation(
        "BPay to a colleague", "POST", "/api/chat/admin/message", "401 403 403 201 404 201",
        lambda w: {"receiverId": str(w.colleague.pk), "message": MARK},
    ),
    Operation(
        "BPay to nobody", "POST", "/api/chat/admin/message", "401 403 403 404 404 404",
        lambda _: {"receiverId": new_id(), "message": MARK},
    ),
    *WORKFLOW,
]  # fmt: skip


def address(operation: Operation, world: World, who: str) -> str:
    names = ("trade", "queued", "said", "noted", "room", "reply", "device", "escalation", *WHO[1:])
    fields = {name: getattr(world, name) for name in names}
    myself = world.people[who].pk if who in world.people else uuid4()
    path = operation.path.replace("{self}", str(myself)).replace("{unknown}", str(uuid4())).format(**fields)
    return path if path.startswith("/") else f"/api/v1/{path}"


def perform(
    operation: Operation, world: World, who: str, untouched: dict[str, list[str]]
) -> tuple[int, list[str], dict[str, Any]]:
    """Status, the tables that a refusal changed, and the answer, of one cell; afterwards everything is as it was."""
    with transaction.atomic():
        before = untouched
        if operation.before:
            operation.before(world)
            before = snapshot()
        body = operation.body(world) if operation.body else {}
        content = {} if operation.method == "GET" else {"data": json.dumps(body), "content_type": "application/json"}
        answer = world.clients[who].generic(operation.method, address(operation, world, who), **content)
        touched = changed(before) if answer.status_code >= 400 else []
        transaction.set_rollback(True)
    shape = json.loads(answer.content) if not answer.streaming and answer.content else {}
    return answer.status_code, touched, shape


CODES = {401: {"unauthenticated"}, 403: {"forbidden"}, 404: {"not_found"}, 409: {"conflict", "conversation_closed"}}


def test_every_cell_over_rest_and_no_refusal_changes_a_row(world):
    wrong, untouched = [], snapshot()
    for operation in TABLE:
        for who, cell in zip(WHO, operation.cells.split(), strict=True):
            status, touched, shape = perform(operation, world, who, untouched)
            case = f"{operation.name} by {who}"
            if status != int(cell):
                wrong.append(f"{case}: {status}, should be {cell}")
            if touched:
                wrong.append(f"{case}: refused with {status}, but changed {touched}")
            if status in CODES and shape.get("code") not in CODES[status]:
                wrong.append(f"{case}: {status} with code {shape.get('code')}")
            if status >= 400 and MARK in json.dumps(shape):
                wrong.append(f"{case}: the refusal tells what was said")
    assert wrong == []


def test_what_belongs_to_somebody_else_looks_exactly_like_what_does_not_exist(world):
    ids = {str(getattr(world.trade, name)) for name in ("pk", "conversation_id", "notes_conversation_id")}
    ids |= {str(getattr(world.queued, name)) for name in ("pk", "conversation_id", "notes_conversation_id")}
    ids |= {str(world.said), str(world.noted), world.trade.reference}
    wrong = []
    for operation in TABLE:
        for who, cell in zip(WHO, operation.cells.split(), strict=True):
            if cell != "404" or operation.before or "admin/message" in operation.path:
                continue
            path = address(operation, world, who)
            missing = path
            for known in ids:
                missing = missing.replace(known, "BP-none" if known.startswith("BP") else str(uuid4()))
            body = json.dumps(operation.body(world) if operation.body else {})
            content = {} if operation.method == "GET" else {"data": body, "content_type": "application/json"}
            answers = [world.clients[who].generic(operation.method, one, **content) for one in (path, missing)]
            seen = [(answer.status_code, dict(answer.headers), json.loads(answer.content)) for answer in answers]
            for _, headers, shape in seen:
                headers.pop("X-Request-ID")
                shape.pop("request_id")
            if seen[0] != seen[1]:
                wrong.append(f"{operation.name} by {who}: {seen}")
    assert wrong == []


def test_lists_hold_nothing_that_is_not_mine(world):
    expected = {
        "participant": {world.trade.conversation_id, world.queued.conversation_id},
        "stranger": set(),
        "assignee": {world.trade.conversation_id, world.trade.notes_conversation_id},
        "colleague": set(),
        "super_admin": set(),
    }
    for who, conversations in expected.items():
        client = world.clients[who]
        for query in ("", "?kind=trade", "?kind=staff_notes", "?unread=true", "?archived=true", "?kind=direct"):
            found = client.get(f"/api/v1/conversations/{query}").json()["results"]
            assert {UUID(row["id"]) for row in found} <= conversations, f"{who} {query}"
            if not query:
                assert {UUID(row["id"]) for row in found} == conversations, who
        unread = client.get("/api/v1/unread/").json()["conversations"]
        assert {UUID(row) for row in unread} <= conversations, who
    rows = world.clients["colleague"].get("/api/v1/trades/").json()["results"]
    assert [row["reference"] for row in rows] == [world.queued.reference]
    assert MARK not in json.dumps(rows), "the queue shows no text"
    assert [row["reference"] for row in world.clients["stranger"].get("/api/v1/trades/").json()["results"]] == []
    assert len(world.clients["super_admin"].get("/api/v1/trades/").json()["results"]) == 2
    for reference in (world.trade.reference, "' OR 1=1--"):
        rows = world.clients["stranger"].get("/api/v1/trades/", {"reference": reference}).json()["results"]
        assert rows == []


def test_a_customer_finds_no_trace_of_staff_notes_or_of_what_staff_know(world):
    client = world.clients["participant"]
    conversation = world.trade.conversation_id
    seen = "".join(
        client.get(f"/api/v1/{path}").content.decode()
        for path in (
            "conversations/", "conversations/?kind=staff_notes", "trades/", f"trades/{world.trade.pk}/", "unread/",
            "me/",
            f"conversations/{conversation}/", f"conversations/{conversation}/messages/",
            f"conversations/{conversation}/events/", f"conversations/{world.queued.conversation_id}/events/",
        )
    )  # fmt: skip
    seen += client.get(f"/api/chat/trade/{world.trade.reference}/messages").content.decode()
    for secret in (
        SECRET, str(world.trade.notes_conversation_id), str(world.queued.notes_conversation_id), "notes_conversation",
        world.assignee.email, "capacity", "availability", "released_by", "is_active",
    ):  # fmt: skip
        assert secret not in seen, secret


@pytest.mark.parametrize(
    ("setting", "to_staff", "to_customer"), [("none", 404, 404), ("staff", 201, 404), ("anyone", 201, 201)]
)
def test_whom_customers_may_write_to_is_a_setting(world, settings, setting, to_staff, to_customer):
    settings.CUSTOMER_CONVERSATIONS = setting
    closed = User.objects.create_user("gone@example.com", is_active=False)
    cases = [
        ("participant", world.colleague.pk, to_staff), ("participant", world.stranger.pk, to_customer),
        ("participant", uuid4(), 404), ("participant", closed.pk, 404), ("participant", world.participant.pk, 400),
        ("colleague", world.stranger.pk, 201), ("colleague", world.assignee.pk, 201), ("super_admin", closed.pk, 404),
        ("anonymous", world.stranger.pk, 401),
    ]  # fmt: skip
    for who, other, expected in cases:
        before = snapshot()
        body = json.dumps({"user_id": str(other)})
        answer = world.clients[who].post("/api/v1/conversations/direct/", body, content_type="application/json")
        assert answer.status_code == expected, f"{who} to {other}: {answer.content!r}"
        if expected >= 400:
            assert changed(before) == [], f"{who} to {other}"
        else:
            assert MARK not in answer.content.decode()
            again = world.clients[who].post("/api/v1/conversations/direct/", body, content_type="application/json")
            assert again.status_code == 200


def test_a_refused_note_leaves_nobody_in_the_notes(world):
    """Who writes into notes from outside takes part from then on, but only if what they write is taken."""
    notes = Conversation.objects.get(pk=world.queued.notes_conversation_id)
    client = world.clients["colleague"]
    for bad in ("", "\u200b"):
        body = json.dumps({"client_id": new_id(), "body": bad})
        before = snapshot()
        answer = client.post(f"/api/v1/conversations/{notes.pk}/messages/", body, content_type="application/json")
        assert answer.status_code == 400
        assert changed(before) == []
    assert not Participant.objects.filter(conversation=notes).exists()
