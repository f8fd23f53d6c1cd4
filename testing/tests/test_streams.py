"""The book of streams follows the rules of sync: what may come again, and what never may."""

from __future__ import annotations

import pytest

from testing.checker import Frame, check_stream
from testing.streams import StreamBook
from testing.tests.test_checker import event, stream


def answer(*seqs: int, head: int, more: bool = False, request_id: str = "s") -> Frame:
    events = stream(*seqs)
    return {"type": "sync.events", "id": request_id, "conversation": "a", "events": events, "head": head, "more": more}


def book_of(*frames: Frame, asked: int | None = None) -> StreamBook:
    book = StreamBook()
    if asked is not None:
        book.note_sync("s", {"a": asked})
    for frame in frames:
        book.add(frame)
    return book


def held(book: StreamBook) -> list[int]:
    return [each["seq"] for each in book.streams["a"].events]


def test_live_events_before_the_sync_may_run_ahead_and_come_again():
    book = book_of(event(5), event(6), answer(3, 4, 5, 6, head=6), event(7), asked=2)

    book.check()
    check_stream(book.streams["a"].events, after={"a": 2})
    assert held(book) == [3, 4, 5, 6, 7]
    assert book.streams["a"].position == 7


def test_an_answer_in_several_frames_goes_on():
    book = book_of(answer(1, 2, head=4, more=True), answer(3, 4, head=4), event(5), asked=0)

    book.check()
    assert held(book) == [1, 2, 3, 4, 5]


def test_after_an_unfinished_answer_live_runs_ahead_until_the_next_sync():
    book = book_of(answer(1, 2, head=4, more=True), event(5), asked=0)
    assert book.streams["a"].position == 2

    book.note_sync("t", {"a": 2})
    book.add(answer(3, 4, 5, head=5, request_id="t"))
    book.add(event(6))

    book.check()
    assert held(book) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("frames", "named"),
    [
        ([answer(3, head=3), event(3)], "repeat"),
        ([answer(3, head=3), event(5)], "hole"),
        ([answer(4, head=4)], "hole"),
        ([answer(2, 3, head=3)], "repeat"),
        ([answer(3, head=4)], "ended at 3, but its head is 4"),
        ([answer(head=3)], "ended at 2, but its head is 3"),
        ([event(5), event(7), answer(3, 4, 5, 6, 7, head=7)], "hole"),
        ([event(5), event(6), event(5), answer(3, 4, 5, 6, head=6)], "repeat"),
    ],
)
def test_a_breach_is_kept_even_when_a_sync_covers_it(frames, named):
    book = book_of(*frames, asked=2)

    with pytest.raises(AssertionError, match=named):
        book.check()


def test_an_empty_answer_moves_nothing():
    book = book_of(answer(head=2), event(3), asked=2)

    book.check()
    assert held(book) == [3]


def test_a_reset_and_an_added_conversation_begin_after_their_head():
    reset = {"type": "sync.reset", "id": "s", "conversation": "a", "head": 20_000}
    added = {"type": "conversation.added", "conversation": {"id": "a", "head": 4}}

    book_of(reset, event(20_001), asked=3).check()
    book_of(added, event(5)).check()

    assert book_of(reset, event(20_002), asked=3).faults
    assert book_of(added, event(4)).faults


def test_a_removed_conversation_is_held_no_more():
    book = book_of(event(1), {"type": "conversation.removed", "conversation": "a"})

    assert book.streams == {}


def test_the_position_stops_before_a_hole():
    book = book_of(event(1), event(2), event(4))

    assert book.streams["a"].position == 2
