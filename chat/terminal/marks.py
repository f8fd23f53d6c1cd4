"""How far this client has received and shown the conversation, as delivered and read marks to send; no I/O."""

from chat.terminal import frames
from chat.terminal.frames import Frame

KINDS = ("delivered", "read")


class Marks:
    """A mark is sent once, repeated after a lost connection, and only ever moves forward."""

    def __init__(self, conversation: str, delivered: int, read: int) -> None:
        self._conversation = conversation
        self._wanted = 0
        self._acked = {"delivered": delivered, "read": read}
        self._sent = dict(self._acked)
        self._not_before = 0.0

    def seen(self, seq: int) -> None:
        self._wanted = max(self._wanted, seq)

    def take(self, now: float) -> list[Frame]:
        if now < self._not_before:
            return []
        due = [kind for kind in KINDS if self._wanted > self._sent[kind]]
        self._sent.update(dict.fromkeys(due, self._wanted))
        return [frames.mark(kind, self._conversation, self._wanted) for kind in due]

    def answered(self, delivered: int, read: int) -> None:
        for kind, seq in (("delivered", delivered), ("read", read)):
            self._acked[kind] = max(self._acked[kind], seq)
            self._sent[kind] = max(self._sent[kind], seq)

    def failed(self, kind: str, retry_after: float, now: float) -> None:
        """Try this mark again after the pause."""
        self._sent[kind] = self._acked[kind]
        self._not_before = now + retry_after

    def connection_lost(self) -> None:
        self._sent = dict(self._acked)
        self._not_before = 0.0
