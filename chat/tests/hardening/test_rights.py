"""Who may do what, as a table: operations against people, over REST and on a socket. A refusal changes no row."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.test import Client

from accounts.models import User
from chat.actions import assignment, messages, trades
from chat.models import Conversation, Participant, Trade
from chat.tests.conftest import access_token
from chat.tests.factories import open_trade
from chat.tests.hardening.tools import MARK, Edges, changed, changes_since, new_id, picture, snapshot
from testing.client import SocketClient

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("hardening-rights")]

WHO = ("anonymous", "participant", "stranger", "assignee", "colleague", "super_admin")
SECRET = f"{MARK} for staff only"
ORDER = {
    "reference": "BP-of-mine", "side": "buy", "asset": "BTC", "asset_amount": "1", "fiat_currency": "EUR",
    "fiat_amount": "1", "payment_method": "SEPA",
}  # fmt: skip


@dataclass
class World:
    """A trade of Alice's that Tina looks after, one that waits in the queue, and a message in each place."""

    people: dict[str, User]
    clients: dict[str, Client]
    trade: Trade
    queued: Trade
    said: UUID
    noted: UUID

    def __getattr__(self, name: str) -> Any:
        return self.people[name]


@pytest.fixture
def world(alice: User, bob: User, tina: User, tom: User, sara: User, settings: Any) -> World:
    settings.WHITENOISE_AUTOREFRESH = True
    trade = open_trade(alice)
    assert trade.assignee == tina
    User.objects.filter(pk=tina.pk).update(availability="busy")
    queued = open_trade(alice)
    said = messages.send_message(actor=alice, conversation_id=trade.conversation_id, client_id=uuid4(), body=MARK)
    noted = messages.send_message(
        actor=tina, conversation_id=trade.notes_conversation_id, client_id=uuid4(), body=SECRET
    )
    people = dict(zip(WHO[1:], (alice, bob, tina, tom, sara), strict=True))
    clients = {who: Client(headers={"Authorization": f"Bearer {access_token(user)}"}) for who, user in people.items()}
    return World(people, {"anonymous": Client(), **clients}, trade, queued, said.message.pk, noted.message.pk)


@dataclass(frozen=True)
class Operation:
    """One row of the table. `{}` in the path is a field of the world; `before` brings the trade where it has to be."""

    name: str
    method: str
    path: str
    cells: str  # in the order of WHO
    body: Callable[[World], dict[str, Any]] | None = None
    before: Callable[[World], object] | None = None


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
]  # fmt: skip


def address(operation: Operation, world: World, who: str) -> str:
    fields = {name: getattr(world, name) for name in ("trade", "queued", "said", "noted", *WHO[1:])}
    myself = world.people[who].pk if who in world.people else uuid4()
    path = operation.path.replace("{self}", str(myself)).replace("{unknown}", str(uuid4())).format(**fields)
    return path if path.startswith("/") else f"/api/v1/{path}"


def perform(operation: Operation, world: World, who: str) -> tuple[int, list[str], dict[str, Any]]:
    """Status, the tables that changed, and the answer, of one cell; afterwards everything is as it was."""
    with transaction.atomic():
        if operation.before:
            operation.before(world)
        before = snapshot()
        body = operation.body(world) if operation.body else {}
        content = {} if operation.method == "GET" else {"data": json.dumps(body), "content_type": "application/json"}
        answer = world.clients[who].generic(operation.method, address(operation, world, who), **content)
        touched = changed(before)
        transaction.set_rollback(True)
    shape = json.loads(answer.content) if answer.content else {}
    return answer.status_code, touched, shape


CODES = {401: {"unauthenticated"}, 403: {"forbidden"}, 404: {"not_found"}, 409: {"conflict", "conversation_closed"}}


def test_every_cell_over_rest_and_no_refusal_changes_a_row(world):
    wrong = []
    for operation in TABLE:
        for who, cell in zip(WHO, operation.cells.split(), strict=True):
            status, touched, shape = perform(operation, world, who)
            case = f"{operation.name} by {who}"
            if status != int(cell):
                wrong.append(f"{case}: {status}, should be {cell}")
            if status >= 400 and touched:
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


# -- The same on a socket ----------------------------------------------------------------------------------------------

DENIED = ("stranger", "colleague", "super_admin")


def frames_about(conversation: object) -> dict[str, dict[str, Any]]:
    here = str(conversation)
    return {
        "send": {"type": "message.send", "conversation": here, "client_id": new_id(), "body": MARK},
        "send nothing": {"type": "message.send", "conversation": here, "client_id": new_id(), "body": ""},
        "read": {"type": "message.read", "conversation": here, "seq": 1},
        "delivered": {"type": "message.delivered", "conversation": here, "seq": 1},
        "typing": {"type": "typing.start", "conversation": here},
    }


async def test_on_a_socket_strangers_get_the_same_nothing_as_for_what_does_not_exist(server, world):
    trade, queued = world.trade, world.queued
    cases = {
        "stranger": (
            trade.conversation_id,
            trade.notes_conversation_id,
            queued.conversation_id,
            queued.notes_conversation_id,
        ),
        "participant": (trade.notes_conversation_id, queued.notes_conversation_id),
        "assignee": (queued.conversation_id,),
        "colleague": (trade.conversation_id, trade.notes_conversation_id, queued.conversation_id),
        "super_admin": (trade.conversation_id, queued.conversation_id),
    }
    async with await Edges.open(server, world.participant) as hers:
        for who, conversations in cases.items():
            async with await Edges.open(server, world.people[who]) as theirs:
                before = await picture()
                quiet = len(hers.socket.journal)
                for conversation in conversations:
                    for name, frame in frames_about(conversation).items():
                        denied = await theirs.socket.request(frame)
                        absent = await theirs.socket.request({**frame, "conversation": new_id()})
                        assert denied["code"] == "not_found", f"{name} by {who}: {denied}"
                        assert {**denied, "id": 0} == {**absent, "id": 0}, f"{name} by {who}"
                    denied_sync = (await theirs.socket.sync({str(conversation): 0}))[0]
                    assert set(denied_sync) == {"type", "id", "conversation"}, who
                    assert denied_sync["type"] == "sync.gone", f"sync by {who}"
                assert await changes_since(before) == [], who
                others = [frame["type"] for frame in hers.socket.journal[quiet:] if frame["type"] != "presence.update"]
                assert others == [], f"an event of what {who} was refused: {others}"
                assert (await theirs.socket.request({"type": "ping"}))["type"] == "pong"


async def test_a_note_reaches_staff_and_no_socket_of_the_customer(server, world):
    notes = str(world.trade.notes_conversation_id)
    async with (
        await Edges.open(server, world.participant) as hers,
        await Edges.open(server, world.assignee) as theirs,
    ):
        await theirs.socket.send_message(notes, SECRET)
        await theirs.socket.request({"type": "message.read", "conversation": notes, "seq": 1})
        await theirs.socket.send({"type": "typing.start", "conversation": notes})
        note = await theirs.socket.wait_for(lambda frame: frame.get("conversation") == notes)
        assert note["message"]["body"] == SECRET
        await theirs.still_works(world.trade.conversation_id, "after the note")
        await hers.socket.wait_for(lambda frame: frame["type"] == "message.new")
        answers = await hers.socket.sync({notes: 0})
        assert (answers[0]["type"], answers[0]["conversation"]) == ("sync.gone", notes)
        for frame in hers.socket.journal:
            if frame["type"] != "sync.gone":
                assert notes not in json.dumps(frame)
                assert SECRET not in json.dumps(frame)
        await hers.socket.catch_up({str(world.trade.conversation_id): 0})
        hers.socket.check()


async def test_who_is_off_a_trade_hears_no_more_of_it(server, world):
    here = str(world.trade.conversation_id)
    async with (
        await Edges.open(server, world.participant) as hers,
        await Edges.open(server, world.assignee) as before,
        await Edges.open(server, world.colleague) as after,
    ):
        handed = await before.rest.post(f"trades/{world.trade.pk}/assign/", {"admin_id": str(world.colleague.pk)})
        assert handed.status_code == 200
        await before.socket.wait_for(lambda frame: frame["type"] == "conversation.removed")
        await after.socket.wait_for(lambda frame: frame["type"] == "conversation.added")
        count = len(before.socket.journal)
        await hers.socket.send_message(here, f"{MARK} after")
        await after.socket.wait_for(
            lambda frame: frame["type"] == "message.new" and "after" in frame["message"]["body"]
        )
        for name, frame in frames_about(here).items():
            assert (await before.socket.request(frame))["code"] == "not_found", name
        assert (await before.socket.sync({here: 0}))[0]["type"] == "sync.gone"
        told = [frame for frame in before.socket.journal[count:] if MARK in json.dumps(frame)]
        assert told == []


async def test_nobody_gets_a_socket_without_saying_who_they_are(server, world):
    socket = await SocketClient.connect(server.ws_url, wait=False)
    for frame in frames_about(world.trade.conversation_id).values():
        await socket.send(frame)
        break
    error = await socket.wait_for(lambda frame: frame["type"] == "error")
    assert error["code"] == "unauthenticated"
    await socket.connection.wait_closed()
    assert socket.connection.close_code == 4401
    await socket.close()


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
