"""The promises hold without any service too."""

import asyncio
from uuid import uuid4

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("embedded")]


def is_system(event):
    return lambda frame: frame["type"] == "message.new" and (frame["message"]["data"] or {}).get("event") == event


async def test_two_people_chat_and_what_was_missed_comes_with_a_sync(site):
    async with await site.connect("alice") as alice, await site.connect("tina") as tina:
        trade = await asyncio.to_thread(site.open_trade)
        room = trade["conversation_id"]
        ack = await alice.send_message(room, "hello 😀")
        [*_, event] = await tina.wait_for_seq(room, ack["message"]["seq"])
        assert event["message"] == ack["message"]
        positions = tina.positions()

    async with await site.connect("alice") as alice, await site.connect("tina") as tina:
        missed = [await alice.send_message(room, body) for body in "abc"]
        await tina.catch_up(positions)
        events = await tina.wait_for_seq(room, missed[-1]["message"]["seq"])

    assert [event["message"]["body"] for event in events[-3:]] == ["a", "b", "c"]
    tina.check()


async def test_a_trade_lives_from_opening_to_its_end(site):
    async with await site.connect("alice") as alice, await site.connect("tina") as tina:
        trade = await asyncio.to_thread(site.open_trade)
        room, path = trade["conversation_id"], f"trades/{trade['id']}"
        added = await tina.wait_for(
            lambda frame: frame["type"] == "conversation.added" and frame["conversation"]["id"] == room
        )
        verifying = await site.call_aside("alice", "POST", f"{path}/proof/", {"reason": "paid"})
        await tina.wait_for(is_system("trade.proof_submitted"))
        done = await site.call_aside("tina", "POST", f"{path}/approve/", {})
        await alice.wait_for(is_system("trade.approved"))
        refused = await alice.send_message(room, "late")

    assert (trade["status"], trade["assignee"]["display_name"]) == ("pending", "Tina")
    assert (trade["asset_amount"], trade["fiat_amount"]) == ("0.010", "600.00")
    assert added["conversation"]["kind"] == "trade"
    assert (verifying["status"], done["status"], refused["code"]) == ("verifying", "completed", "conversation_closed")
    events = [
        message["data"]["event"] for message in site.call("alice", "GET", f"conversations/{room}/messages/")["results"]
    ]
    assert events == ["trade.opened", "trade.assigned", "trade.proof_submitted", "trade.approved"]


async def test_refusals_and_repeats_are_the_same_as_elsewhere(site):
    trade = await asyncio.to_thread(site.open_trade)
    room, client_id = trade["conversation_id"], str(uuid4())
    async with await site.connect("alice") as alice, await site.connect("bob") as bob:
        first = await alice.send_message(room, "hi", client_id)
        again = await alice.send_message(room, "hi", client_id)
        other = await alice.send_message(room, "ho", client_id)
        stranger = await bob.send_message(room, "hi")
        reply = await alice.send_message(room, "yes", reply_to=first["message"]["id"])
        lost = await alice.send_message(room, "no", reply_to=str(uuid4()))

    assert (again["message"], again["duplicate"]) == (first["message"], True)
    assert [frame["code"] for frame in (other, stranger, lost)] == ["conflict", "not_found", "invalid"]
    assert reply["message"]["reply_to"] == first["message"]["id"]


async def test_twenty_senders_at_once_leave_no_hole(site):
    trade = await asyncio.to_thread(site.open_trade)
    room = trade["conversation_id"]
    before = site.call("alice", "GET", f"conversations/{room}/")["head"]
    senders = [await site.connect(name) for name in ("alice", "tina") * 10]
    async with await site.connect("tina") as reader:
        acks = await asyncio.gather(*(sender.send_message(room, str(n)) for sender in senders for n in range(10)))
        events = await reader.wait_for_seq(room, before + 200)
        for sender in senders:
            await sender.wait_for_seq(room, before + 200)
    for sender in senders:
        sender.check()
        await sender.close()

    assert sorted(ack["message"]["seq"] for ack in acks) == list(range(before + 1, before + 201))
    assert [event["seq"] for event in events][-200:] == list(range(before + 1, before + 201))
    reader.check()


async def test_what_was_acked_survives_a_crash(site):
    trade = await asyncio.to_thread(site.open_trade)
    room = trade["conversation_id"]
    alice = await site.connect("alice")
    acks = await asyncio.gather(*(alice.send_message(room, str(number)) for number in range(30)))

    site.server.kill()
    assert await alice.closed() == 1006
    await asyncio.to_thread(site.server.start)

    stored = site.call("alice", "GET", f"conversations/{room}/messages/?limit=100")["results"]
    assert [message for message in stored if message["sender"]] == [ack["message"] for ack in acks]
    async with await site.connect("alice") as back:
        assert (await back.send_message(room, "back"))["message"]["seq"] == acks[-1]["message"]["seq"] + 1
