"""Too much of anything, with the limits on: one limit per person over all ways in, and nothing half stored."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from channels.db import database_sync_to_async

from accounts.models import LoginFailure, User
from chat.models import Message
from chat.tests.hardening.tools import MARK, Edges, mint, new_id, problem_of
from testing.client import SocketClient
from testing.rest import RestClient
from testing.server import ServerProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("hardening-abuse")]

BURST, RATE = 30, 10
PASSWORD = "a password of their own"


@pytest.fixture(scope="module")
def shared_server(start_shared: Callable[..., ServerProcess]) -> ServerProcess:
    return start_shared(THROTTLE="on")


@pytest.fixture(scope="module")
def second_server(start_shared: Callable[..., ServerProcess]) -> ServerProcess:
    return start_shared(THROTTLE="on")


@database_sync_to_async
def said_by(user: User) -> int:
    return Message.objects.filter(sender=user).count()


async def flood(socket: SocketClient, conversation: str, count: int) -> list[dict[str, Any]]:
    """So many sends at once; their answers."""
    ids = [new_id() for _ in range(count)]
    for client_id in ids:
        await socket.send(
            {
                "type": "message.send",
                "id": client_id,
                "conversation": conversation,
                "client_id": client_id,
                "body": MARK,
            }
        )
    return [await socket.wait_for(lambda frame, one=one: frame.get("id") == one) for one in ids]


async def test_a_hundred_messages_at_once_on_one_socket(server, alice, tina, trade):
    async with await Edges.open(server, alice) as hers, await Edges.open(server, tina) as theirs:
        started = time.monotonic()
        answers = await flood(hers.socket, str(trade.conversation_id), 100)
        allowed = BURST + RATE * (time.monotonic() - started) + 1

        acks = [answer for answer in answers if answer["type"] == "ack"]
        refused = [answer for answer in answers if answer["type"] == "error"]
        assert BURST - 5 <= len(acks) <= allowed  # what the trade's own system messages cost comes off it
        assert {answer["code"] for answer in refused} == {"rate_limited"}
        assert all(0 < answer["retry_after_ms"] <= 10_000 for answer in refused)
        assert await said_by(alice) == len(acks), "what was refused left nothing behind"
        await theirs.still_works(trade.conversation_id, "somebody else in the same conversation")
        wait = max(answer["retry_after_ms"] for answer in refused) / 1000
        deadline = time.monotonic() + wait + 2
        while (await hers.socket.send_message(str(trade.conversation_id), MARK))["type"] != "ack":
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)


async def test_sockets_rest_and_processes_share_one_limit(server, second_server, alice, trade):
    here, token = str(trade.conversation_id), await mint(alice)
    sockets = [
        await SocketClient.connect(which.ws_url, token=token) for which in (server, second_server) for _ in range(5)
    ]
    rest = [RestClient(which.http_url) for which in (server, second_server)]
    answers: list[Any] = []
    started = time.monotonic()

    async def over_rest(client: RestClient) -> None:
        client.access = token
        while time.monotonic() - started < 3:
            answer = await client.post(f"conversations/{here}/messages/", {"client_id": new_id(), "body": MARK})
            if answer.status_code == 429:
                assert answer.json()["code"] == "rate_limited"
                assert int(answer.headers["retry-after"]) >= 1
                await asyncio.sleep(0.05)
            answers.append(answer.status_code == 201)

    async def politely(socket: SocketClient) -> None:
        while time.monotonic() - started < 3:
            await over_one(socket)

    async def over_one(socket: SocketClient) -> None:
        answers.append((await socket.send_message(here, MARK))["type"] == "ack")
        await asyncio.sleep(0.1)  # ten a second each, a hundred together: below each socket's own limit of frames

    await asyncio.gather(*map(politely, sockets), *map(over_rest, rest))
    seconds = time.monotonic() - started
    accepted = answers.count(True)
    # Each process may let its own burst through before it hears of the other's; from then on the debt is shared.
    assert BURST - 5 <= accepted <= 2 * BURST + RATE * seconds + 5, f"{accepted} of {len(answers)} in {seconds:.1f} s"
    assert answers.count(False) > 50
    assert await said_by(alice) == accepted
    for opened in (*sockets, *rest):
        await opened.close()


async def test_rest_requests_of_one_person_do_not_slow_another(server, alice, bob):
    async with RestClient(server.http_url) as hers, RestClient(server.http_url) as his:
        hers.access, his.access = await mint(alice), await mint(bob)
        answers = await asyncio.gather(*(hers.get("unread/") for _ in range(180)))
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) > 10
        assert {problem_of(answer)["code"] for answer in refused} == {"rate_limited"}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
        assert (await his.get("unread/")).status_code == 200
        assert (await hers.get("/healthz")).status_code == 200


@database_sync_to_async
def give_password(user: User) -> None:
    user.set_password(PASSWORD)
    user.save()


@database_sync_to_async
def failures() -> int:
    return LoginFailure.objects.count()


async def test_guessing_a_password_stops_whatever_address_is_claimed(server, alice):
    await give_password(alice)
    async with RestClient(server.http_url) as client:
        answers = []
        for number in range(14):
            spelling = alice.email.upper() if number % 2 else f" {alice.email}"
            body = {"email": spelling, "password": f"guess {number}"}
            headers = {"X-Forwarded-For": f"10.0.0.{number}", "X-Real-IP": f"10.0.0.{number}"}
            answers.append(await client.post("auth/token/", body, headers=headers))
        codes = [answer.json()["code"] for answer in answers]
        assert set(codes) == {"unauthenticated", "rate_limited"}, codes
        assert codes.count("unauthenticated") <= 10
        assert int(answers[-1].headers["retry-after"]) >= 1
        right = await client.post("auth/token/", {"email": alice.email, "password": PASSWORD})
        assert right.status_code == 429, "not even the right one, for a while"
        page = await client.request("GET", "/admin/login/")
        form = {"username": alice.email, "password": PASSWORD, "csrfmiddlewaretoken": page.cookies["csrftoken"]}
        cookie = {"Cookie": f"csrftoken={page.cookies['csrftoken']}"}
        answer = await client.request("POST", "/admin/login/", data=form, headers=cookie)
        assert answer.status_code == 200, "the pages share the limit"
        assert await failures() <= 14


async def test_read_marks_and_typing_a_thousand_times_end_the_socket_and_move_nothing_wrong(server, alice, tina, trade):
    here = str(trade.conversation_id)
    async with await Edges.open(server, tina) as theirs, await Edges.open(server, alice) as hers:
        for number in range(1_000):
            if hers.socket.connection.close_code is not None:
                break
            kind = ("message.read", "message.delivered", "typing.start", "typing.stop")[number % 4]
            await hers.socket.send({"type": kind, "conversation": here, "seq": number})
        await asyncio.wait_for(hers.socket.connection.wait_closed(), 10)
        assert hers.socket.connection.close_code == 4429
        await theirs.still_works(here, "the other one")
        marks = [frame["seq"] for frame in theirs.socket.journal if frame["type"] == "message.read"]
        assert marks == sorted(set(marks))
        assert max(marks, default=0) <= 3
        typing = [frame for frame in theirs.socket.journal if frame["type"].startswith("typing")]
        assert len(typing) < 200
