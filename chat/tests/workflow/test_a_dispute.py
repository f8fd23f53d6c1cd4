"""A whole dispute by real clients over the public API, on two servers: all of it in the customer's stream, in order."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import Role
from chat.actions import escalations
from chat.models import Trade
from chat.tests.promises.conftest import Farm
from chat.tests.promises.people import in_database, seqs
from chat.tests.workflow.people import order, somebody
from testing.client import SocketClient
from testing.server import ServerProcess

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("workflow-dispute")]


@pytest.fixture(scope="module")
def servers(farm: Farm) -> list[ServerProcess]:
    return farm.start({}, {})


def steps(client: SocketClient, conversation: str) -> list[str]:
    """What the stream tells: the event of a system message, the text of any other."""
    messages = [event["message"] for event in client.events(conversation)]
    return [message["data"]["event"] if message["kind"] == "system" else message["body"] for message in messages]


def is_step(conversation: str, name: str):
    return lambda frame: (
        frame["type"] == "message.new"
        and frame["conversation"] == conversation
        and (frame["message"]["data"] or {}).get("event") == name
    )


async def call(rest, path: str, body=None, status: int = 200):
    answer = await rest.post(path, body or {})
    assert answer.status_code == status, answer.text
    return answer.json()


async def follow(client: SocketClient, conversation: str) -> None:
    """From its first event on."""
    await client.wait_for(lambda frame: frame["type"] == "conversation.added")
    await client.catch_up({conversation: 0})


async def cast():
    people = {"alice": Role.CUSTOMER, "tina": Role.TRADE_ADMIN, "sara": Role.SUPER_ADMIN}
    return [await in_database(somebody, name.title(), role) for name, role in people.items()]


async def test_from_opening_to_rating(servers):
    alice, tina, sara = await cast()
    async with (
        await alice.connect(servers[0]) as hers,
        await tina.connect(servers[1]) as theirs,
        await sara.connect(servers[1]) as judge,
        alice.rest(servers[1]) as customer,
        tina.rest(servers[0]) as admin,
        sara.rest(servers[0]) as boss,
    ):
        trade = await call(customer, "trades/", order(), 201)
        chat, at = trade["conversation_id"], f"trades/{trade['id']}/"
        assert trade["assignee"]["id"] == str(tina.user.pk)
        await follow(hers, chat)
        await theirs.wait_for(lambda frame: frame["type"] == "conversation.added")
        notes = (await admin.get(at)).json()["notes_conversation_id"]

        await hers.send_message(chat, "I have sent the money.")
        await call(customer, f"{at}proof/", {"reason": "receipt 17"})
        await theirs.send_message(notes, "No such payment, and the name differs.")
        await call(admin, f"{at}reject/", {"reason": "no money came"})
        await call(customer, f"{at}dispute/", {"reason": "but I have paid"})
        told = await judge.wait_for(lambda frame: frame["type"] == "escalation.updated")
        escalation = told["escalation"]
        assert (escalation["trade"], escalation["status"], escalation["reason"]) == (
            trade["id"],
            "open",
            "but I have paid",
        )
        assert (await call(customer, f"{at}escalate/", {"reason": "please look"}))["status"] == "disputed"

        assert (await boss.get(f"conversations/{chat}/messages/")).status_code == 404
        taken = await call(boss, f"escalations/{escalation['id']}/take/")
        assert taken["taken_by"]["id"] == str(sara.user.pk)
        await judge.wait_for(lambda frame: frame.get("conversation") and frame["type"] == "conversation.added")
        await judge.send_message(notes, "The bank confirms it.")
        await judge.send_message(chat, "I have found your payment.")
        decided = {"decision": "completed", "reason": "paid on time"}
        assert (await call(boss, f"escalations/{escalation['id']}/resolve/", decided))["status"] == "resolved"
        late = {"client_id": str(uuid4()), "body": "thanks"}
        assert (await customer.post(f"conversations/{chat}/messages/", late)).json()["code"] == "conversation_closed"
        assert (await customer.post(f"{at}dispute/", {})).status_code == 409
        assert (await call(customer, f"{at}rate/", {"rating": 5, "comment": "in the end"}))["rating"] == 5

        await hers.wait_for(is_step(chat, "trade.resolved"))
        assert steps(hers, chat) == [
            *("trade.opened", "trade.assigned", "I have sent the money.", "trade.proof_submitted", "trade.rejected"),
            *("trade.disputed", "escalation.taken", "I have found your payment.", "trade.resolved"),
        ]
        assert seqs(hers, chat) == list(range(1, 10))
        assert hers.events(notes) == []
        assert all(notes not in str(frame) and "the name differs" not in str(frame) for frame in hers.journal)
        history = (await admin.get(f"{at}history/")).json()["results"]
        assert [entry["action"] for entry in history[::-1]] == [
            *("trade.opened", "trade.assigned", "trade.proof_submitted", "trade.rejected"),
            *("escalation.opened", "trade.disputed", "escalation.taken", "escalation.resolved", "trade.resolved"),
            "trade.rated",
        ]
        hers.check()


async def test_silence_is_escalated_by_the_clock(servers):
    alice, tina, sara = await cast()
    async with (
        await alice.connect(servers[0]) as hers,
        await tina.connect(servers[1]),
        await sara.connect(servers[1]) as judge,
        alice.rest(servers[1]) as customer,
        sara.rest(servers[0]) as boss,
    ):
        trade = await call(customer, "trades/", order(), 201)
        chat, at = trade["conversation_id"], f"trades/{trade['id']}/"
        await follow(hers, chat)
        await hers.send_message(chat, "hello?")
        assert (await customer.get(at)).json()["waiting_on"] == "support"
        assert (await customer.post(f"{at}escalate/", {})).status_code == 409

        hour_ago = timezone.now() - timedelta(hours=1)
        await in_database(Trade.objects.filter(pk=trade["id"]).update, waiting_since=hour_ago)
        assert await in_database(escalations.raise_overdue) == 1
        step = await hers.wait_for(is_step(chat, "escalation.opened"))
        assert step["message"]["data"]["escalation"]["raised_by"] is None
        told = await judge.wait_for(
            lambda frame: frame["type"] == "escalation.updated" and frame["escalation"]["trade"] == trade["id"]
        )
        path = f"escalations/{told['escalation']['id']}/"
        await call(boss, f"{path}take/")
        await call(boss, f"{path}resolve/", {"decision": "cancelled", "reason": "nobody answered"})

        await hers.wait_for(is_step(chat, "trade.resolved"))
        assert steps(hers, chat)[2:] == ["hello?", "escalation.opened", "escalation.taken", "trade.resolved"]
        assert seqs(hers, chat) == list(range(1, 7))
