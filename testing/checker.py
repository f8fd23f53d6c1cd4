"""A pure check of log events against the promise: each conversation in `seq` order, no hole, no repeat.

Knows events as dictionaries of PROTOCOL section 2; which of them a socket may see twice is `streams`' business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from typing import Any

Frame = dict[str, Any]

LOG_EVENTS = frozenset(
    {"message.new", "message.edited", "message.deleted", "message.reacted", "message.pinned", "message.unpinned"}
)


def is_log_event(frame: Frame) -> bool:
    """True for events of a conversation's log; one of a type added later is known by its fields."""
    return frame.get("type") in LOG_EVENTS or {"conversation", "seq", "at", "actor"} <= frame.keys()


def fault(conversation: str, seq: int, *, after: int | None, seen: Container[int]) -> str | None:
    """What is wrong with `seq` coming right after `after`, where `seen` came before; None: nothing."""
    if after is None or seq == after + 1:
        return None
    where = f"conversation {conversation}, seq {seq} after {after}"
    if seq in seen or seq == after:
        return f"repeat: {where}"
    if seq < after:
        return f"out of order: {where}"
    return f"hole: {where}, missing {after + 1}" + (f" to {seq - 1}" if seq > after + 2 else "")


def check_stream(events: Iterable[Frame], *, after: Mapping[str, int] | None = None) -> None:
    """Raise AssertionError at the first event that does not follow its conversation's last one by exactly one.

    `after` says where a conversation's stream must begin (at its value + 1); one not named may begin anywhere.
    """
    last = dict(after or {})
    seen: defaultdict[str, set[int]] = defaultdict(set)
    for index, event in enumerate(events):
        conversation, seq = event["conversation"], event["seq"]
        wrong = fault(conversation, seq, after=last.get(conversation), seen=seen[conversation])
        if wrong:
            raise AssertionError(f"event {index}: {wrong}")
        last[conversation] = seq
        seen[conversation].add(seq)
