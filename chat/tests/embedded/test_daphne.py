"""The same application under daphne, which `runserver` uses: connect, send, receive, and how sockets end."""

import asyncio

import pytest

from chat.tests.embedded.conftest import running_site
from testing.client import Refused, SocketClient

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("daphne")]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with running_site(tmp_path_factory.mktemp("daphne"), "daphne") as found:
        yield found


async def test_a_message_goes_from_one_to_the_other(site):
    trade = await asyncio.to_thread(site.open_trade)
    room = trade["conversation_id"]
    async with await site.connect("alice") as alice, await site.connect("tina") as tina:
        ack = await alice.send_message(room, "hello 😀")
        [*_, event] = await tina.wait_for_seq(room, ack["message"]["seq"])

    assert event["message"] == ack["message"]
    assert ack["message"]["body"] == "hello 😀"


async def test_the_subprotocol_is_selected_and_long_bursts_arrive(site):
    trade = await asyncio.to_thread(site.open_trade)
    room = trade["conversation_id"]
    async with await SocketClient.connect(site.server.ws_url, subprotocol_token=site.tokens["alice"]) as alice:
        assert alice.connection.subprotocol == "parley.v1"
        acks = await asyncio.gather(*(alice.send_message(room, str(number)) for number in range(100)))
        await alice.wait_for_seq(room, max(ack["message"]["seq"] for ack in acks))

    alice.check()


async def test_a_bad_token_is_refused_with_4401_and_a_foreign_origin_with_4403(site):
    with pytest.raises(Refused) as bad:
        await SocketClient.connect(site.server.ws_url, token="x")
    with pytest.raises(Refused) as foreign:
        await SocketClient.connect(site.server.ws_url, token=site.tokens["alice"], origin="https://evil.example")

    assert (bad.value.code, bad.value.error["code"]) == (4401, "unauthenticated")
    assert (foreign.value.code, foreign.value.error["code"]) == (4403, "forbidden")


async def test_bad_frames_are_answered_and_too_large_ones_end_the_socket(site):
    async with await site.connect("bob") as bob:
        await bob.send_raw("[]")
        await bob.wait_for(lambda frame: frame["type"] == "error" and frame["code"] == "bad_frame")
        await bob.send_raw("x" * 70_000)

        assert await bob.closed() in (1009, 4413)


async def test_who_logs_out_is_closed_with_4409(site):
    async with await site.connect("bob") as bob:
        await site.call_aside("bob", "POST", "auth/logout/", {})

        assert await bob.closed() == 4409
