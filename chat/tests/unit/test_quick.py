"""The quick lane: what it stores, what it leaves to the careful way, and how it bears a bad connection."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from channels.db import database_sync_to_async
from django.db import connection, transaction
from django.utils import timezone

from accounts.tests.factories import DeviceSessionFactory
from chat.actions import messages, trades
from chat.actions.messages import Busy, Sent
from chat.actions.standings import Draft
from chat.enums import ParticipantRole
from chat.errors import ChatError
from chat.models import Conversation, Event, Message, Participant, Trade
from chat.quick import QuickLane
from chat.tests.factories import group, open_trade
from chat.tests.unit.test_writer import held

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="the lane speaks PostgreSQL's own protocol"),
]


turned: list[UUID] = []  # the trades that a lane said turned


@pytest.fixture
async def lane() -> AsyncIterator[QuickLane]:
    found = QuickLane(lambda draft: False, turned.append)
    await ready(found)
    yield found
    await found.stop()


async def ready(lane: QuickLane) -> None:
    async with asyncio.timeout(10):
        while not lane.ready:
            await asyncio.sleep(0.01)


@pytest.fixture
def room(alice, bob):
    return group(alice, bob)


@pytest.fixture
def sessions(alice, bob, tina):
    return {user.pk: DeviceSessionFactory.create(user=user) for user in (alice, bob, tina)}


@pytest.fixture
def draft(sessions):
    def make(sender, conversation_id: UUID, body: str = "hi", **fields: object) -> Draft:
        return Draft(sender.pk, conversation_id, uuid4(), body, session_id=sessions[sender.pk].pk, **fields)

    return make


async def send(lane: QuickLane, *drafts: Draft) -> list[Sent | ChatError]:
    """All in one batch."""
    outcomes: list[Sent | ChatError] = []
    everybody = asyncio.Event()

    def take(outcome: Sent | ChatError) -> None:
        outcomes.append(outcome)
        if len(outcomes) == len(drafts):
            everybody.set()

    for one in drafts:
        lane.put(one, take)
    async with asyncio.timeout(10):
        await everybody.wait()
    return outcomes


def verdicts(outcomes: list[Sent | ChatError]) -> list[str]:
    return ["left" if isinstance(outcome, Busy) else "stored" for outcome in outcomes]


@database_sync_to_async
def log(conversation_id: UUID) -> list[tuple[int, str, UUID | None]]:
    rows = Event.objects.after(conversation_id, 0)
    return [(event.seq, event.message.body, event.actor_id) for event in rows]


async def test_plain_messages_are_stored_with_their_events_and_the_head(lane, draft, alice, bob, room):
    outcomes = await send(lane, draft(alice, room.pk, "one"), draft(bob, room.pk, "two"))

    assert verdicts(outcomes) == ["stored", "stored"]
    assert [(sent.message.seq, sent.message.sender.display_name, sent.duplicate) for sent in outcomes] == [
        (1, "Alice", False),
        (2, "Bob", False),
    ]
    assert await log(room.pk) == [(1, "one", alice.pk), (2, "two", bob.pk)]
    stored = await Message.objects.aget(seq=2)
    conversation = await Conversation.objects.aget(pk=room.pk)
    assert (conversation.head, conversation.last_message_id) == (2, stored.pk)
    assert conversation.last_activity_at == stored.created_at


async def test_what_the_careful_way_stores_is_the_same_row_but_for_ids_and_times(lane, draft, alice, room):
    quick = draft(alice, room.pk, "Ünïcødé 👩‍👩‍👧 \u202e")

    await send(lane, quick)
    await database_sync_to_async(messages.send_messages)([replace(quick, client_id=uuid4())])

    one, two = [row async for row in Message.objects.order_by("seq").values()]
    for name in ("id", "seq", "client_id", "created_at"):
        one.pop(name), two.pop(name)
    assert one == two


async def test_a_repeat_is_left_to_who_knows_the_first_one(lane, draft, alice, room):
    first = draft(alice, room.pk)

    assert verdicts(await send(lane, first)) == ["stored"]
    assert verdicts(await send(lane, first)) == ["left"]
    assert verdicts(await send(lane, again := draft(alice, room.pk), again)) == ["stored", "left"]


@pytest.mark.parametrize("body", ["", "\u200b", "a\x00b"])
async def test_a_body_that_is_refused_harms_nobody_else(lane, draft, alice, bob, room, body):
    other = await database_sync_to_async(group)(bob)

    outcomes = await send(lane, draft(alice, room.pk, body), draft(bob, other.pk))

    assert verdicts(outcomes) == ["left", "stored"]


async def test_who_may_not_write_is_left(lane, draft, sessions, alice, bob, tina, room):
    async def refused(one: Draft) -> None:
        assert verdicts(await send(lane, one)) == ["left"]

    await refused(draft(tina, room.pk))  # a stranger
    await refused(draft(alice, uuid4()))  # nowhere
    await refused(replace(draft(alice, room.pk), session_id=sessions[bob.pk].pk))
    await refused(replace(draft(alice, room.pk), session_id=None))
    await Participant.objects.filter(user=bob).aupdate(role=ParticipantRole.OBSERVER)
    await refused(draft(bob, room.pk))
    await Participant.objects.filter(user=bob).aupdate(role=ParticipantRole.MEMBER, left_at=timezone.now())
    await refused(draft(bob, room.pk))
    sessions[alice.pk].revoked_at = timezone.now()
    await sessions[alice.pk].asave()
    await refused(draft(alice, room.pk))
    sessions[alice.pk].revoked_at, sessions[alice.pk].expires_at = None, timezone.now() - timedelta(seconds=1)
    await sessions[alice.pk].asave()
    await refused(draft(alice, room.pk))
    sessions[alice.pk].expires_at = timezone.now() + timedelta(days=1)
    await sessions[alice.pk].asave()
    alice.is_active = False
    await alice.asave()
    await refused(draft(alice, room.pk))
    alice.is_active = True
    await alice.asave()
    await Conversation.objects.filter(pk=room.pk).aupdate(closed_at=timezone.now())
    await refused(draft(alice, room.pk))
    assert await log(room.pk) == []


async def test_replies_stay_within_their_conversation(lane, draft, alice, room):
    other = await database_sync_to_async(group)(alice)
    [here, there] = await send(lane, draft(alice, room.pk), draft(alice, other.pk))

    assert verdicts(await send(lane, draft(alice, room.pk, reply_to=here.message.id))) == ["stored"]
    assert verdicts(await send(lane, draft(alice, room.pk, reply_to=there.message.id))) == ["left"]
    assert verdicts(await send(lane, draft(alice, room.pk, reply_to=uuid4()))) == ["left"]


async def test_nothing_is_stored_behind_what_was_left_in_a_conversation(lane, draft, alice, bob, room):
    other = await database_sync_to_async(group)(alice)

    outcomes = await send(
        lane, draft(alice, room.pk, "1"), draft(alice, room.pk, ""), draft(bob, room.pk, "3"), draft(alice, other.pk)
    )

    assert verdicts(outcomes) == ["stored", "left", "left", "stored"]
    assert [body for _, body, _ in await log(room.pk)] == ["1"]


async def test_a_conversation_that_somebody_holds_is_left_at_once(lane, draft, alice, bob, room):
    other = await database_sync_to_async(group)(bob)

    with held(room):
        outcomes = await send(lane, draft(alice, room.pk), draft(bob, other.pk))

    assert verdicts(outcomes) == ["left", "stored"]


TURN = ("waiting_on", "first_response_at", "response_warned_at", "response_missed_at", "waiting_since")


@pytest.mark.parametrize("waiting_on", ["customer", "support", "nobody"])
@pytest.mark.parametrize("answered_before", [False, True])
@pytest.mark.parametrize("speakers", ["a", "t", "at", "ta", "tat", "ata", "aa", "tt", "attaa"])
async def test_a_trades_turn_changes_as_on_the_careful_way(
    lane, draft, alice, tina, waiting_on, answered_before, speakers
):
    people = {"a": alice, "t": tina}
    long_ago = timezone.now() - timedelta(hours=1)
    before = {
        "waiting_on": waiting_on,
        "waiting_since": long_ago,
        "first_response_at": long_ago if answered_before else None,
        "response_warned_at": long_ago,
        "response_missed_at": long_ago,
    }

    async def turn(careful: bool) -> dict[str, object]:
        trade = await database_sync_to_async(open_trade)(alice)
        await Trade.objects.filter(pk=trade.pk).aupdate(**before)
        drafts = [draft(people[who], trade.conversation_id) for who in speakers]
        if careful:
            await database_sync_to_async(messages.send_messages)(drafts)
        else:
            assert set(verdicts(await send(lane, *drafts))) == {"stored"}
        after = await Trade.objects.values(*TURN).aget(pk=trade.pk)
        return {
            name: value if value in (None, long_ago) or name == "waiting_on" else "now" for name, value in after.items()
        }

    assert await turn(careful=False) == await turn(careful=True)


async def test_a_trade_that_is_over_has_no_turn_and_staff_notes_are_left(lane, draft, alice, tina):
    trade = await database_sync_to_async(open_trade)(alice)
    await Trade.objects.filter(pk=trade.pk).aupdate(status="completed", waiting_on="nobody")  # and reopened to talk

    assert verdicts(await send(lane, draft(alice, trade.conversation_id))) == ["stored"]
    assert verdicts(await send(lane, draft(tina, trade.notes_conversation_id))) == ["left"]
    assert (await Trade.objects.aget(pk=trade.pk)).waiting_on == "nobody"


async def test_a_move_of_the_trade_and_a_message_are_told_apart_by_the_conversations_row(lane, draft, alice, tina):
    trade = await database_sync_to_async(open_trade)(alice)
    await Trade.objects.filter(pk=trade.pk).aupdate(waiting_on="support")

    await database_sync_to_async(trades.make_move)(actor=alice, trade_id=trade.pk, move=trades.CANCEL)

    assert verdicts(await send(lane, draft(alice, trade.conversation_id))) == ["left"]


async def test_a_client_id_used_elsewhere_in_this_moment_leaves_the_batch(lane, draft, alice, room):
    other = await database_sync_to_async(group)(alice)
    mine = draft(alice, room.pk)
    stored, done = threading.Event(), threading.Event()

    def say_it_elsewhere() -> None:
        with transaction.atomic():
            messages.send_messages([replace(mine, conversation_id=other.pk)])
            stored.set()
            done.wait(10)
        connection.close()

    thread = threading.Thread(target=say_it_elsewhere)
    thread.start()
    await asyncio.to_thread(stored.wait, 10)
    waiting = asyncio.create_task(send(lane, mine))
    await asyncio.sleep(0.05)  # it waits for the other's row in the unique index by now, or will find it stored
    done.set()

    assert verdicts(await waiting) == ["left"]
    await asyncio.to_thread(thread.join, 10)
    assert await log(room.pk) == []


async def test_a_batch_larger_than_the_sockets_buffer_is_stored_whole(lane, draft, alice, room):
    drafts = [draft(alice, room.pk, "👩" * 5_000) for _ in range(200)]

    assert set(verdicts(await send(lane, *drafts))) == {"stored"}
    assert [seq for seq, _, _ in await log(room.pk)] == list(range(1, 201))


async def test_drafts_whose_conversation_has_others_before_them_stay_behind(draft, alice, room):
    lane = QuickLane(lambda draft: True, turned.append)
    await ready(lane)

    assert verdicts(await send(lane, draft(alice, room.pk))) == ["left"]
    await lane.stop()


@database_sync_to_async
def cut_connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%parley_send_plain%'"
        )
        return int(cursor.fetchone()[0])


async def test_a_lost_connection_is_replaced_and_its_drafts_are_left(lane, draft, alice, room):
    await send(lane, draft(alice, room.pk, "before"))
    assert await cut_connections() == 1

    outcomes = await send(lane, draft(alice, room.pk, "while"))
    await ready(lane)
    after = await send(lane, draft(alice, room.pk, "after"))

    assert verdicts(outcomes) == ["left"]
    assert verdicts(after) == ["stored"]
    assert [body for _, body, _ in await log(room.pk)] == ["before", "after"]


async def test_a_connection_lost_in_the_middle_leaves_the_batch(lane, draft, alice, room):
    """The row that it waits for is that of the same client_id in a transaction that is still open."""
    other = await database_sync_to_async(group)(alice)
    mine = draft(alice, room.pk)
    stored, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            messages.send_messages([replace(mine, conversation_id=other.pk)])
            stored.set()
            done.wait(10)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    await asyncio.to_thread(stored.wait, 10)
    waiting = asyncio.create_task(send(lane, mine))
    async with asyncio.timeout(5):
        while not await cut_connections():
            await asyncio.sleep(0.01)

    assert verdicts(await waiting) == ["left"]
    done.set()
    await asyncio.to_thread(thread.join, 10)


async def test_stopping_finishes_what_is_queued(draft, alice, room):
    lane = QuickLane(lambda draft: False, turned.append)
    await ready(lane)
    outcomes: list[Sent | ChatError] = []
    for number in range(5):
        lane.put(draft(alice, room.pk, str(number)), outcomes.append)

    await lane.stop()

    assert verdicts(outcomes) == ["stored"] * 5


async def test_a_lane_without_the_function_says_so_and_takes_nothing(draft, alice, room, caplog):
    @database_sync_to_async
    def rename(old: str, new: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER FUNCTION {old} RENAME TO {new}")

    await rename("parley_send_plain", "parley_elsewhere")
    try:
        lane = QuickLane(lambda draft: False, turned.append)
        async with asyncio.timeout(5):
            while "quick lane has no connection" not in caplog.text:
                await asyncio.sleep(0.01)
        assert not lane.ready
        assert verdicts(await send(lane, draft(alice, room.pk))) == ["left"]
        await lane.stop()
    finally:
        await rename("parley_elsewhere", "parley_send_plain")
