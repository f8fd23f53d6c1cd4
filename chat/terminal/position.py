"""Where this client stands in the conversation's log, and whether it must sync; no I/O, no clock of its own."""

from typing import Any

RETRY_SYNC = 1.0
ANSWER_WITHIN = 20.0
EVENT_WITHIN = 3.0
"""Seconds an acknowledged message may be missing from the stream before a sync looks for it."""


class Position:
    """`seq` is the last event applied. Live events are applied only in sequence; a hole asks for one sync."""

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self._wanted_at: float | None = None
        self._sync_id: str | None = None
        self._answer_due = 0.0
        self._more = False
        self._ahead = 0
        self._expected = 0
        self._expected_by = 0.0
        self._reloading = False
        self._count = 0

    @property
    def syncing(self) -> bool:
        return self._sync_id is not None

    def want_sync(self, at: float = 0.0) -> None:
        self._wanted_at = at

    def take_sync(self, now: float) -> str | None:
        """The id of a sync to send now, or None."""
        if self.syncing and now >= self._answer_due:
            self._sync_id, self._wanted_at = None, now
        if not self.syncing and self._expected > self.seq and now >= self._expected_by and not self._reloading:
            self._wanted_at, self._expected_by = now, now + EVENT_WITHIN
        if self.syncing or self._reloading or self._wanted_at is None or now < self._wanted_at:
            return None
        self._count += 1
        self._sync_id, self._wanted_at = f"sync:{self._count}", None
        self._answer_due = now + ANSWER_WITHIN
        self._more, self._ahead = False, 0
        return self._sync_id

    def admit(self, seq: int) -> bool:
        """Whether a live event is the next one. What was seen is ignored; what runs ahead comes again by sync."""
        if self._reloading or seq <= self.seq:
            return False
        if seq == self.seq + 1:
            self.seq = seq
            return True
        self._ahead = max(self._ahead, seq)
        if not self.syncing:
            self.want_sync()
        return False

    def page(self, events: list[dict[str, Any]], more: bool) -> list[dict[str, Any]]:
        """The events of one `sync.events` that are new here, in order."""
        self._more = more
        fresh = []
        for event in events:
            if not self._reloading and event["seq"] > self.seq:
                self.seq = event["seq"]
                fresh.append(event)
        return fresh

    def answered(self, frame_id: str | None) -> bool:
        """The ack of a sync. Asks again when there is more, or when live events had run further ahead."""
        if frame_id is None or frame_id != self._sync_id:
            return False
        self._sync_id = None
        if self._more or self._ahead > self.seq:
            self.want_sync()
        return True

    def failed(self, frame_id: str | None, retry_after: float | None, now: float) -> bool:
        """An error answered the sync: ask again after the pause."""
        if frame_id is None or frame_id != self._sync_id:
            return False
        self._sync_id = None
        self.want_sync(now + (RETRY_SYNC if retry_after is None else retry_after))
        return True

    def expect(self, seq: int, now: float) -> None:
        """An ack named this event; it should arrive on its own within seconds."""
        if seq > self._expected:
            self._expected, self._expected_by = seq, now + EVENT_WITHIN

    def reset(self, head: int) -> None:
        """The log is too far away. Nothing is applied until the newest page was loaded."""
        self.seq, self._expected, self._more, self._reloading = head, 0, False, True

    def reloaded(self) -> None:
        self._reloading = False
        self.want_sync()

    def connection_lost(self) -> None:
        self._sync_id, self._wanted_at, self._more, self._ahead = None, None, False, 0
