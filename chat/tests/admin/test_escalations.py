"""Escalations in Django admin: super admins take and decide, others see what became of theirs."""

from uuid import uuid4

import pytest

from chat.actions import escalations
from chat.enums import EscalationStatus, TradeStatus
from chat.models import Escalation
from chat.tests.admin.conftest import said
from chat.tests.factories import open_trade

LIST = "/admin/chat/escalation/"


@pytest.fixture
def escalation(trade, tina) -> Escalation:
    return escalations.escalate(actor=tina, trade_id=trade.pk, reason="Threatens us.")


def do(client, escalation, name, **form):
    return client.post(f"{LIST}{escalation.pk}/do/{name}/", form, follow=True)


def found(client) -> list[Escalation]:
    return list(client.get(LIST).context["cl"].result_list)


def test_super_admins_find_all_and_admins_theirs(desk, escalation, tina, tom, sara):
    assert (found(desk(sara)), found(desk(tina)), found(desk(tom))) == ([escalation], [escalation], [])


def test_the_list_is_filtered_by_decision(desk, escalation, sara):
    client = desk(sara)
    do(client, escalation, "take")
    do(client, escalation, "resolve", decision="rejected", reason="No money came.")

    def count(query: str) -> int:
        return len(client.get(LIST + query).context["cl"].result_list)

    assert [count(f"?decision={decision}") for decision in ("rejected", "completed", "' OR 1=1")] == [1, 0, 0]


def test_a_list_costs_the_same_for_one_and_for_three(
    desk, escalation, alice, tina, sara, django_assert_max_num_queries
):
    client, counts = desk(sara), []
    client.get(LIST)
    for _ in range(2):
        with django_assert_max_num_queries(12) as queries:
            assert client.get(f"{LIST}?q=BP").status_code == 200
        counts.append(len(queries))
        for _ in range(2):
            escalations.escalate(actor=tina, trade_id=open_trade(alice).pk, reason="More.")

    assert counts[0] == counts[1]


def test_an_escalation_is_taken_and_decided(desk, escalation, trade, sara):
    client = desk(sara)

    assert said(do(client, escalation, "take")) == ["You have taken the escalation."]
    answer = do(client, escalation, "resolve", decision="cancelled", reason="Both want that.")

    trade.refresh_from_db()
    escalation.refresh_from_db()
    assert said(answer) == ["Decided. The customer has been told."]
    assert (trade.status, trade.decision_reason) == (TradeStatus.CANCELLED, "Both want that.")
    assert (escalation.status, escalation.taken_by) == (EscalationStatus.RESOLVED, sara)
    assert client.get(f"{LIST}{escalation.pk}/change/").status_code == 200


@pytest.mark.parametrize(
    ("name", "form", "words"),
    [
        ("resolve", {"decision": "completed", "reason": "x"}, "You have not taken this escalation, or it is resolved."),
        ("resolve", {"decision": "completed", "reason": " "}, "Say why."),
        ("resolve", {"decision": "pending", "reason": "x"}, "Choose a decision."),
        ("resolve", {}, "Choose a decision."),
    ],
)
def test_what_is_refused_is_said_and_nothing_changes(desk, escalation, trade, sara, name, form, words):
    answer = do(desk(sara), escalation, name, **form)

    trade.refresh_from_db()
    escalation.refresh_from_db()
    assert said(answer) == [f"Nothing was changed. {words}"]
    assert (trade.status, escalation.status) == (TradeStatus.PENDING, EscalationStatus.OPEN)


def test_an_admin_may_look_at_theirs_but_not_decide(desk, escalation, tina):
    client = desk(tina)

    page = client.get(f"{LIST}{escalation.pk}/change/")
    assert page.status_code == 200
    assert b"Take this escalation" not in page.content
    answer = do(client, escalation, "take")

    escalation.refresh_from_db()
    assert said(answer) == ["Nothing was changed. You may not do this."]
    assert escalation.status == EscalationStatus.OPEN


def test_what_is_not_theirs_does_not_exist(desk, escalation, tom, sara):
    client = desk(tom)

    assert client.get(f"{LIST}{escalation.pk}/change/").status_code == 404
    assert do(client, escalation, "take").status_code == 404
    assert desk(sara).get(f"{LIST}{uuid4()}/change/").status_code == 404


def test_it_is_posted_and_called_by_its_name(desk, escalation, sara):
    assert desk(sara).get(f"{LIST}{escalation.pk}/do/take/").status_code == 405
    assert do(desk(sara), escalation, "explode").status_code == 404
