"""The checker finds every planted loss, repeat and swap, and accepts what is in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testing.checker import Frame, check_stream, is_log_event


def event(seq: int, conversation: str = "a") -> Frame:
    return {"type": "message.new", "conversation": conversation, "seq": seq, "at": "", "actor": None}


def stream(*seqs: int, conversation: str = "a") -> list[Frame]:
    return [event(seq, conversation) for seq in seqs]


def test_a_stream_in_order_passes_wherever_it_begins():
    check_stream(stream(1, 2, 3))
    check_stream(stream(7, 8))
    check_stream([])


def test_conversations_are_counted_apart():
    check_stream([event(1, "a"), event(5, "b"), event(2, "a"), event(6, "b")])


@pytest.mark.parametrize(
    ("seqs", "named"),
    [
        ((1, 2, 4), "hole: .*missing 3$"),
        ((1, 5), "hole: .*missing 2 to 4$"),
        ((1, 2, 2, 3), "repeat: .*seq 2 after 2"),
        ((1, 2, 3, 2), "repeat: .*seq 2 after 3"),
        ((2, 3, 1), "out of order: .*seq 1 after 3"),
        ((1, 3, 2, 4), "hole: .*seq 3 after 1"),
    ],
)
def test_a_planted_fault_is_named(seqs, named):
    with pytest.raises(AssertionError, match=named):
        check_stream(stream(*seqs))


def test_a_fault_in_one_of_two_conversations_is_found():
    with pytest.raises(AssertionError, match="event 3: hole: conversation b"):
        check_stream([event(1, "a"), event(1, "b"), event(2, "a"), event(3, "b")])


def test_a_named_beginning_must_be_met():
    check_stream(stream(4, 5), after={"a": 3})

    with pytest.raises(AssertionError, match="hole"):
        check_stream(stream(5), after={"a": 3})
    with pytest.raises(AssertionError, match="repeat"):
        check_stream(stream(3), after={"a": 3})
    with pytest.raises(AssertionError, match="out of order"):
        check_stream(stream(2), after={"a": 3})


@given(length=st.integers(3, 40), data=st.data())
def test_any_single_fault_in_any_stream_is_found(length, data):
    events = stream(*range(1, length + 1))
    place = data.draw(st.integers(1, length - 2))
    match data.draw(st.sampled_from(["loss", "repeat", "swap"])):
        case "loss":
            del events[place]
        case "repeat":
            events.insert(data.draw(st.integers(place + 1, length)), events[place])
        case "swap":
            events[place], events[place + 1] = events[place + 1], events[place]

    with pytest.raises(AssertionError):
        check_stream(events)


def test_log_events_are_told_from_receipts():
    assert is_log_event(event(1))
    assert is_log_event({**event(1), "type": "message.of_a_later_version"})
    assert not is_log_event({"type": "message.read", "conversation": "a", "user": "u", "seq": 3})
    assert not is_log_event({"type": "ack", "id": "1"})
