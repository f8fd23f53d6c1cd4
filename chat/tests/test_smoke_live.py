"""One message's way through real processes."""

import pytest

from chat.tests.conftest import PASSWORD
from testing.client import SocketClient
from testing.rest import RestClient

pytestmark = pytest.mark.django_db(transaction=True)


async def test_two_people_on_two_servers_chat(start_server, alice, tina, trade):
    one, two = start_server(), start_server()
    async with RestClient(one.http_url) as hers, RestClient(two.http_url) as theirs:
        await hers.login(alice.email, PASSWORD)
        await theirs.login(tina.email, PASSWORD)
        async with (
            await SocketClient.connect(one.ws_url, token=hers.access) as left,
            await SocketClient.connect(two.ws_url, token=theirs.access) as right,
        ):
            ack = await left.send_message(str(trade.conversation_id), "hello")

            event = await right.wait_for(lambda frame: frame["type"] == "message.new")

            assert event["message"] == ack["message"]
            assert ack["message"]["body"] == "hello"
