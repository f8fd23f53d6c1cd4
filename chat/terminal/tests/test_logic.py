"""The pure parts: outbox, position, marks, roster and backoff, without any I/O."""

from typing import Any

import pytest

from chat.terminal import frames
from chat.terminal.backoff import Backoff
from chat.terminal.conversation import Conversation
from chat.terminal.notices import Deleted, Edited, Gone, Message, Presence, Receipts, Refused, Reload, Typing
from chat.terminal.outbox import ANSWER_WITHIN, Outbox
from chat.terminal.renewal import wait_before_renewal

ME, TINA, HERE = "me", "tina", "conversation-1"


def participant(user: str, **fields: Any) -> dict[str, Any]:
    return {"user": {"id": user, "display_name": user.title()}, "role": "member", **fields}


def message(seq: int, sender: str = TINA, **fields: Any) -> dict[str, Any]:
    user = {"id": sender, "display_name": sender.title()}
    return {"id": f"m{seq}", "seq": seq, "sender": user, "body": f"body {seq}", "client_id": None, **fields}


def event(seq: int, kind: str = "message.new", **fields: Any) -> dict[str, Any]:
    return {"type": kind, "conversation": HERE, "seq": seq, "message": message(seq), **fields}


def page(*events: dict[str, Any], more: bool = False, frame_id: str = "sync:1") -> dict[str, Any]:
    return {"type": "sync.events", "id": frame_id, "conversation": HERE, "events": list(events), "more": more}


def ack(frame_id: str, **fields: Any) -> dict[str, Any]:
    return {"type": "ack", "id": frame_id, **fields}


@pytest.fixture
def conversation() -> Conversation:
    return Conversation({"id": HERE, "head": 0, "participants": [participant(ME), participant(TINA)]}, ME)


@pytest.fixture
def synced(conversation: Conversation) -> Conversation:
    conversation.connected(None)
    conversation.due(0.0)
    conversation.feed(ack("sync:1"), 0.0)
    return conversation


def seqs(notices: list[Any]) -> list[int]:
    return [notice.message["seq"] for notice in notices if isinstance(notice, Message)]


def kinds(out: list[dict[str, Any]]) -> list[str]:
    return [frame["type"] for frame in out]


# Outbox


def test_one_message_is_in_flight_at_a_time_and_order_is_kept():
    outbox = Outbox()
    first, second = outbox.add("first"), outbox.add("second")

    assert outbox.take(0.0) is first
    assert outbox.take(1.0) is None
    outbox.stored(first.client_id)

    assert outbox.take(2.0) is second


def test_a_lost_connection_resends_the_same_client_id_first():
    outbox = Outbox()
    first = outbox.add("first")
    outbox.add("second")
    outbox.take(0.0)

    outbox.connection_lost()

    again = outbox.take(0.1)
    assert again is first
    assert again.client_id == first.client_id


def test_an_unanswered_message_goes_out_again_in_time():
    outbox = Outbox()
    entry = outbox.add("hello")
    outbox.take(0.0)

    assert outbox.take(ANSWER_WITHIN - 0.1) is None
    assert outbox.take(ANSWER_WITHIN) is entry


def test_a_rate_limit_waits_the_time_it_names():
    outbox = Outbox()
    entry = outbox.add("hello")
    outbox.take(0.0)

    assert outbox.answered_with_error(entry.frame_id, "rate_limited", 2.0, 1.0) is None

    assert outbox.take(2.9) is None
    assert outbox.take(3.0) is entry


def test_an_unavailable_server_is_asked_ever_more_rarely():
    outbox = Outbox()
    entry, now, pauses = outbox.add("hello"), 0.0, []
    for _ in range(8):
        assert outbox.take(now) is entry
        outbox.answered_with_error(entry.frame_id, "unavailable", None, now)
        pauses.append(outbox._not_before - now)
        now = outbox._not_before

    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 25.0, 25.0, 25.0]


def test_an_internal_error_does_not_block_the_outbox_for_ever():
    outbox = Outbox()
    entry, now = outbox.add("poison"), 0.0
    outbox.add("next")
    refused = None
    while refused is None:
        now += 100.0
        assert outbox.take(now) is entry
        refused = outbox.answered_with_error(entry.frame_id, "internal", None, now)

    assert refused is entry
    assert entry.failures == 5
    assert outbox.bodies() == ["next"]


def test_a_late_answer_to_a_settled_message_changes_nothing():
    outbox = Outbox()
    entry, following = outbox.add("hello"), outbox.add("next")
    outbox.take(0.0)
    outbox.stored(entry.client_id)
    outbox.take(0.1)

    assert not outbox.stored(entry.client_id)
    assert outbox.answered_with_error(entry.frame_id, "forbidden", None, 0.2) is None

    assert outbox.bodies() == [following.body]
    assert outbox.take(0.3) is None


# The conversation: sending


def test_connecting_syncs_then_sends_the_first_message_only(conversation: Conversation):
    conversation.write("one")
    conversation.write("two")
    assert conversation.due(0.0) == []

    conversation.connected(None)
    out = conversation.due(0.0)

    assert kinds(out) == ["sync", "message.send"]
    assert out[0]["positions"] == {HERE: 0}
    assert out[1]["body"] == "one"


def test_an_event_of_mine_settles_the_message_whose_ack_was_lost(synced: Conversation):
    synced.write("one")
    client_id = synced.due(0.0)[0]["client_id"]
    synced.lost(1006)

    synced.connected(None)
    synced.feed(page(event(1, message=message(1, ME, client_id=client_id)), frame_id="sync:2"), 1.0)

    assert kinds(synced.due(1.0)) == ["sync"]
    assert synced.settled


def test_a_resend_answered_as_duplicate_is_settled(synced: Conversation):
    synced.write("one")
    client_id = synced.due(0.0)[0]["client_id"]

    mine = message(1, ME, client_id=client_id)
    synced.feed(ack(f"send:{client_id}", message=mine, duplicate=True), 0.1)

    assert not synced.outbox
    assert not synced.settled  # its event is still on the way
    assert seqs(synced.feed(event(1, message=mine), 0.2)) == [1]
    assert synced.settled


def test_an_acked_message_that_stays_away_asks_for_a_sync(synced: Conversation):
    synced.write("one")
    client_id = synced.due(0.0)[0]["client_id"]
    synced.feed(ack(f"send:{client_id}", message=message(1, ME, client_id=client_id)), 0.0)

    assert synced.due(2.9) == []
    assert kinds(synced.due(3.0)) == ["sync"]


@pytest.mark.parametrize("body", ["x" * 4001, "\U0001f600" * 4001])
def test_a_body_over_the_limit_is_refused_here(synced: Conversation, body: str):
    assert isinstance(synced.write(body), Refused)
    assert not synced.outbox


def test_a_frame_over_the_limit_is_refused_here(synced: Conversation):
    synced.limits |= {"body_chars": 100_000, "frame_bytes": 1000}

    assert isinstance(synced.write("ü" * 500), Refused)
    assert synced.write("u" * 500) is None


@pytest.mark.parametrize("code", [1009, 4413])
def test_a_close_for_size_gives_up_the_message_in_flight(synced: Conversation, code: int):
    synced.write("huge")
    synced.write("small")
    synced.due(0.0)

    notices = synced.lost(code)

    assert notices == [Refused("huge", "too_large", "")]
    assert synced.outbox.bodies() == ["small"]


# The conversation: receiving


def test_events_are_applied_once_and_in_order(synced: Conversation):
    shown = [seq for number in (1, 2, 2, 1, 3) for seq in seqs(synced.feed(event(number), 0.0))]

    assert shown == [1, 2, 3]
    assert synced.position.seq == 3


def test_a_hole_asks_for_one_sync_and_shows_nothing_early(synced: Conversation):
    synced.feed(event(1), 0.0)

    assert synced.feed(event(3), 0.0) == []
    assert synced.feed(event(4), 0.0) == []

    out = synced.due(0.0)
    assert [frame.get("positions") for frame in out if frame["type"] == "sync"] == [{HERE: 1}]
    assert "sync" not in kinds(synced.due(0.1))


def test_what_runs_ahead_of_a_sync_comes_once(conversation: Conversation):
    conversation.connected(None)
    conversation.due(0.0)

    ahead = conversation.feed(event(3), 0.0)
    synced = conversation.feed(page(event(1), event(2), event(3)), 0.0)
    conversation.feed(ack("sync:1"), 0.0)

    assert seqs(ahead + synced) == [1, 2, 3]
    assert "sync" not in kinds(conversation.due(0.1))


def test_a_sync_that_ends_before_what_ran_ahead_is_repeated(conversation: Conversation):
    conversation.connected(None)
    conversation.due(0.0)
    conversation.feed(event(5), 0.0)

    conversation.feed(page(event(1)), 0.0)
    conversation.feed(ack("sync:1"), 0.0)

    assert conversation.due(0.1)[0]["positions"] == {HERE: 1}


def test_more_is_followed_from_the_last_seq_given(conversation: Conversation):
    conversation.connected(None)
    conversation.due(0.0)

    conversation.feed(page(event(1), event(2), more=True), 0.0)
    assert "sync" not in kinds(conversation.due(0.0))
    conversation.feed(ack("sync:1"), 0.0)

    assert conversation.due(0.0)[0]["positions"] == {HERE: 2}


def test_a_refused_sync_is_asked_again_after_the_pause(conversation: Conversation):
    conversation.connected(None)
    conversation.due(0.0)

    conversation.feed({"type": "error", "id": "sync:1", "code": "rate_limited", "retry_after_ms": 500}, 0.0)

    assert conversation.due(0.4) == []
    assert kinds(conversation.due(0.5)) == ["sync"]


def test_an_unanswered_sync_is_asked_again(conversation: Conversation):
    conversation.connected(None)
    conversation.due(0.0)

    assert conversation.due(19.0) == []
    assert kinds(conversation.due(20.0)) == ["sync"]


def test_a_reset_waits_for_the_page_and_then_syncs_from_the_head(synced: Conversation):
    notices = synced.feed({"type": "sync.reset", "id": "sync:1", "conversation": HERE, "head": 90}, 0.0)
    assert notices == [Reload()]
    assert synced.feed(event(91), 0.0) == []
    assert synced.due(0.0) == []

    shown = synced.history([message(89), message(90), message(91)])
    synced.position.reloaded()

    assert seqs(shown) == [89, 90, 91]
    assert synced.due(0.0)[0]["positions"] == {HERE: 90}
    assert seqs(synced.feed(page(event(91), event(92)), 0.0)) == [92]


def test_history_and_log_show_a_message_once(conversation: Conversation):
    conversation.history([message(1)])
    conversation.connected(None)

    assert conversation.feed(event(1), 0.0) == []


def test_an_edit_and_a_deletion_are_told_once(synced: Conversation):
    changed = message(1, edited_at="t1")
    gone = message(1, edited_at="t1", deleted_at="t2")
    synced.feed(event(1), 0.0)

    notices = [
        *synced.feed(event(2, "message.edited", message=changed), 0.0),
        *synced.feed(event(3, "message.deleted", message=gone), 0.0),
        *synced.feed(event(4, "message.deleted", message=gone), 0.0),
    ]

    assert notices == [Edited(changed), Deleted(gone)]


def test_a_conversation_taken_away_is_gone(synced: Conversation):
    assert synced.feed({"type": "conversation.removed", "conversation": HERE}, 0.0) == [Gone()]
    assert synced.feed({"type": "conversation.removed", "conversation": "another"}, 0.0) == []


def test_unknown_frames_and_other_conversations_are_ignored(synced: Conversation):
    for frame in ({"type": "weather"}, {}, {"type": "weather", "conversation": HERE}):
        assert synced.feed(frame, 0.0) == []
    assert synced.feed(event(1) | {"conversation": "another"}, 0.0) == []
    assert synced.position.seq == 0


# Marks, receipts, typing, presence


def test_marks_are_sent_once_and_repeated_after_a_lost_connection(synced: Conversation):
    synced.feed(event(1), 0.0)

    first = synced.due(0.0)
    assert [(frame["type"], frame["seq"]) for frame in first] == [("message.delivered", 1), ("message.read", 1)]
    assert synced.due(0.1) == []
    synced.lost(1006)
    synced.connected(None)

    assert kinds(synced.due(0.2)) == ["sync", "message.delivered", "message.read"]


def test_my_own_messages_are_not_marked(synced: Conversation):
    synced.feed(event(1, message=message(1, ME)), 0.0)

    assert synced.due(0.0) == []


def test_receipts_are_told_when_they_change(synced: Conversation):
    synced.feed(event(1, message=message(1, ME)), 0.0)
    receipt = {"conversation": HERE, "user": TINA, "seq": 1}

    told = [
        *synced.feed(receipt | {"type": "message.delivered"}, 0.0),
        *synced.feed(receipt | {"type": "message.delivered"}, 0.0),
        *synced.feed(receipt | {"type": "message.read"}, 0.0),
        *synced.feed(receipt | {"type": "message.delivered"}, 0.0),
    ]

    assert told == [Receipts(("Tina",), (), 1), Receipts((), ("Tina",), 1)]


def test_typing_expires_and_ends_with_the_message(synced: Conversation):
    start = {"type": "typing.start", "conversation": HERE, "user": {"id": TINA, "display_name": "Tina"}}

    synced.feed(start, 0.0)
    assert synced.roster.typing_change(0.0) == Typing(("Tina",))
    assert synced.roster.typing_change(6.9) is None
    assert synced.roster.typing_change(7.0) == Typing(())

    synced.feed(start, 10.0)
    synced.roster.typing_change(10.0)
    synced.feed(event(1), 10.1)
    assert synced.roster.typing_change(10.1) == Typing(())


def test_typing_starts_are_throttled_and_an_emptied_line_stops(synced: Conversation):
    assert synced.typed("h", 0.0) == frames.typing(HERE, active=True)
    assert synced.typed("he", 2.9) is None
    assert synced.typed("hel", 3.0) == frames.typing(HERE, active=True)
    assert synced.typed("", 3.1) == frames.typing(HERE, active=False)
    assert synced.typed("", 3.2) is None


def test_presence_is_told_when_it_changes_for_people_of_this_conversation(synced: Conversation):
    update = {"type": "presence.update", "user": TINA, "status": "online"}

    assert synced.feed(update, 0.0) == [Presence("Tina", "online")]
    assert synced.feed(update, 0.0) == []
    assert synced.feed(update | {"user": "stranger"}, 0.0) == []


# Backoff and renewal


@pytest.mark.parametrize("pick", [min, max])
def test_delays_begin_below_a_second_and_double_to_25(pick: Any):
    backoff = Backoff(uniform=lambda low, high: pick(low, high))
    delays = [backoff.next_delay() for _ in range(9)]

    ceilings = [1.0, 2.0, 4.0, 8.0, 16.0, 25.0, 25.0, 25.0, 25.0]
    floors = [0.25, *(ceiling / 2 for ceiling in ceilings[1:])]
    assert delays == (ceilings if pick is max else floors)


def test_a_reset_begins_anew_and_endless_tries_stay_at_25():
    backoff = Backoff(uniform=max)
    for _ in range(5000):
        last = backoff.next_delay()
    assert last == 25.0

    backoff.reset()

    assert backoff.next_delay() == 1.0


@pytest.mark.parametrize(("life", "wait"), [(900.0, 840.0), (60.0, 48.0), (0.0, 0.2), (-5.0, 0.2)])
def test_a_token_is_renewed_well_before_its_end(life: float, wait: float):
    assert wait_before_renewal(life) == pytest.approx(wait)
