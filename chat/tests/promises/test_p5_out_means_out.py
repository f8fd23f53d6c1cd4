"""P5: whoever was signed out, shut out or put out gets nothing more, on every process, within a second."""

import time
from typing import Any

import pytest

from accounts.models import Role
from accounts.tests.factories import PASSWORD
from chat.tests.factories import open_trade
from chat.tests.promises.conftest import Farm
from chat.tests.promises.people import Device, group, in_database, person, timed
from testing.client import SocketClient
from testing.ports import reserve_port
from testing.rest import RestClient
from testing.server import ServerProcess

pytestmark = pytest.mark.xdist_group("p5")

SOON = 1.0  # seconds
LOGGED_OUT, SHUT_OUT, BAD_TOKEN = 4409, 4403, 4401


@pytest.fixture(scope="module")
def servers(farm: Farm) -> list[ServerProcess]:
    """Requests go to the first, sockets are on the second. Their own clocks of repair run far too slow to help."""
    return farm.start({"REPAIR_SECONDS": "30"}, {"REPAIR_SECONDS": "30"})


@pytest.fixture(scope="module")
def without_redis(farm: Farm) -> list[ServerProcess]:
    """Two that cannot reach each other, and look into the database every second."""
    nowhere = f"redis://127.0.0.1:{reserve_port()}/0"
    return farm.start(*[{"REDIS_URL": nowhere, "REPAIR_SECONDS": "1"}] * 2)


async def still_there(socket: SocketClient, conversation: str) -> bool:
    """It answers, and its person's messages still come to it."""
    ack = await socket.send_message(conversation, "still here")
    await socket.wait_for(lambda frame: frame.get("message") == ack["message"] and frame["type"] == "message.new")
    return (await socket.request({"type": "ping"}))["type"] == "pong"


async def closes(socket: SocketClient, within: float = SOON) -> int | None:
    code, took = await timed(socket.closed(within + 5))
    assert took < within
    return code


async def test_logging_out_closes_this_devices_socket_and_no_other(servers):
    phone = await in_database(person)
    tablet, conversation = await in_database(phone.another), await in_database(group, phone)
    async with await phone.connect(servers[1]) as out, await tablet.connect(servers[1]) as stays:
        async with phone.rest(servers[0]) as rest:
            assert (await rest.post("auth/logout/")).status_code == 204

        assert await closes(out) == LOGGED_OUT
        assert await still_there(stays, conversation)


async def test_logging_out_everywhere_closes_every_socket_of_the_person_and_of_nobody_else(servers):
    phone, other = await in_database(person), await in_database(person)
    tablet, conversation = await in_database(phone.another), await in_database(group, phone, other)
    async with (
        await phone.connect(servers[0]) as near,
        await tablet.connect(servers[1]) as far,
        await other.connect(servers[1]) as stays,
    ):
        async with phone.rest(servers[0]) as rest:
            assert (await rest.post("auth/logout-all/")).status_code == 204

        assert [await closes(near), await closes(far)] == [LOGGED_OUT, LOGGED_OUT]
        assert await still_there(stays, conversation)


async def test_a_new_password_closes_all_other_sessions_and_not_the_one_that_set_it(servers):
    phone = await in_database(person, password=PASSWORD)
    tablet, conversation = await in_database(phone.another), await in_database(group, phone)
    async with await phone.connect(servers[1]) as stays, await tablet.connect(servers[1]) as out:
        async with phone.rest(servers[0]) as rest:
            answer = await rest.post("me/password/", {"current": PASSWORD, "new": f"{PASSWORD} staple"})
            assert answer.status_code == 204

        assert await closes(out) == LOGGED_OUT
        assert await still_there(stays, conversation)


@pytest.mark.parametrize(
    ("role", "change"),
    [(Role.CUSTOMER, {"is_active": False}), (Role.TRADE_ADMIN, {"role": "customer"})],
    ids=["deactivated", "demoted"],
)
async def test_a_closed_account_or_a_changed_role_closes_every_socket(servers, role, change):
    device, boss = await in_database(person, role), await in_database(person, Role.SUPER_ADMIN)
    other = await in_database(person)
    conversation = await in_database(group, device, other)
    async with (
        await device.connect(servers[0]) as near,
        await device.connect(servers[1]) as far,
        await other.connect(servers[1]) as stays,
        boss.rest(servers[0]) as rest,
    ):
        assert (await rest.patch(f"users/{device.user.pk}/", change)).status_code == 200

        assert [await closes(near), await closes(far)] == [SHUT_OUT, SHUT_OUT]
        assert await still_there(stays, conversation)


async def test_no_event_reaches_a_socket_after_its_session_ended(servers):
    phone, other = await in_database(person), await in_database(person)
    conversation = await in_database(group, phone, other)
    async with await phone.connect(servers[1]) as out, await other.connect(servers[1]) as stays:
        async with phone.rest(servers[0]) as rest:
            await rest.post("auth/logout/")
            ended = time.monotonic()
        while time.monotonic() - ended < SOON:
            await stays.send_message(conversation, "secret")
        await stays.send_message(conversation, "said a second later")

        await closes(out)

        said = [frame["message"]["body"] for frame in out.journal if frame["type"] == "message.new"]
        assert "said a second later" not in said


def is_added(frame: dict[str, Any], conversation: str) -> bool:
    return frame["type"] == "conversation.added" and frame["conversation"]["id"] == conversation


async def hand_over(rest: RestClient, trade_id: Any, to: Device) -> None:
    answer = await rest.post(f"trades/{trade_id}/assign/", {"admin_id": str(to.user.pk), "note": "yours now"})
    assert answer.status_code == 200, answer.text


async def test_who_hands_a_trade_over_hears_nothing_more_of_it_and_the_next_one_does(servers):
    tina = await in_database(person, Role.TRADE_ADMIN, capacity=1_000)
    trade = await in_database(open_trade, (alice := await in_database(person)).user)
    tom = await in_database(person, Role.TRADE_ADMIN, availability="busy")
    assert trade.assignee_id == tina.user.pk
    chat, notes = str(trade.conversation_id), str(trade.notes_conversation_id)
    async with (
        await alice.connect(servers[0]) as hers,
        await tina.connect(servers[1]) as old,
        await tom.connect(servers[1]) as new,
        tina.rest(servers[0]) as rest,
    ):
        await hand_over(rest, trade.pk, tom)
        began = time.monotonic()
        for conversation in (chat, notes):
            gone = {"type": "conversation.removed", "conversation": conversation}
            await old.wait_for(lambda frame, gone=gone: frame == gone)
        assert time.monotonic() - began < SOON

        for conversation in (chat, notes):
            await new.wait_for(lambda frame, wanted=conversation: is_added(frame, wanted))
        ack = await hers.send_message(chat, "for Tom alone")
        await new.wait_for(lambda frame: frame.get("message") == ack["message"])
        assert (await old.request({"type": "ping"}))["type"] == "pong"  # what was written before it has come

        after = old.journal[max(place for place, frame in enumerate(old.journal) if "removed" in frame["type"]) + 1 :]
        refusal = await old.send_message(chat, "one more thing")
        assert [frame for frame in after if {chat, notes} & set(map(str, frame.values()))] == []
        assert refusal["code"] == "not_found"
        new.check()


async def test_who_is_put_out_of_a_group_hears_nothing_more_of_it_not_even_that(servers):
    owner, other, out = (
        await in_database(person, Role.TRADE_ADMIN),
        await in_database(person),
        await in_database(person),
    )
    conversation = await in_database(group, owner, other, out)
    path = f"conversations/{conversation}/participants/"
    async with (
        await out.connect(servers[1]) as theirs,
        await other.connect(servers[1]) as stays,
        owner.rest(servers[0]) as rest,
        out.rest(servers[0]) as by_out,
    ):
        assert (await rest.delete(f"{path}{out.user.pk}/")).status_code == 204
        began = time.monotonic()
        await theirs.wait_for(lambda frame: frame == {"type": "conversation.removed", "conversation": conversation})
        assert time.monotonic() - began < SOON
        await stays.send_message(conversation, "among ourselves")
        [left, said] = await stays.wait_for_seq(conversation, 2)

        assert (left["message"]["data"]["event"], left["message"]["data"]["user"]["id"]) == (
            "participant.left",
            str(out.user.pk),
        )
        assert (await theirs.send_message(conversation, "one more thing"))["code"] == "not_found"
        [gone, *_] = await theirs.sync({conversation: 0})
        assert (gone["type"], theirs.events(conversation)) == ("sync.gone", [])
        assert (await by_out.get(f"conversations/{conversation}/events/")).status_code == 404

        assert (await rest.post(path, {"user_id": str(out.user.pk)})).status_code == 201
        added = await theirs.wait_for(lambda frame: is_added(frame, conversation))
        await stays.send_message(conversation, "welcome back")
        [again] = await theirs.wait_for_seq(conversation, 4)
        assert (added["conversation"]["head"], again["message"]["body"]) == (3, "welcome back")
        assert said["message"]["body"] == "among ourselves"
        theirs.check()


async def test_a_block_holds_for_the_next_message_on_any_socket(servers):
    tina, alice = await in_database(person, Role.TRADE_ADMIN), await in_database(person)
    async with (
        await alice.connect(servers[1]) as hers,
        await tina.connect(servers[1]) as theirs,
        tina.rest(servers[0]) as rest,
    ):
        made = await rest.post("conversations/direct/", {"user_id": str(alice.user.pk)})
        conversation = made.json()["id"]
        await hers.wait_for(lambda frame: is_added(frame, conversation))
        assert (await hers.send_message(conversation, "hello"))["type"] == "ack"

        assert (await rest.put(f"users/{alice.user.pk}/block/")).status_code == 204
        quiet = len(theirs.journal)
        refusal = await hers.send_message(conversation, "hello?")
        typing = await hers.request({"type": "typing.start", "conversation": conversation})
        assert (refusal["code"], typing["code"]) == ("forbidden", "forbidden")
        assert (await theirs.request({"type": "ping"}))["type"] == "pong"
        assert [frame["type"] for frame in theirs.journal[quiet:]] == ["pong"]

        assert (await rest.delete(f"users/{alice.user.pk}/block/")).status_code == 204
        assert (await hers.send_message(conversation, "hello again"))["message"]["seq"] == 2


async def test_a_socket_ends_with_its_token_and_one_that_renewed_it_stays(servers):
    device = await in_database(person)
    conversation = await in_database(group, device)
    async with (
        await device.connect(servers[0], token=device.token_for(2)) as out,
        await device.connect(servers[0], token=device.token_for(2)) as stays,
    ):
        renewed = await stays.request({"type": "auth", "token": device.token})

        assert renewed["type"] == "ack"
        assert await closes(out, within=3) == BAD_TOKEN
        assert out.journal[-1]["code"] == "token_expired"
        assert await still_there(stays, conversation)


async def test_without_redis_the_database_tells_within_the_repair_time(without_redis):
    near, far = without_redis
    phone, boss = await in_database(person), await in_database(person, Role.SUPER_ADMIN)
    demoted, conversation = await in_database(person, Role.TRADE_ADMIN), await in_database(group, phone)
    tablet = await in_database(phone.another)
    room = await in_database(group, phone, demoted, boss)
    async with (
        await phone.connect(far) as out,
        await tablet.connect(far) as stays,
        await demoted.connect(far) as shut_out,
        await boss.connect(far) as put_out,
        phone.rest(near) as rest,
        boss.rest(near) as by_boss,
    ):
        assert (await rest.delete(f"conversations/{room}/participants/{boss.user.pk}/")).status_code == 204
        gone = {"type": "conversation.removed", "conversation": room}
        _, took = await timed(put_out.wait_for(lambda frame: frame == gone))
        assert (took < 3, put_out.events(room)) == (True, [])

        assert (await rest.post("auth/logout/")).status_code == 204
        assert (await by_boss.patch(f"users/{demoted.user.pk}/", {"role": "customer"})).status_code == 200

        assert await closes(out, within=3) == LOGGED_OUT
        assert await closes(shut_out, within=3) == SHUT_OUT
        assert await still_there(stays, conversation)
