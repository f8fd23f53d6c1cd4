"""Messages of sockets on their way into the database: shared commits, order kept, and a held row in nobody's way."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from channels.db import database_sync_to_async
from django.db import connection, transaction

from accounts.models import User
from chat import batcher
from chat.actions.messages import Draft, Sent
from chat.errors import ChatError, NotFound, Unavailable
from chat.models import Conversation, Message
from chat.tests.factories import group
from chat.writer import Writer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def writer() -> AsyncIterator[Writer]:
    found = Writer()
    yield found
    await found.stop()


@pytest.fixture
def rooms(alice):
    return [group(alice), group(alice)]


@contextmanager
def held(conversation: Conversation) -> Iterator[None]:
    """Its row is locked by another connection for as long as the block runs."""
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                Conversation.objects.select_for_update().get(pk=conversation.pk)
                locked.set()
                done.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert locked.wait(5)
    try:
        yield
    finally:
        done.set()
        thread.join(5)


def submit(writer: Writer, draft: Draft) -> "asyncio.Future[Sent]":
    """The outcome as something to wait for."""
    future: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()

    def resolve(outcome: Sent | ChatError) -> None:
        if future.done():
            return
        if isinstance(outcome, ChatError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    writer.put(draft, resolve)
    return future


def draft(sender, conversation, body="hi"):
    return Draft(sender.pk, conversation.pk, uuid4(), body)


@database_sync_to_async
def bodies(conversation):
    return list(conversation.messages.order_by("seq").values_list("body", flat=True))


async def test_the_order_of_submission_is_the_order_of_numbers(writer, alice, rooms):
    words = [str(number) for number in range(300)]

    sent = await asyncio.gather(*(submit(writer, draft(alice, rooms[0], word)) for word in words))

    assert [each.message.seq for each in sent] == list(range(1, 301))
    assert await bodies(rooms[0]) == words


async def test_a_refusal_reaches_its_own_sender_only(writer, alice, bob, rooms):
    outcomes = await asyncio.gather(
        *(submit(writer, draft(user, rooms[0])) for user in (alice, bob, alice)), return_exceptions=True
    )

    assert [type(outcome).__name__ for outcome in outcomes] == ["Sent", "NotFound", "Sent"]
    assert isinstance(outcomes[1], NotFound)


async def test_a_held_row_stops_its_own_conversation_only(writer, alice, rooms):
    with held(rooms[0]):
        waiting = [submit(writer, draft(alice, rooms[0], body)) for body in "ab"]
        others = [await submit(writer, draft(alice, rooms[1], body)) for body in "cde"]
        waiting += [submit(writer, draft(alice, rooms[0], body)) for body in "fg"]
        assert not any(future.done() for future in waiting)

    sent = await asyncio.gather(*waiting)

    assert [each.message.seq for each in others] == [1, 2, 3]
    assert [(each.message.seq, each.message.body) for each in sent] == [(1, "a"), (2, "b"), (3, "f"), (4, "g")]


async def test_what_follows_while_a_conversation_steps_aside_stays_in_order(writer, alice, rooms):
    with held(rooms[0]):
        futures = [submit(writer, draft(alice, rooms[0], "0"))]
        await submit(writer, draft(alice, rooms[1]))
    for number in range(1, 60):
        futures.append(submit(writer, draft(alice, rooms[0], str(number))))
        await asyncio.sleep(0)

    sent = await asyncio.gather(*futures)

    assert [each.message.seq for each in sent] == list(range(1, 61))
    assert await bodies(rooms[0]) == [str(number) for number in range(60)]


async def test_the_fast_lane_is_taken_again_once_the_slow_one_has_caught_up(writer, alice, rooms):
    with held(rooms[0]):
        slow = submit(writer, draft(alice, rooms[0], "slow"))
        await submit(writer, draft(alice, rooms[1]))
    await slow

    await submit(writer, draft(alice, rooms[0], "fast"))

    assert await bodies(rooms[0]) == ["slow", "fast"]
    assert not writer._aside


async def test_a_row_held_longer_than_the_database_waits_is_unavailable_for_its_own_messages(writer, alice, rooms):
    with held(rooms[0]):
        outcomes = await asyncio.gather(
            submit(writer, draft(alice, rooms[0])), submit(writer, draft(alice, rooms[1])), return_exceptions=True
        )
    after = await submit(writer, draft(alice, rooms[0], "after"))

    assert [type(outcome).__name__ for outcome in outcomes] == ["Unavailable", "Sent"]
    assert isinstance(outcomes[0], Unavailable)
    assert (after.message.seq, after.message.body) == (1, "after")


async def test_a_sender_who_gave_up_disturbs_nobody(writer, alice, rooms):
    submit(writer, draft(alice, rooms[0], "gone")).cancel()

    sent = await submit(writer, draft(alice, rooms[0], "stays"))

    assert (sent.message.seq, await bodies(rooms[0])) == (2, ["gone", "stays"])


@contextmanager
def unfinished(sender: User, conversation: Conversation, client_id: UUID) -> Iterator[None]:
    """Another connection has stored a message under this client_id and neither commits nor gives up while it runs."""
    stored, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                Message.objects.create(conversation=conversation, sender=sender, client_id=client_id, seq=99)
                stored.set()
                done.wait(20)
                transaction.set_rollback(True)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert stored.wait(5)
    try:
        yield
    finally:
        done.set()
        thread.join(5)


async def test_what_expired_in_the_fast_lane_does_not_keep_its_conversation_aside(writer, alice, rooms, monkeypatch):
    elsewhere, waits = await database_sync_to_async(group)(alice), draft(alice, rooms[1])
    with held(rooms[0]):
        with unfinished(alice, elsewhere, waits.client_id):
            monkeypatch.setattr(batcher, "TIME_LIMIT", 0.3)
            sent = [submit(writer, each) for each in (draft(alice, rooms[0]), waits)]
            outcomes = await asyncio.gather(*sent, return_exceptions=True)
            monkeypatch.setattr(batcher, "TIME_LIMIT", 10.0)
        await submit(writer, draft(alice, rooms[1]))

    assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]
    assert not writer._aside
