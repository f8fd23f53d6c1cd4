"""Who may do what in Django admin, as a table beside the one for REST. A refusal changes no row and shows no word."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.messages import ERROR, get_messages
from django.db import transaction
from django.test import Client

from chat.actions import messages
from chat.tests.hardening.tools import MARK, changed, snapshot
from chat.tests.hardening.workflow import because, dispute, escalate, look_in, proof, step_in, take_escalation
from chat.tests.hardening.world import (
    SECRET,
    WHO,
    Operation,
    World,
    fail_a_push,
    keep_reply,
    keep_team_reply,
    register_phone,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("hardening-rights")]


def say_in_the_queue(world: World) -> None:
    messages.send_message(
        actor=world.participant, conversation_id=world.queued.conversation_id, client_id=uuid4(), body=MARK
    )


def to_tom(world: World) -> dict[str, Any]:
    return {"colleague": str(world.colleague.pk), "note": "x"}


def to_nobody(_: World) -> dict[str, Any]:
    return {"colleague": str(uuid4())}


def verdict(_: World) -> dict[str, Any]:
    return {"decision": "completed", "reason": "x"}


def reply(_: World) -> dict[str, Any]:
    return {"title": "Title", "body": "Body"}


def chosen(world: World, action: str, *ids: object) -> dict[str, Any]:
    return {"action": action, "_selected_action": list(map(str, ids))}


def closing(world: World) -> dict[str, Any]:
    user = world.stranger
    sessions = {f"device_sessions-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    names = ("email", "display_name", "role", "availability", "capacity")
    return {name: getattr(user, name) for name in names} | sessions


OUTSIDE = ("login",) * 3  # anonymous, participant, stranger
TRADES, TRADE, QUEUED = "chat/trade/", "chat/trade/{trade.pk}/", "chat/trade/{queued.pk}/"
TALKS = "chat/conversation/"
CHAT, NOTES = f"{TALKS}{{trade.conversation_id}}/change/", f"{TALKS}{{trade.notes_conversation_id}}/change/"
QUEUED_CHAT = f"{TALKS}{{queued.conversation_id}}/change/"
QUEUED_NOTES = f"{TALKS}{{queued.notes_conversation_id}}/change/"
REACHED = f"{TALKS}{{trade.conversation_id}}/messages/{{said}}/"
NOTED = f"{TALKS}{{trade.notes_conversation_id}}/messages/{{noted}}/"
ELSEWHERE = f"{TALKS}{{trade.conversation_id}}/messages/{{noted}}/"
PUSHES, PHONES = "notifications/push/", "notifications/device/"
ESCALATION, REPLY = "chat/escalation/{escalation}/", "chat/cannedreply/{reply.pk}/"

# Cells are of assignee, colleague and super admin; everybody else gets the sign-in page, whatever they ask for.
# `403`, `404`; `200` a page without what was said, `chat` with it, `notes` with the staff's words only; `done` says it
# was done; `refused` one that says why nothing was changed.
TABLE = [
    Operation("start page", "GET", "", "200 200 200"),
    Operation("list trades", "GET", TRADES, "200 200 200"),
    Operation("see a trade", "GET", f"{TRADE}change/", "chat 404 notes"),
    Operation("see a trade after looking in", "GET", f"{TRADE}change/", "chat 404 chat", None, look_in),
    Operation("see a queued trade", "GET", f"{QUEUED}change/", "200 200 200", None, say_in_the_queue),
    Operation("a trade's own log", "GET", f"{TRADE}history/", "200 404 200"),
    Operation("edit a trade", "POST", f"{TRADE}change/", "chat 404 notes", because),
    Operation("add a trade", "GET", f"{TRADES}add/", "403 403 403"),
    Operation("delete a trade", "POST", f"{TRADE}delete/", "403 403 403"),
    # what can be done about a trade
    Operation("take", "POST", f"{QUEUED}do/take/", "done done done"),
    Operation("take what somebody has", "POST", f"{TRADE}do/take/", "refused refused refused"),
    Operation("release", "POST", f"{TRADE}do/release/", "done refused done"),
    Operation("hand over", "POST", f"{TRADE}do/hand_over/", "done refused done", to_tom),
    Operation("hand over to nobody", "POST", f"{TRADE}do/hand_over/", "refused refused refused", to_nobody),
    Operation("approve", "POST", f"{TRADE}do/approve/", "done refused refused", None, proof),
    Operation("reject", "POST", f"{TRADE}do/reject/", "done refused refused", because, proof),
    Operation("reject without a reason", "POST", f"{TRADE}do/reject/", "refused refused refused", None, proof),
    Operation("approve without proof", "POST", f"{TRADE}do/approve/", "refused refused refused"),
    Operation("approve a dispute", "POST", f"{TRADE}do/approve/", "refused refused done", because, dispute),
    Operation("cancel", "POST", f"{TRADE}do/cancel/", "done refused refused", because),
    Operation("escalate", "POST", f"{TRADE}do/escalate/", "done refused refused", because),
    Operation("look in", "POST", f"{TRADE}do/join/", "refused refused done", because),
    Operation("look in without a reason", "POST", f"{TRADE}do/join/", "refused refused refused"),
    Operation("leave", "POST", f"{TRADE}do/leave/", "refused refused done", None, step_in),
    Operation("a button by its address", "GET", f"{TRADE}do/release/", "405 405 405"),
    Operation("no such button", "POST", f"{TRADE}do/explode/", "404 404 404"),
    Operation("no such trade", "POST", "chat/trade/{unknown}/do/take/", "404 404 404"),
    Operation(
        "take chosen ones", "POST", TRADES, "done done done",
        lambda w: chosen(w, "take_chosen", w.queued.pk),
    ),
    Operation(
        "release what is not theirs", "POST", TRADES, "done refused done",
        lambda w: chosen(w, "release_chosen", w.trade.pk),
    ),
    # conversations
    Operation("list conversations", "GET", TALKS, "200 200 200"),
    Operation("read the chat", "GET", CHAT, "chat 404 200"),
    Operation("read the chat after looking in", "GET", CHAT, "chat 404 chat", None, look_in),
    Operation("read the chat in the queue", "GET", QUEUED_CHAT, "404 404 200", None, say_in_the_queue),
    Operation("read notes", "GET", NOTES, "notes 404 notes"),
    Operation("read notes in the queue", "GET", QUEUED_NOTES, "200 200 200"),
    Operation("who was reached", "GET", REACHED, "chat 404 200"),
    Operation("who was reached, after looking in", "GET", REACHED, "chat 404 chat", None, look_in),
    Operation("who was reached by a note", "GET", NOTED, "notes 404 notes"),
    Operation("a message by another address", "GET", ELSEWHERE, "404 404 200"),
    Operation("add a conversation", "GET", f"{TALKS}add/", "403 403 403"),
    # escalations
    Operation("list escalations", "GET", "chat/escalation/", "200 200 200"),
    Operation("see an escalation", "GET", f"{ESCALATION}change/", "200 404 200", None, escalate),
    Operation("take an escalation", "POST", f"{ESCALATION}do/take/", "refused 404 done", None, escalate),
    Operation(
        "decide", "POST", f"{ESCALATION}do/resolve/", "refused 404 done", verdict, take_escalation
    ),
    Operation(
        "decide what is not taken", "POST", f"{ESCALATION}do/resolve/", "refused 404 refused", verdict,
        escalate,
    ),
    # canned replies
    Operation("list canned replies", "GET", "chat/cannedreply/", "200 200 200"),
    Operation("write one's own", "POST", "chat/cannedreply/add/", "done done done", reply),
    Operation("see somebody's own", "GET", f"{REPLY}change/", "200 404 404", None, keep_reply),
    Operation("change somebody's own", "POST", f"{REPLY}change/", "done 404 404", reply, keep_reply),
    Operation("change the team's", "POST", f"{REPLY}change/", "403 403 done", reply, keep_team_reply),
    Operation(
        "delete the team's", "POST", f"{REPLY}delete/", "403 403 done", lambda _: {"post": "yes"},
        keep_team_reply,
    ),
    # pushes and where they go
    Operation("pushes", "GET", PUSHES, "403 403 200", None, fail_a_push),
    Operation("one push", "GET", f"{PUSHES}{{push.pk}}/change/", "403 403 200", None, fail_a_push),
    Operation("send it again", "POST", f"{PUSHES}{{push.pk}}/again/", "403 403 done", None, fail_a_push),
    Operation("send it again by its address", "GET", f"{PUSHES}{{push.pk}}/again/", "403 403 405", None, fail_a_push),
    Operation(
        "send chosen ones again", "POST", PUSHES, "403 403 done",
        lambda w: chosen(w, "send_again", w.push.pk), fail_a_push,
    ),
    Operation("delete a push", "POST", f"{PUSHES}{{push.pk}}/delete/", "403 403 403", None, fail_a_push),
    Operation("push devices", "GET", PHONES, "403 403 200", None, register_phone),
    Operation("one push device", "GET", f"{PHONES}{{device.pk}}/change/", "403 403 200", None, register_phone),
    Operation(
        "end push devices", "POST", PHONES, "403 403 done",
        lambda w: chosen(w, "end_chosen", w.device.pk), register_phone,
    ),
    # the record, people, devices
    Operation("audit log", "GET", "chat/auditentry/", "403 403 200"),
    Operation("export it", "GET", "chat/auditentry/export.csv", "403 403 200"),
    Operation("people", "GET", "accounts/user/", "403 403 200"),
    Operation("somebody", "GET", "accounts/user/{stranger.pk}/change/", "403 403 200"),
    Operation("close an account", "POST", "accounts/user/{stranger.pk}/change/", "403 403 done", closing),
    Operation("somebody's password", "GET", "accounts/user/{stranger.pk}/password/", "403 403 200"),
    Operation(
        "log somebody out", "POST", "accounts/user/", "403 403 done",
        lambda w: chosen(w, "log_out_everywhere", w.stranger.pk),
    ),
    Operation(
        "reset somebody's authenticator", "POST", "accounts/user/", "403 403 done",
        lambda w: chosen(w, "reset_authenticator", w.stranger.pk),
    ),
    Operation("devices", "GET", "accounts/devicesession/", "403 403 200"),
    Operation("delete an account", "POST", "accounts/user/{stranger.pk}/delete/", "403 403 403"),
    Operation("one's authenticator", "GET", "authenticator/", "200 200 200"),
]  # fmt: skip


@pytest.fixture
def desks(world: World) -> dict[str, Client]:
    clients = {who: Client() for who in WHO}
    for who, user in world.people.items():
        clients[who].force_login(user)
    return clients


def address(operation: Operation, world: World) -> str:
    names = ("trade", "queued", "escalation", "reply", "said", "noted", "push", "device", *WHO[1:])
    path = operation.path.replace("{unknown}", str(uuid4()))
    return "/admin/" + path.format(**{name: getattr(world, name) for name in names})


def outcome(answer: Any) -> str:
    """A cell's word for an answer."""
    if answer.status_code == 302 and answer["Location"].startswith("/admin/login/"):
        return "login"
    if answer.status_code == 302:
        levels = [message.level for message in get_messages(answer.wsgi_request)]
        return "refused" if ERROR in levels else "done" if levels else "302"
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if answer.status_code != 200:
        return str(answer.status_code)
    page = content.decode()
    return "chat" if f">{MARK}</p>" in page else "notes" if SECRET in page else "200"


def perform(
    operation: Operation, world: World, client: Client, untouched: dict[str, list[str]]
) -> tuple[str, list[str]]:
    """What came of it, and what a refusal changed; afterwards everything is as it was."""
    with transaction.atomic():
        before = untouched
        changes = operation.method == "POST"
        if operation.before:
            operation.before(world)
            before = snapshot() if changes else {}
        client.cookies.pop("messages", None)  # of the cell before
        path = address(operation, world)
        body = operation.body(world) if operation.body else {}
        answer = client.get(path) if operation.method == "GET" else client.post(path, body)
        word = outcome(answer)
        touched = changed(before) if changes and word != "done" else []
        transaction.set_rollback(True)
    return word, touched


def test_every_cell_in_django_admin_and_no_refusal_changes_a_row(world, desks):
    wrong, untouched = [], snapshot()
    for operation in TABLE:
        for who, cell in zip(WHO, [*OUTSIDE, *operation.cells.split()], strict=True):
            word, touched = perform(operation, world, desks[who], untouched)
            if word != cell:
                wrong.append(f"{operation.name} by {who}: {word}, should be {cell}")
            if touched:
                wrong.append(f"{operation.name} by {who}: {word}, but changed {touched}")
    assert wrong == [], "\n".join(wrong)


def test_every_page_and_button_has_its_row():
    """A new table of Django admin, or a new button, comes with its rights."""
    from django.contrib import admin

    from chat.admin.trade_buttons import BUTTONS

    paths = [operation.path for operation in TABLE]
    tables = {f"{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry}
    assert [table for table in tables if not any(path.startswith(table) for path in paths)] == []
    assert [name for name in BUTTONS if not any(path.endswith(f"/do/{name}/") for path in paths)] == []


@pytest.mark.parametrize("path", ["chat/trade/{trade.pk}/do/release/", "chat/trade/{queued.pk}/do/take/"])
def test_a_foreign_page_cannot_press_a_button(world, path):
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.assignee)
    before = snapshot()

    answer = client.post("/admin/" + path.format(trade=world.trade, queued=world.queued))

    assert answer.status_code == 403
    assert changed(before) == []
