"""P2: one `client_id` is one message for ever, whoever is asked, however often and in whatever way."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from chat import eventlog
from chat.actions import people as places
from chat.tests.promises.conftest import Farm
from chat.tests.promises.people import Device, group, in_database, person, rows_of, stored, texts
from testing.client import SocketClient
from testing.rest import RestClient
from testing.server import ServerProcess

pytestmark = pytest.mark.xdist_group("p2")


@pytest.fixture(scope="module")
def servers(farm: Farm) -> list[ServerProcess]:
    return farm.start({}, {})


async def over_rest(client: RestClient, conversation: str, body: str, client_id: str) -> tuple[int, dict[str, Any]]:
    answer = await client.post(f"conversations/{conversation}/messages/", {"client_id": client_id, "body": body})
    return answer.status_code, answer.json()


def put_out(conversation: str, device: Device) -> None:
    with transaction.atomic():
        [locked] = eventlog.lock([UUID(conversation)]).values()
        places.leave(locked, device.user.pk)


async def test_fifty_parallel_sends_of_one_client_id_are_one_message(servers):
    alice, bob = await in_database(person), await in_database(person)
    conversation = await in_database(group, alice, bob)
    client_id = str(uuid4())
    async with (
        await alice.connect(servers[0]) as left,
        await alice.connect(servers[1]) as right,
        await bob.connect(servers[1]) as his,
        alice.rest(servers[0]) as rest_left,
        alice.rest(servers[1]) as rest_right,
    ):
        sockets = [left.send_message(conversation, "one", client_id) for _ in range(13)]
        sockets += [right.send_message(conversation, "one", client_id) for _ in range(13)]
        rests = [over_rest(rest, conversation, "one", client_id) for rest in (rest_left, rest_right) for _ in range(12)]

        acks, answers = await asyncio.gather(asyncio.gather(*sockets), asyncio.gather(*rests))

        messages = [ack["message"] for ack in acks] + [message for _, message in answers]
        news = [ack["duplicate"] for ack in acks].count(False) + [status for status, _ in answers].count(201)
        last = await left.send_message(conversation, "two")
        await his.wait_for_seq(conversation, last["message"]["seq"])
        assert [message for message in messages if message != messages[0]] == []
        assert news == 1
        assert {status for status, _ in answers} <= {200, 201}
        assert texts(his, conversation) == ["one", "two"]
        assert await in_database(rows_of, client_id) == 1
        assert await in_database(stored, conversation) == (2, [1, 2], [1, 2])


async def conflicts(socket: SocketClient, rest: RestClient, conversation: str, body: str, client_id: str) -> bool:
    """Refused on both ways, without a word about what the client_id stands for."""
    error = await socket.send_message(conversation, body, client_id)
    status, problem = await over_rest(rest, conversation, body, client_id)
    assert error.keys() == {"type", "id", "code", "detail"}
    return (error["code"], status, problem["code"]) == ("conflict", 409, "conflict")


async def test_the_same_client_id_with_other_content_or_elsewhere_is_a_conflict(servers):
    alice = await in_database(person)
    here, there = await in_database(group, alice), await in_database(group, alice)
    client_id = str(uuid4())
    async with await alice.connect(servers[0]) as left, await alice.connect(servers[1]) as right:
        await left.send_message(here, "first", client_id)
        async with alice.rest(servers[1]) as rest:
            assert await conflicts(right, rest, here, "other", client_id)
            assert await conflicts(right, rest, there, "first", client_id)
            assert (await over_rest(rest, here, "first", client_id))[0] == 200

    assert await in_database(stored, here) == (1, [1], [1])
    assert await in_database(stored, there) == (0, [], [])


async def test_two_conversations_racing_for_one_client_id_have_one_winner(servers):
    alice = await in_database(person)
    here, there = await in_database(group, alice), await in_database(group, alice)
    async with await alice.connect(servers[0]) as left, await alice.connect(servers[1]) as right:
        for _ in range(10):
            client_id = str(uuid4())

            answers = await asyncio.gather(
                left.send_message(here, "race", client_id), right.send_message(there, "race", client_id)
            )

            assert sorted(answer["type"] for answer in answers) == ["ack", "error"]
            assert {answer["code"] for answer in answers if answer["type"] == "error"} == {"conflict"}
            assert await in_database(rows_of, client_id) == 1


async def test_a_repeat_by_somebody_who_was_removed_meanwhile_is_not_found(servers):
    alice, bob = await in_database(person), await in_database(person)
    conversation = await in_database(group, alice, bob)
    client_id = str(uuid4())
    async with await bob.connect(servers[0]) as left, await bob.connect(servers[1]) as right:
        assert (await left.send_message(conversation, "mine", client_id))["type"] == "ack"
        await in_database(put_out, conversation, bob)

        errors = [await socket.send_message(conversation, "mine", client_id) for socket in (left, right)]
        async with bob.rest(servers[1]) as rest:
            status, problem = await over_rest(rest, conversation, "mine", client_id)

    assert [error.get("code") for error in errors] == ["not_found", "not_found"]
    assert (status, problem["code"]) == (404, "not_found")
    assert await in_database(rows_of, client_id) == 1
