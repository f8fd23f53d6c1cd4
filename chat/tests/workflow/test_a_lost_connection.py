"""An assignee's server dies without a close: presence goes offline, the waiting trade moves on, the door is shut."""

from datetime import timedelta
from uuid import uuid4

import pytest

from accounts.models import Role
from chat.actions import reassignment
from chat.models import Presence, Trade
from chat.tests.promises.conftest import Farm
from chat.tests.promises.people import in_database
from chat.tests.workflow.people import order, somebody
from testing.client import SocketClient
from testing.server import ServerProcess

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("workflow-lost")]

QUICK = {"PRESENCE_LEASE_SECONDS": "3", "REASSIGN_OFFLINE_SECONDS": "1"}
WITHIN = 20.0  # seconds: a lease, a look at the leases every four, and the time the assignee may be away


@pytest.fixture(scope="module")
def servers(farm: Farm) -> list[ServerProcess]:
    """The first will die; the second stays, with its own look at who is here."""
    return farm.start(QUICK, QUICK)


async def still_there(socket: SocketClient) -> None:
    assert (await socket.request({"type": "ping"}))["type"] == "pong"


async def test_a_waiting_trade_moves_on_from_who_was_cut_off(servers, settings):
    settings.REASSIGN_OFFLINE = timedelta(seconds=1)  # for the clock that runs here
    alice = await in_database(somebody, "Alice")
    tina = await in_database(somebody, "Tina", Role.TRADE_ADMIN)
    tom = await in_database(somebody, "Tom", Role.TRADE_ADMIN, availability="busy")
    async with await tina.connect(servers[0]), await alice.connect(servers[1]) as hers:
        async with alice.rest(servers[1]) as customer:
            trade = (await customer.post("trades/", order())).json()
        chat = trade["conversation_id"]
        assert trade["assignee"]["id"] == str(tina.user.pk)
        await hers.wait_for(lambda frame: frame["type"] == "conversation.added")
        await hers.send_message(chat, "are you there?")
        online = Presence.objects.filter(user=tina.user, status="online")
        while not await in_database(online.exists):
            await still_there(hers)
        async with await tom.connect(servers[1]), tom.rest(servers[1]) as colleague:
            await colleague.patch("me/", {"availability": "available"})

            servers[0].kill()
            gone = await hers.wait_for(
                lambda frame: frame["type"] == "presence.update" and frame["user"] == str(tina.user.pk)
                and frame["status"] == "offline",
                timeout=WITHIN,
            )  # fmt: skip
            while not await in_database(reassignment.reassign_due):  # as the clock does, until it is time
                await still_there(hers)

            step = await hers.wait_for(
                lambda frame: (
                    frame["type"] == "message.new"
                    and (frame["message"]["data"] or {}).get("event") == "trade.assigned"
                    and frame["message"]["data"]["trade"]["assignee"]["id"] == str(tom.user.pk)
                )
            )
            assert gone["last_active"] <= step["at"]
            assert (await colleague.get(f"conversations/{chat}/messages/")).status_code == 200
        async with tina.rest(servers[1]) as late:
            for path in (f"conversations/{chat}/messages/", f"trades/{trade['id']}/"):
                assert (await late.get(path)).status_code == 404
            body = {"client_id": str(uuid4()), "body": "here I am"}
            assert (await late.post(f"conversations/{chat}/messages/", body)).status_code == 404
        async with await tina.connect(servers[1]) as again:
            gone_for_her = await again.sync({chat: 1})
            assert "sync.gone" in {frame["type"] for frame in gone_for_her}
    after = await in_database(Trade.objects.get, pk=trade["id"])
    assert (after.assignee_id, after.reassignments) == (tom.user.pk, 1)
