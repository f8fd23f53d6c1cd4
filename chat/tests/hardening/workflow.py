"""The rows of the rights table about disputes, escalations, ratings and looking in."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from chat.actions import breakglass, escalations, trades
from chat.models import Trade
from chat.tests.hardening.tools import MARK, new_id
from chat.tests.hardening.world import Operation, World


def proof(world: World) -> None:
    trades.make_move(actor=world.participant, trade_id=world.trade.pk, move=trades.PROOF)


def close(world: World) -> None:
    trades.make_move(actor=world.participant, trade_id=world.trade.pk, move=trades.CANCEL)


def dispute(world: World) -> None:
    trades.make_move(actor=world.participant, trade_id=world.trade.pk, move=trades.DISPUTE)


def escalate(world: World) -> None:
    escalation = escalations.escalate(actor=world.assignee, trade_id=world.trade.pk, reason="odd")
    world.escalation = escalation.pk


def take_escalation(world: World) -> None:
    escalate(world)
    assert world.escalation is not None
    escalations.take(actor=world.super_admin, escalation_id=world.escalation)


def wait_long(world: World) -> None:
    proof(world)
    Trade.objects.filter(pk=world.trade.pk).update(waiting_since=timezone.now() - timedelta(minutes=31))


def look_in(world: World) -> None:
    breakglass.join(actor=world.super_admin, trade_id=world.trade.pk, reason="x")


def step_in(world: World) -> None:
    breakglass.join(actor=world.super_admin, trade_id=world.trade.pk, reason="x", write=True)


def because(_: World) -> dict[str, Any]:
    return {"reason": "x"}


def say(_: World) -> dict[str, Any]:
    return {"client_id": new_id(), "body": MARK}


CHAT = "conversations/{trade.conversation_id}/"
TRADE, QUEUED = "trades/{trade.pk}/", "trades/{queued.pk}/"

WORKFLOW = [
    # disputes, escalations, ratings
    Operation("dispute", "POST", f"{TRADE}dispute/", "401 200 404 403 403 403", because),
    Operation("dispute in the queue", "POST", f"{QUEUED}dispute/", "401 200 404 403 403 403", because),
    Operation("approve a dispute", "POST", f"{TRADE}approve/", "401 403 404 409 403 200", before=dispute),
    Operation("reject a dispute", "POST", f"{TRADE}reject/", "401 403 404 409 403 200", because, dispute),
    Operation("cancel a dispute", "POST", f"{TRADE}cancel/", "401 409 404 409 403 403", before=dispute),
    Operation("escalate at once", "POST", f"{TRADE}escalate/", "401 409 404 200 403 403", because),
    Operation("escalate after silence", "POST", f"{TRADE}escalate/", "401 200 404 200 403 403", because, wait_long),
    Operation("escalate a dispute", "POST", f"{TRADE}escalate/", "401 200 404 409 403 403", because, dispute),
    Operation("list escalations", "GET", "escalations/", "401 403 403 403 403 200"),
    Operation(
        "take an escalation", "POST", "escalations/{escalation}/take/", "401 403 404 403 403 200", before=escalate
    ),
    Operation("take no escalation", "POST", "escalations/{unknown}/take/", "401 404 404 404 404 404"),
    Operation(
        "decide an escalation", "POST", "escalations/{escalation}/resolve/", "401 403 404 403 403 200",
        lambda _: {"decision": "completed", "reason": "x"}, take_escalation,
    ),
    Operation(
        "decide what is not taken", "POST", "escalations/{escalation}/resolve/", "401 403 404 403 403 409",
        lambda _: {"decision": "completed", "reason": "x"}, escalate,
    ),
    Operation("approve an escalated trade", "POST", f"{TRADE}approve/", "401 403 404 409 403 403", before=escalate),
    Operation("approve a taken one", "POST", f"{TRADE}approve/", "401 403 404 409 403 200", before=take_escalation),
    Operation("rate", "POST", f"{TRADE}rate/", "401 200 404 403 403 403", lambda _: {"rating": 5}, close),
    Operation("rate what is open", "POST", f"{TRADE}rate/", "401 409 404 403 403 403", lambda _: {"rating": 5}),
    # looking in
    Operation("look in", "POST", f"{TRADE}join/", "401 403 404 403 403 200", because),
    Operation("look in without a reason", "POST", f"{TRADE}join/", "401 403 404 403 403 400"),
    Operation("step in", "POST", f"{TRADE}join/", "401 403 404 403 403 200", lambda _: {"reason": "x", "write": True}),
    Operation("leave", "POST", f"{TRADE}leave/", "401 403 404 403 403 200", before=look_in),
    Operation("read after looking in", "GET", f"{CHAT}messages/", "401 200 404 200 404 200", before=look_in),
    Operation("write after looking in", "POST", f"{CHAT}messages/", "401 201 404 201 404 403", say, look_in),
    Operation("write after stepping in", "POST", f"{CHAT}messages/", "401 201 404 201 404 201", say, step_in),
    Operation(
        "type after looking in", "POST", f"{CHAT}typing/", "401 204 404 204 404 403",
        lambda _: {"typing": True}, look_in,
    ),
    Operation("write after taking", "POST", f"{CHAT}messages/", "401 201 404 201 404 201", say, take_escalation),
    Operation("history", "GET", f"{TRADE}history/", "401 403 404 200 404 200"),
    Operation("history in the queue", "GET", f"{QUEUED}history/", "401 403 404 200 200 200"),
]  # fmt: skip
