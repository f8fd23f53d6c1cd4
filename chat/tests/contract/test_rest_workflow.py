"""Disputes, escalations, ratings and looking in, as a client of the API meets them."""

from uuid import uuid4

import pytest

from chat.actions import escalations, trades
from chat.models import AuditEntry, Escalation, Trade
from chat.tests.contract import shapes
from chat.tests.contract.conftest import answer, pointers, problem
from chat.tests.factories import open_trade


@pytest.fixture
def at(trade):
    return f"trades/{trade.pk}/"


@pytest.fixture
def escalated(tina, trade):
    return escalations.escalate(actor=tina, trade_id=trade.pk, reason="two names")


def cancel(trade):
    trades.make_move(actor=trade.customer, trade_id=trade.pk, move=trades.CANCEL)


def test_a_dispute_answers_with_the_trade(rest, alice, trade, at):
    disputed = rest(alice).post(f"{at}dispute/", {"reason": "I have paid"})

    assert answer(disputed) == (200, shapes.trade(trade.pk))
    assert (disputed.json()["status"], disputed.json()["waiting_on"]) == ("disputed", "support")
    assert problem(rest(alice).post(f"{at}dispute/")) == (409, "conflict")
    assert pointers(rest(alice).post(f"{at}dispute/", {"reason": "x" * 1_001})) == ["/reason"]


def test_an_escalation_answers_with_the_trade(rest, alice, tina, trade, at):
    assert problem(rest(alice).post(f"{at}escalate/")) == (409, "conflict")
    assert pointers(rest(tina).post(f"{at}escalate/")) == ["/reason"]
    for _ in range(2):
        escalated = rest(tina).post(f"{at}escalate/", {"reason": "two names"})
        assert answer(escalated) == (200, shapes.trade(trade.pk, staff=True))
    assert Escalation.objects.count() == 1


def test_escalations_are_listed_newest_first_and_filtered(rest, alice, tina, sara, escalated):
    other = escalations.escalate(actor=tina, trade_id=open_trade(alice).pk, reason="odd")
    escalations.take(actor=sara, escalation_id=other.pk)
    other.refresh_from_db()

    assert answer(rest(sara).get("escalations/")) == (
        200,
        {"results": [shapes.escalation(other), shapes.escalation(escalated)], "next": None, "previous": None},
    )
    for status, found in (("open", [escalated]), ("taken", [other]), ("resolved", [])):
        rows = rest(sara).get("escalations/", status=status).json()["results"]
        assert [row["id"] for row in rows] == [str(row.pk) for row in found]
    assert problem(rest(tina).get("escalations/")) == (403, "forbidden")
    assert pointers(rest(sara).get("escalations/", status="x")) == ["/status"]


def test_an_escalation_is_taken_and_decided(rest, sara, trade, escalated):
    path = f"escalations/{escalated.pk}/"
    hers = rest(sara)

    taken = hers.post(f"{path}take/")
    decided = hers.post(f"{path}resolve/", {"decision": "completed", "reason": "the money is there"})

    assert (answer(taken)[0], taken.json()["taken_by"]) == (200, shapes.person(sara))
    assert answer(decided) == (200, shapes.escalation(Escalation.objects.get()))
    assert Trade.objects.get().status == "completed"
    assert problem(hers.post(f"{path}resolve/", {"decision": "rejected", "reason": "no"})) == (409, "conflict")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({}, "/decision"), ({"decision": "pending", "reason": "x"}, "/decision"), ({"decision": 1}, "/decision"),
     ({"decision": "completed"}, "/reason"), ({"decision": "completed", "reason": " "}, "/reason"),
     ({"decision": "completed", "reason": "a\x00"}, "/reason"),
     ({"decision": "completed", "reason": "x" * 1_001}, "/reason")],
)  # fmt: skip
def test_a_decision_that_is_wrong_is_named(rest, sara, escalated, body, pointer):
    hers = rest(sara)
    hers.post(f"escalations/{escalated.pk}/take/")

    assert pointers(hers.post(f"escalations/{escalated.pk}/resolve/", body)) == [pointer]
    assert Escalation.objects.get().status == "taken"


def test_an_escalation_that_is_not_there_is_not_found(rest, alice, tina, sara):
    for user in (alice, tina, sara):
        for step, body in (("take", {}), ("resolve", {"decision": "completed", "reason": "x"})):
            assert problem(rest(user).post(f"escalations/{uuid4()}/{step}/", body)) == (404, "not_found")


def test_a_rating_is_given_once(rest, alice, trade, at):
    assert problem(rest(alice).post(f"{at}rate/", {"rating": 5})) == (409, "conflict")
    cancel(trade)

    rated = rest(alice).post(f"{at}rate/", {"rating": 4, "comment": "quick"})

    assert (answer(rated), rated.json()["rating"]) == ((200, shapes.trade(trade.pk)), 4)
    assert problem(rest(alice).post(f"{at}rate/", {"rating": 4, "comment": "quick"})) == (409, "conflict")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({}, "/rating"), *(({"rating": wrong}, "/rating") for wrong in (0, 6, -1, 2**63, 1.0, "5", True, None)),
     ({"rating": 5, "comment": "x" * 1_001}, "/comment"), ({"rating": 5, "comment": "a\x00"}, "/comment"),
     ({"rating": 5, "comment": 7}, "/comment")],
)  # fmt: skip
def test_a_rating_that_is_wrong_is_named(rest, alice, trade, at, body, pointer):
    cancel(trade)

    assert pointers(rest(alice).post(f"{at}rate/", body)) == [pointer]
    assert Trade.objects.get().rating is None


def test_a_super_admin_looks_in_steps_in_and_leaves(rest, sara, trade, at):
    hers, messages = rest(sara), f"conversations/{trade.conversation_id}/messages/"
    assert problem(hers.get(messages)) == (404, "not_found")

    assert answer(hers.post(f"{at}join/", {"reason": "a complaint"})) == (200, shapes.trade(trade.pk, staff=True))
    assert hers.get(messages).status_code == 200
    assert problem(hers.post(messages, {"client_id": str(uuid4()), "body": "hi"})) == (403, "forbidden")
    assert hers.post(f"{at}join/", {"reason": "a complaint", "write": True}).status_code == 200
    assert hers.post(messages, {"client_id": str(uuid4()), "body": "hi"}).status_code == 201
    assert hers.post(f"{at}leave/").status_code == 200
    assert problem(hers.get(messages)) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({}, "/reason"), ({"reason": ""}, "/reason"), ({"reason": "\u200b"}, "/reason"), ({"reason": 1}, "/reason"),
     ({"reason": "a\x00"}, "/reason"), ({"reason": "x" * 1_001}, "/reason"),
     ({"reason": "x", "write": "yes"}, "/write")],
)  # fmt: skip
def test_looking_in_wants_a_reason(rest, sara, trade, at, body, pointer):
    assert pointers(rest(sara).post(f"{at}join/", body)) == [pointer]
    assert not AuditEntry.objects.filter(action="trade.read").exists()


def test_the_history_of_a_trade_is_for_staff_who_see_it_newest_first(rest, alice, bob, tina, tom, sara, trade, at):
    rest(sara).post(f"{at}join/", {"reason": "a complaint"})

    rows = answer(rest(tina).get(f"{at}history/"))[1]["results"]

    assert [row["action"] for row in rows] == ["trade.read", "trade.assigned", "trade.opened"]
    assert (rows[0]["actor"], rows[0]["detail"]) == (shapes.person(sara), {"reason": "a complaint"})
    assert rows[1]["subject"] == shapes.person(tina)
    page = rest(sara).get(f"{at}history/", limit=2).json()
    assert [row["action"] for row in rest(sara).get(page["next"]).json()["results"]] == ["trade.opened"]
    for user, refusal in ((alice, (403, "forbidden")), (bob, (404, "not_found")), (tom, (404, "not_found"))):
        assert problem(rest(user).get(f"{at}history/")) == refusal
