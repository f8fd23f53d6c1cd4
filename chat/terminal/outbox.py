"""Messages written but not yet known to be stored, in order, one in flight at a time; no I/O, no clock of its own."""

import uuid
from collections import deque
from dataclasses import dataclass, field

ANSWER_WITHIN = 15.0
"""Seconds after which an unanswered message is sent again; its client_id makes that harmless."""
LONGEST_PAUSE = 25.0
INTERNAL_TRIES = 5
WAIT_AND_REPEAT = frozenset({"rate_limited", "unavailable", "unauthenticated", "token_expired"})


@dataclass(slots=True)
class Entry:
    """One message to send. The client_id never changes, whatever happens to the connection."""

    body: str
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    failures: int = 0

    @property
    def frame_id(self) -> str:
        return f"send:{self.client_id}"


class Outbox:
    """Keeps every message until the server has stored or refused it."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        self._answer_due: float | None = None
        self._not_before = 0.0

    def __len__(self) -> int:
        return len(self._entries)

    def bodies(self) -> list[str]:
        return [entry.body for entry in self._entries]

    def add(self, body: str) -> Entry:
        entry = Entry(body)
        self._entries.append(entry)
        return entry

    def take(self, now: float) -> Entry | None:
        """The message to put on the wire now, if any; it stays here until it is settled."""
        if not self._entries or now < self._not_before:
            return None
        if self._answer_due is not None and now < self._answer_due:
            return None
        self._answer_due = now + ANSWER_WITHIN
        return self._entries[0]

    def stored(self, client_id: str | None) -> bool:
        """The server has this one. Says whether it was waiting here."""
        entry = self._find(client_id)
        if entry is None:
            return False
        self._settle(entry)
        return True

    def answered_with_error(self, frame_id: str, code: str, retry_after: float | None, now: float) -> Entry | None:
        """Keep the message and wait when trying again may help; otherwise give it back as refused."""
        entry = self._find(frame_id.removeprefix("send:"))
        if entry is None:
            return None
        entry.failures += 1
        if code in WAIT_AND_REPEAT or (code == "internal" and entry.failures < INTERNAL_TRIES):
            pause = min(LONGEST_PAUSE, 2.0 ** min(entry.failures - 1, 5)) if retry_after is None else retry_after
            self._answer_due = None
            self._not_before = now + pause
            return None
        self._settle(entry)
        return entry

    def connection_lost(self) -> None:
        """Nothing is in flight any more: the first message goes out again on the next connection."""
        self._answer_due = None
        self._not_before = 0.0

    def drop_first(self) -> Entry | None:
        """Give up the message in flight, when the server closed because of its size."""
        if not self._entries or self._answer_due is None:
            return None
        entry = self._entries[0]
        self._settle(entry)
        return entry

    def _find(self, client_id: str | None) -> Entry | None:
        return next((entry for entry in self._entries if entry.client_id == client_id), None)

    def _settle(self, entry: Entry) -> None:
        if entry is self._entries[0]:
            self._answer_due = None
        self._entries.remove(entry)
