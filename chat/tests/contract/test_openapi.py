"""The schema is valid OpenAPI 3.1, holds every address served, and its components are what is really sent."""

import re
from typing import Any

import pytest
from drf_spectacular.validation import validate_schema

from chat.tests.contract import shapes

C, T = "/api/v1/conversations/{conversation_id}/", "/api/v1/trades/{trade_id}/"
PATHS = {
    "/api/v1/auth/register/": {"post"},
    "/api/v1/auth/token/": {"post"},
    "/api/v1/auth/token/refresh/": {"post"},
    "/api/v1/auth/logout/": {"post"},
    "/api/v1/auth/logout-all/": {"post"},
    "/api/v1/me/": {"get", "patch"},
    "/api/v1/me/password/": {"post"},
    "/api/v1/users/{user_id}/": {"get", "patch"},
    "/api/v1/ws-ticket/": {"post"},
    "/api/v1/trades/": {"get", "post"},
    T: {"get"},
    **{f"{T}{move}/": {"post"} for move in ("proof", "approve", "reject", "cancel", "take", "assign", "release")},
    **{f"{T}{move}/": {"post"} for move in ("dispute", "escalate", "rate", "join", "leave")},
    f"{T}history/": {"get"},
    "/api/v1/escalations/": {"get"},
    **{f"/api/v1/escalations/{{escalation_id}}/{step}/": {"post"} for step in ("take", "resolve")},
    "/api/v1/conversations/": {"get"},
    "/api/v1/conversations/direct/": {"post"},
    "/api/v1/conversations/group/": {"post"},
    C: {"get", "patch"},
    f"{C}participants/": {"post"},
    f"{C}participants/{{user_id}}/": {"patch", "delete"},
    f"{C}messages/": {"get", "post"},
    f"{C}events/": {"get"},
    f"{C}read/": {"post"},
    f"{C}delivered/": {"post"},
    f"{C}typing/": {"post"},
    "/api/v1/messages/{message_id}/": {"get"},
    "/api/v1/unread/": {"get"},
    "/api/v1/blocks/": {"get"},
    "/api/v1/users/{user_id}/block/": {"put", "delete"},
    "/api/v1/staff/": {"get"},
    "/api/v1/mentions/": {"get"},
    "/api/v1/audit/": {"get"},
    "/api/v1/reports/trades.csv": {"get"},
    "/api/v1/stats/": {"get"},
    "/api/v1/devices/": {"get", "post"},
    "/api/v1/devices/{device_id}/": {"delete"},
    "/api/v1/notification-preferences/": {"get", "patch"},
    "/api/v1/notifications/": {"get"},
    "/api/v1/notifications/read/": {"post"},
    "/api/v1/canned-replies/": {"get", "post"},
    "/api/v1/canned-replies/{reply_id}/": {"get", "patch", "delete"},
    "/api/v1/canned-replies/{reply_id}/render/": {"post"},
}


@pytest.fixture
def schema(rest: Any) -> dict[str, Any]:
    response = rest().get("/api/schema/", format="json")
    assert response.status_code == 200
    return response.json()


def test_the_schema_is_valid(schema):
    validate_schema(schema)

    assert schema["openapi"].startswith("3.1")


def test_every_address_of_the_contract_is_in_it(schema):
    found = {path: set(methods) for path, methods in schema["paths"].items()}

    assert {path: methods - {"parameters"} for path, methods in found.items() if path.startswith("/api/v1/")} == PATHS


def test_the_bpay_calls_are_in_it(schema):
    addresses = [re.sub(r"[^a-z{}/]", "", path) for path in schema["paths"] if path.startswith("/api/chat/")]

    assert len(addresses) == 4


def test_every_reference_leads_somewhere(schema):
    names = set(re.findall(r"#/components/schemas/(\w+)", str(schema)))

    assert names <= set(schema["components"]["schemas"])


def test_every_refusal_is_a_problem(schema):
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            for status, response in operation["responses"].items():
                if not status.startswith("2"):
                    assert list(response["content"]) == ["application/problem+json"], (path, method, status)


def test_the_shapes_are_those_that_are_sent(schema, alice, tina, trade):
    properties = {name: set(shape.get("properties", ())) for name, shape in schema["components"]["schemas"].items()}

    assert properties["TradeShape"] == set(shapes.trade(trade.pk))
    assert properties["StaffTradeShape"] == set(shapes.trade(trade.pk, staff=True))
    assert properties["ConversationShape"] == set(shapes.conversation(trade.conversation_id, alice, unread=0))
    assert properties["DeviceShape"] == {"id", "token", "platform", "name", "active"}
    assert properties["NotificationShape"] == {"id", "kind", "text", "url", "created_at", "read_at"}
    assert properties["PreferencesShape"] == {
        *("message", "trade", "escalation", "mention", "hide_content", "quiet_hours"),
    }
    assert properties["QuietHoursShape"] == {"from", "to", "time_zone"}
    assert properties["MessageShape"] == set(shapes.message(trade.conversation.messages.first()))


@pytest.mark.django_db
def test_it_can_be_browsed(client):
    response = client.get("/api/docs/")

    assert (response.status_code, response["Content-Type"]) == (200, "text/html; charset=utf-8")
