"""Who may do what, on a socket: what strangers are told, what staff notes give away, and what ends with a trade."""

import json
from typing import Any

import pytest

from chat.tests.hardening.tools import MARK, Edges, changes_since, new_id, picture
from chat.tests.hardening.world import SECRET
from testing.client import SocketClient

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("hardening-rights")]


DENIED = ("stranger", "colleague", "super_admin")


def frames_about(conversation: object) -> dict[str, dict[str, Any]]:
    here = str(conversation)
    return {
        "send": {"type": "message.send", "conversation": here, "client_id": new_id(), "body": MARK},
        "send nothing": {"type": "message.send", "conversation": here, "client_id": new_id(), "body": ""},
        "read": {"type": "message.read", "conversation": here, "seq": 1},
        "delivered": {"type": "message.delivered", "conversation": here, "seq": 1},
        "typing": {"type": "typing.start", "conversation": here},
    }


async def test_on_a_socket_strangers_get_the_same_nothing_as_for_what_does_not_exist(server, world):
    trade, queued = world.trade, world.queued
    cases = {
        "stranger": (
            trade.conversation_id,
            trade.notes_conversation_id,
            queued.conversation_id,
            queued.notes_conversation_id,
        ),
        "participant": (trade.notes_conversation_id, queued.notes_conversation_id),
        "assignee": (queued.conversation_id,),
        "colleague": (trade.conversation_id, trade.notes_conversation_id, queued.conversation_id),
        "super_admin": (trade.conversation_id, queued.conversation_id),
    }
    async with await Edges.open(server, world.participant) as hers:
        for who, conversations in cases.items():
            async with await Edges.open(server, world.people[who]) as theirs:
                before = await picture()
                quiet = len(hers.socket.journal)
                for conversation in conversations:
                    for name, frame in frames_about(conversation).items():
                        denied = await theirs.socket.request(frame)
                        absent = await theirs.socket.request({**frame, "conversation": new_id()})
                        assert denied["code"] == "not_found", f"{name} by {who}: {denied}"
                        assert {**denied, "id": 0} == {**absent, "id": 0}, f"{name} by {who}"
                    denied_sync = (await theirs.socket.sync({str(conversation): 0}))[0]
                    assert set(denied_sync) == {"type", "id", "conversation"}, who
                    assert denied_sync["type"] == "sync.gone", f"sync by {who}"
                assert await changes_since(before) == [], who
                others = [frame["type"] for frame in hers.socket.journal[quiet:] if frame["type"] != "presence.update"]
                assert others == [], f"an event of what {who} was refused: {others}"
                assert (await theirs.socket.request({"type": "ping"}))["type"] == "pong"


async def test_a_note_reaches_staff_and_no_socket_of_the_customer(server, world):
    notes = str(world.trade.notes_conversation_id)
    async with (
        await Edges.open(server, world.participant) as hers,
        await Edges.open(server, world.assignee) as theirs,
    ):
        await theirs.socket.send_message(notes, SECRET)
        await theirs.socket.request({"type": "message.read", "conversation": notes, "seq": 1})
        await theirs.socket.send({"type": "typing.start", "conversation": notes})
        note = await theirs.socket.wait_for(lambda frame: frame.get("conversation") == notes)
        assert note["message"]["body"] == SECRET
        await theirs.still_works(world.trade.conversation_id, "after the note")
        await hers.socket.wait_for(lambda frame: frame["type"] == "message.new")
        answers = await hers.socket.sync({notes: 0})
        assert (answers[0]["type"], answers[0]["conversation"]) == ("sync.gone", notes)
        for frame in hers.socket.journal:
            if frame["type"] != "sync.gone":
                assert notes not in json.dumps(frame)
                assert SECRET not in json.dumps(frame)
        await hers.socket.catch_up({str(world.trade.conversation_id): 0})
        hers.socket.check()


async def test_who_is_off_a_trade_hears_no_more_of_it(server, world):
    here = str(world.trade.conversation_id)
    async with (
        await Edges.open(server, world.participant) as hers,
        await Edges.open(server, world.assignee) as before,
        await Edges.open(server, world.colleague) as after,
    ):
        handed = await before.rest.post(f"trades/{world.trade.pk}/assign/", {"admin_id": str(world.colleague.pk)})
        assert handed.status_code == 200
        await before.socket.wait_for(lambda frame: frame["type"] == "conversation.removed")
        await after.socket.wait_for(lambda frame: frame["type"] == "conversation.added")
        count = len(before.socket.journal)
        await hers.socket.send_message(here, f"{MARK} after")
        await after.socket.wait_for(
            lambda frame: frame["type"] == "message.new" and "after" in frame["message"]["body"]
        )
        for name, frame in frames_about(here).items():
            assert (await before.socket.request(frame))["code"] == "not_found", name
        assert (await before.socket.sync({here: 0}))[0]["type"] == "sync.gone"
        told = [frame for frame in before.socket.journal[count:] if MARK in json.dumps(frame)]
        assert told == []


async def test_nobody_gets_a_socket_without_saying_who_they_are(server, world):
    socket = await SocketClient.connect(server.ws_url, wait=False)
    for frame in frames_about(world.trade.conversation_id).values():
        await socket.send(frame)
        break
    error = await socket.wait_for(lambda frame: frame["type"] == "error")
    assert error["code"] == "unauthenticated"
    await socket.connection.wait_closed()
    assert socket.connection.close_code == 4401
    await socket.close()
