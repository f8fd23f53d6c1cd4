"""P4, inside one process: what the hub makes of each way in which publishes, reads and joins may cross."""

import asyncio

import pytest

from chat.hub import Hub
from chat.outbox import MAX_FRAMES
from chat.tests.promises.hubs import ROOM, Reader, Truth, arrive, event, text, written
from chat.tests.promises.people import until

pytestmark = pytest.mark.xdist_group("p4")


@pytest.fixture
async def truth() -> Truth:
    return Truth()


@pytest.fixture
async def hub(truth: Truth) -> Hub:
    return Hub(truth)


async def test_events_in_order_go_out_at_once_and_without_a_question(hub, truth):
    reader = arrive(hub, 0)

    hub.deliver(truth.commit(3))
    await written()

    assert reader.seqs == [1, 2, 3]
    assert truth.asked == 0


async def test_swapped_events_go_out_in_order_without_a_question(hub, truth):
    reader = arrive(hub, 0)
    first, second, third = truth.commit(3)

    hub.deliver([second, third])
    await written()
    before = reader.seqs
    hub.deliver([first])
    await until(lambda: not hub._tasks)  # the patience for the hole has run out

    assert (before, reader.seqs, truth.asked) == ([], [1, 2, 3], 0)


async def test_a_dropped_event_is_fetched_and_the_next_one_waits_for_it(hub, truth):
    reader = arrive(hub, 0)
    first, _, third = truth.commit(3)

    hub.deliver([first])
    hub.deliver([third])
    await written()
    before = reader.seqs
    await until(lambda: reader.seqs == [1, 2, 3])

    assert (before, truth.asked) == ([1], 1)


async def test_a_repeated_or_late_event_goes_out_once(hub, truth):
    reader = arrive(hub, 0)
    events = truth.commit(3)

    hub.deliver(events + events)
    hub.deliver([events[0], events[2]])
    await written()

    assert reader.seqs == [1, 2, 3]


async def test_events_that_arrive_during_a_fetch_follow_what_it_brings(hub, truth):
    reader = arrive(hub, 0)
    truth.gate.clear()
    hub.deliver([truth.commit(2)[1]])
    await until(lambda: truth.asked == 1)

    hub.deliver(truth.commit(2))
    truth.gate.set()
    await until(lambda: reader.seqs == [1, 2, 3, 4])

    assert truth.asked == 1


async def test_a_lost_last_event_is_fetched_when_a_repair_asks_for_it(hub, truth):
    reader = arrive(hub, 0)
    truth.commit(2)

    hub.fetch(ROOM)

    await until(lambda: reader.seqs == [1, 2])


async def test_an_event_between_reading_the_head_and_the_sockets_arrival_is_kept_for_it(hub, truth):
    truth.commit(5)
    reader = Reader()
    hub.begin_loading()
    head = truth.heads[ROOM]
    hub.deliver(truth.commit(2))

    hub.add(reader.outbox, {ROOM: head})
    hub.end_loading()
    hub.deliver(truth.commit(1))
    await written()

    assert reader.seqs == [6, 7, 8]
    assert truth.asked == 0


async def test_an_event_already_counted_in_the_head_that_was_read_is_not_told_again(hub, truth):
    reader = Reader()
    hub.begin_loading()
    late = truth.commit(2)
    head = truth.heads[ROOM]
    hub.deliver(late)

    hub.add(reader.outbox, {ROOM: head})
    hub.end_loading()
    hub.deliver(truth.commit(1))
    await written()

    assert reader.seqs == [3]


async def test_nothing_is_kept_once_everybody_has_arrived(hub, truth):
    hub.begin_loading()
    hub.begin_loading()
    hub.deliver(truth.commit(2))
    hub.end_loading()
    hub.deliver(truth.commit(1))
    hub.end_loading()

    reader = arrive(hub, 0)
    await written()

    assert reader.seqs == []


async def test_somebody_put_out_while_their_conversations_were_read_does_not_follow_it(hub, truth):
    reader = Reader()
    hub.begin_loading()
    hub.deliver([["left", ROOM, reader.user]])

    hub.add(reader.outbox, {ROOM: 0})
    hub.end_loading()
    hub.deliver(truth.commit(1))
    await written()

    assert reader.types == ["conversation.removed"]


async def test_a_session_revoked_while_its_conversations_were_read_is_closed(hub, truth):
    reader = Reader()
    hub.begin_loading()
    hub.deliver([["revoked", reader.user, [reader.outbox.session], "logged_out"]])

    hub.add(reader.outbox, {ROOM: 0})
    hub.end_loading()
    hub.deliver(truth.commit(1))

    await until(lambda: reader.code == 4409)
    assert reader.frames == []


async def test_news_older_than_the_reading_does_not_touch_who_comes_after_it(hub, truth):
    reader = Reader()
    hub.begin_loading()  # somebody else's takes long
    hub.deliver([["revoked", reader.user, None, "account"], ["left", ROOM, reader.user]])

    since = hub.begin_loading()
    hub.add(reader.outbox, {ROOM: 0}, since)
    hub.end_loading()
    hub.deliver(truth.commit(1))
    hub.end_loading()

    await until(lambda: len(reader.frames) == 1)
    assert reader.outbox.closing is None


async def bystander(hub: Hub) -> Reader:
    """Somebody connected who does not take part in the room."""
    reader = Reader()
    hub.begin_loading()
    hub.add(reader.outbox, {})
    hub.end_loading()
    return reader


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_joiner_is_shown_the_conversation_then_all_that_arrived_while_it_was_read(hub, truth, is_first):
    if not is_first:
        arrive(hub, 0)
    hub.deliver(truth.commit(3))
    joiner = await bystander(hub)
    truth.members.add(joiner.user)
    truth.gate.clear()

    hub.deliver([["joined", ROOM, joiner.user]])
    await written()  # its head, 3, has been read and is on its way
    hub.deliver(truth.commit(2))
    truth.gate.set()
    await until(lambda: len(joiner.frames) == 3)
    hub.deliver(truth.commit(1))
    await written()

    assert joiner.types == ["conversation.added", *["message.new"] * 3]
    assert joiner.seqs == [4, 5, 6]


async def test_an_event_published_late_that_the_joiners_head_counts_is_not_told_again(hub, truth):
    neighbour = arrive(hub, 0)
    late = truth.commit(2)
    joiner = await bystander(hub)
    truth.members.add(joiner.user)

    hub.deliver([["joined", ROOM, joiner.user]])
    await until(lambda: joiner.types == ["conversation.added"])
    hub.deliver([*late, *truth.commit(1)])
    await written()

    assert (neighbour.seqs, joiner.seqs) == ([1, 2, 3], [3])


async def test_somebody_put_out_during_the_join_gets_nothing(hub, truth):
    joiner = await bystander(hub)
    truth.members.add(joiner.user)
    truth.gate.clear()
    hub.deliver([["joined", ROOM, joiner.user]])
    await written()

    hub.deliver([["left", ROOM, joiner.user]])
    hub.deliver(truth.commit(1))
    truth.gate.set()
    await until(lambda: not hub._tasks)
    hub.deliver(truth.commit(1))
    await written()

    assert joiner.types == ["conversation.removed"]
    assert ROOM not in hub.rooms


async def test_a_socket_that_is_syncing_gets_no_live_event_until_its_answer_is_out(hub, truth):
    reader, neighbour = arrive(hub, 0), arrive(hub, 0)
    stream = reader.outbox.hold(ROOM)
    hub.deliver(truth.commit(2))
    answered_up_to = truth.heads[ROOM]
    hub.deliver(truth.commit(2))
    await written()
    during = (reader.seqs, neighbour.seqs)

    reader.outbox.release(ROOM, stream, floor=answered_up_to)
    hub.deliver(truth.commit(1))
    await written()

    assert during == ([], [1, 2, 3, 4])
    assert reader.seqs == [3, 4, 5]


async def test_an_answer_ahead_of_the_live_events_is_not_repeated_by_them(hub, truth):
    reader = arrive(hub, 0)
    events = truth.commit(4)
    stream = reader.outbox.hold(ROOM)

    reader.outbox.release(ROOM, stream, floor=3)  # the database knew of three before any was published
    hub.deliver(events)
    await written()

    assert reader.seqs == [4]


async def test_after_an_answer_with_more_live_events_wait_for_the_next_sync(hub, truth):
    reader = arrive(hub, 0)
    stream = reader.outbox.hold(ROOM)
    hub.deliver(truth.commit(3))
    reader.outbox.release(ROOM, stream, floor=2, paused=True)
    hub.deliver(truth.commit(1))
    await written()
    paused = reader.seqs

    again = reader.outbox.hold(ROOM)
    reader.outbox.release(ROOM, again, floor=truth.heads[ROOM])
    hub.deliver(truth.commit(1))
    await written()

    assert (paused, reader.seqs) == ([], [5])


async def test_the_answer_to_an_earlier_sync_does_not_let_loose_what_a_later_one_holds(hub, truth):
    reader = arrive(hub, 0)
    first = reader.outbox.hold(ROOM)
    second = reader.outbox.hold(ROOM)
    hub.deliver(truth.commit(2))

    reader.outbox.release(ROOM, first, floor=0)
    await written()
    after_first = reader.seqs
    reader.outbox.release(ROOM, second, floor=1)
    await written()

    assert (after_first, reader.seqs) == ([], [2])


async def test_a_socket_that_never_finishes_its_sync_is_closed_at_the_outbox_limit(hub, truth):
    reader, neighbour = arrive(hub, 0), arrive(hub, 0)
    reader.outbox.hold(ROOM)

    for item in truth.commit(MAX_FRAMES + 1):
        hub.deliver([item])
        await written()

    await until(lambda: reader.code == 4290)
    assert neighbour.seqs == list(range(1, MAX_FRAMES + 2))


async def test_a_failed_fetch_is_tried_again_with_the_next_event():
    class Failing(Truth):
        async def events_after(self, conversation: str, seq: int) -> list[tuple[int, str]]:
            self.asked += 1
            if self.asked == 1:
                raise ConnectionError
            return [(number, text(number)) for number in range(seq + 1, self.heads[conversation] + 1)]

    truth = Failing()
    hub = Hub(truth)
    reader = arrive(hub, 0)
    _, second, third = truth.commit(3)

    hub.deliver([second])
    await until(lambda: truth.asked == 1 and not hub._tasks)
    hub.deliver([third])

    await until(lambda: reader.seqs == [1, 2, 3])


async def test_a_room_everybody_left_and_came_back_to_starts_at_its_new_head(hub, truth):
    reader = arrive(hub, 0)
    hub.deliver(truth.commit(2))
    hub.remove(reader.outbox)
    hub.deliver(truth.commit(2))

    again = arrive(hub, truth.heads[ROOM])
    hub.deliver([event(3), *truth.commit(1)])
    await written()
    await asyncio.sleep(0)

    assert (reader.seqs, again.seqs) == ([1, 2], [5])
