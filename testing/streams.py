"""What one socket's frames add up to per conversation, and every breach of the stream promise among them. No I/O.

A stream consists of segments. Inside one, each event follows the last without exception; a new one begins where the
protocol lets the server tell something again: at the answer to a sync, and after an answer with `more: true`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from testing.checker import Frame, fault, is_log_event


class Stream:
    """One conversation as a client holds it."""

    def __init__(self) -> None:
        self.events: list[Frame] = []
        self.position: int | None = None  # nothing is missing up to here: what a client names in its next sync
        self.last: int | None = None  # what the next event of this segment must follow
        self.unfinished = False  # the last answer to a sync said `more`
        self._segment: set[int] = set()

    def add(self, event: Frame) -> str | None:
        """Take in the next event; returns what is wrong with it."""
        seq = event["seq"]
        wrong = fault(event["conversation"], seq, after=self.last, seen=self._segment)
        self.events.append(event)
        self._segment.add(seq)
        self.last = seq
        if self.position is None or seq == self.position + 1:
            self.position = seq
        return wrong

    def begin_segment(self, after: int | None) -> None:
        self.last, self.unfinished, self._segment = after, False, set()

    def rewind(self, position: int) -> None:
        """The server tells everything after `position` again: what ran ahead of it is given up."""
        knows_more_than_we_saw = self.position is None or position > self.position
        self.events = [] if knows_more_than_we_saw else [event for event in self.events if event["seq"] <= position]
        self.position = position
        self.begin_segment(position)

    def forget(self, position: int) -> None:
        """Nothing held counts any more; the stream goes on after `position`."""
        self.position, self.events = position, []
        self.begin_segment(position)


class StreamBook:
    """Sorts the frames of one socket, in the order they came, into streams and keeps a list of the faults."""

    def __init__(self) -> None:
        self.streams: dict[str, Stream] = {}
        self.faults: list[str] = []
        self._asked: dict[str, dict[str, int]] = {}

    def note_sync(self, request_id: str, positions: Mapping[str, int]) -> None:
        """Call before a sync is sent: its answers follow these positions."""
        self._asked[request_id] = dict(positions)

    def add(self, frame: Frame) -> None:
        """Take in any frame of the server; one that moves no stream is left aside."""
        match frame.get("type"):
            case "sync.events":
                self._add_answer(frame)
            case "sync.reset":
                self._stream(frame["conversation"]).forget(frame["head"])
            case "conversation.added":
                self._stream(frame["conversation"]["id"]).forget(frame["conversation"]["head"])
            case "sync.gone" | "conversation.removed":
                self.streams.pop(frame["conversation"], None)
            case _ if is_log_event(frame):
                self._add_live(frame)

    def check(self) -> None:
        """Raise AssertionError naming every fault so far."""
        if self.faults:
            raise AssertionError("\n".join(self.faults))

    def _stream(self, conversation: str) -> Stream:
        return self.streams.setdefault(conversation, Stream())

    def _add_live(self, event: Frame) -> None:
        stream = self._stream(event["conversation"])
        if stream.unfinished:
            stream.begin_segment(None)  # live runs ahead until the client has asked for the rest
        self._add_events(stream, [event])

    def _add_answer(self, frame: Frame) -> None:
        stream = self._stream(frame["conversation"])
        asked = self._asked.get(frame["id"], {})
        if frame["conversation"] in asked:  # a further frame of the same answer goes on where the last one ended
            stream.rewind(asked.pop(frame["conversation"]))
        self._add_events(stream, frame["events"])
        stream.unfinished = frame["more"]
        if not frame["more"] and stream.last != frame["head"]:
            self.faults.append(
                f"sync of {frame['conversation']} ended at {stream.last}, but its head is {frame['head']}"
            )

    def _add_events(self, stream: Stream, events: Iterable[Frame]) -> None:
        self.faults.extend(wrong for event in events if (wrong := stream.add(event)))
