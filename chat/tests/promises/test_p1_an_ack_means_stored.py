"""P1: what was acknowledged is in the database, and a server that dies at any point leaves whole messages or none."""

import signal
from contextlib import suppress
from uuid import uuid4

import psycopg
import pytest

from chat.tests.promises.conftest import Farm
from chat.tests.promises.people import group, in_database, person, rows_of, stored, texts, until
from testing.client import SocketClosed
from testing.server import ServerProcess

pytestmark = pytest.mark.xdist_group("p1")

DYING = "chat.tests.promises.dying"
WAITING = """SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE %s"""
SENDING = "%parley_send_plain%"


@pytest.fixture(scope="module")
def server(farm: Farm) -> ServerProcess:
    """One that lives on, and looks for what it was not told of every second."""
    return farm.start({"REPAIR_SECONDS": "1"})[0]


async def test_an_acknowledged_message_is_read_by_another_connection_at_once(farm, server):
    alice = await in_database(person)
    conversation = await in_database(group, alice)
    with psycopg.connect(farm.database_url, autocommit=True) as reader:
        async with await alice.connect(server) as socket:
            for number in range(30):
                ack = await socket.send_message(conversation, f"message {number}")

                row = reader.execute("SELECT seq FROM chat_message WHERE id = %s", [ack["message"]["id"]]).fetchone()

                assert row == (ack["message"]["seq"],)


async def test_the_retry_after_a_server_died_between_commit_and_ack_gets_the_same_message(farm, server):
    alice = await in_database(person)
    conversation = await in_database(group, alice)
    client_id = str(uuid4())
    [dying] = farm.start({}, app=f"{DYING}:at_ack")
    async with await alice.connect(dying) as socket:
        with pytest.raises(SocketClosed):
            await socket.send_message(conversation, "once", client_id)
    await until(lambda: dying.exit_code == -signal.SIGKILL)

    dying.restart()
    async with await alice.connect(dying) as same, await alice.connect(server) as other:
        answers = [await socket.send_message(conversation, "once", client_id) for socket in (same, other)]

    assert [answer["duplicate"] for answer in answers] == [True, True]
    assert answers[0]["message"] == answers[1]["message"]
    assert answers[0]["message"]["seq"] == 1
    assert await in_database(rows_of, client_id) == 1
    assert await in_database(stored, conversation) == (1, [1], [1])


@pytest.mark.parametrize(
    "hold",
    [
        "LOCK TABLE chat_event IN EXCLUSIVE MODE",
        "SELECT 1 FROM chat_message WHERE id = '{}' FOR UPDATE",  # the commit looks at what is replied to once more
    ],
    ids=["storing", "committing"],
)
async def test_a_server_killed_inside_the_transaction_leaves_nothing_half_written(farm, server, hold):
    alice = await in_database(person)
    conversation = await in_database(group, alice)
    client_id = str(uuid4())
    [doomed] = farm.start({})
    with psycopg.connect(farm.database_url) as holder, psycopg.connect(farm.database_url, autocommit=True) as observer:

        def waiting() -> int:
            return observer.execute(WAITING, [SENDING]).fetchone()[0]

        async with await alice.connect(doomed) as socket:
            first = (await socket.send_message(conversation, "whole"))["message"]["id"]
            half = {"conversation": conversation, "client_id": client_id, "body": "half", "reply_to": first}
            holder.execute(hold.format(first))
            await socket.send({"type": "message.send", **half})
            await until(lambda: waiting() == 1, timeout=2.5, what="the transaction being held up")

            doomed.kill()
        gone = WAITING.replace("count(*)", "pg_terminate_backend(pid)")
        observer.execute(gone, [SENDING])  # or it would find out only after the commit
        holder.rollback()
        await until(lambda: waiting() == 0)

    async with await alice.connect(server) as socket:
        ack = await socket.request({"type": "message.send", **half})

    assert (ack["duplicate"], ack["message"]["seq"]) == (False, 2)
    assert await in_database(stored, conversation) == (2, [1, 2], [1, 2])


async def test_a_message_whose_server_died_before_publishing_it_reaches_the_others(farm, server):
    alice, bob = await in_database(person), await in_database(person)
    conversation = await in_database(group, alice, bob)
    [dying] = farm.start({}, app=f"{DYING}:at_publish")
    async with await bob.connect(server) as his:
        async with await alice.connect(dying) as hers:
            with suppress(SocketClosed):  # the ack may or may not have left before the end
                await hers.send_message(conversation, "never published")
        await until(lambda: dying.exit_code == -signal.SIGKILL)

        await his.wait_for_seq(conversation, 1)

        assert texts(his, conversation) == ["never published"]
        his.check()
