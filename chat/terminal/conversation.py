"""One conversation as this client knows it: frames in, notices and frames out; no I/O and no clock of its own."""

from typing import Any

from chat.terminal import frames
from chat.terminal.frames import Frame
from chat.terminal.marks import KINDS, Marks
from chat.terminal.notices import (
    Deleted,
    Edited,
    Gone,
    Message,
    Notice,
    Presence,
    Receipts,
    Refused,
    Reload,
    ServerError,
    text_of,
)
from chat.terminal.outbox import Outbox
from chat.terminal.position import Position
from chat.terminal.roster import Roster

TOO_LARGE_CLOSES = frozenset({1009, 4413})
MARK_RETRY = 2.0


class Conversation:
    """Applies every event once and in order, and says what to send next."""

    def __init__(self, summary: Frame, me: str) -> None:
        self.id: str = summary["id"]
        self.me = me
        self.online = False
        self.limits = dict(frames.DEFAULT_LIMITS)
        self.outbox = Outbox()
        self.position = Position(summary.get("head") or 0)
        self.marks = Marks(self.id, summary.get("delivered_seq") or 0, summary.get("read_seq") or 0)
        self.roster = Roster(me)
        self.roster.load(summary.get("participants") or [])
        self._shown: dict[str, tuple[Any, Any]] = {}
        self.oldest: int | None = None
        self._stored = 0
        self._own_newest = 0
        self._receipts: Receipts | None = None
        self._typing_sent = float("-inf")
        self._typing = False

    @property
    def settled(self) -> bool:
        """Everything written here is stored and has come back by the log."""
        return not self.outbox and self.position.seq >= self._stored

    def write(self, body: str) -> Refused | None:
        """Queue a message, or say at once that the server would refuse its size."""
        limit = self.limits["body_chars"]
        frame = frames.send(self.id, "-" * 36, body, "-" * 41)
        if len(body) > limit or len(frames.encode(frame).encode()) > self.limits["frame_bytes"]:
            return Refused(body, "too_large", f"at most {limit} characters")
        self.outbox.add(body)
        self._typing = False
        return None

    def typed(self, text: str, now: float) -> Frame | None:
        """The typing frame for a changed input line: start at most once per interval, stop when it was emptied."""
        if not self.online:
            return None
        if not text:
            stopping, self._typing = self._typing, False
            return frames.typing(self.id, active=False) if stopping else None
        if now - self._typing_sent < self.limits["typing_every_ms"] / 1000:
            return None
        self._typing_sent, self._typing = now, True
        return frames.typing(self.id, active=True)

    def due(self, now: float) -> list[Frame]:
        """What to send now, in this order."""
        if not self.online:
            return []
        out: list[Frame] = []
        if sync_id := self.position.take_sync(now):
            out.append(frames.sync(self.id, self.position.seq, sync_id))
        if entry := self.outbox.take(now):
            out.append(frames.send(self.id, entry.client_id, entry.body, entry.frame_id))
        return out + self.marks.take(now)

    def connected(self, limits: Frame | None) -> None:
        self.limits |= {name: value for name, value in (limits or {}).items() if isinstance(value, int)}
        self.online = True
        self._typing_sent = float("-inf")
        self.position.want_sync()

    def lost(self, code: int) -> list[Notice]:
        """The socket is gone. A message the server closed for is given up; all others wait."""
        self.online = False
        dropped = self.outbox.drop_first() if code in TOO_LARGE_CLOSES else None
        self.outbox.connection_lost()
        self.position.connection_lost()
        self.marks.connection_lost()
        return [Refused(dropped.body, "too_large", "")] if dropped else []

    def history(self, messages: list[Frame]) -> list[Notice]:
        """Messages loaded over REST: those not shown before."""
        seqs = [message["seq"] for message in messages]
        self.oldest = min([*seqs, *([] if self.oldest is None else [self.oldest])], default=None)
        # The summary knows today's participants; who came and went in old messages must not change them.
        return [notice for message in messages for notice in self._message(message, live=False)]

    def feed(self, frame: Frame, now: float) -> list[Notice]:
        """Apply one frame from the server."""
        kind = frame.get("type")
        if kind == "ack":
            return self._ack(frame, now)
        if kind == "error":
            return self._error(frame, now)
        if frame.get("conversation") == self.id:
            return self._ours(frame, now)
        if kind == "presence.update":
            change: Presence | None = self.roster.presence(text_of(frame.get("user")), text_of(frame.get("status")))
            return [change] if change else []
        return []

    def _ours(self, frame: Frame, now: float) -> list[Notice]:
        kind = frame["type"]
        if kind in frames.LOG_EVENTS:
            return self._event(frame) if self.position.admit(frame["seq"]) else []
        match kind:
            case "sync.events":
                fresh = self.position.page(frame.get("events") or [], bool(frame.get("more")))
                return [notice for event in fresh for notice in self._event(event)]
            case "sync.reset":
                self.position.reset(frame.get("head") or 0)
                return [Reload()]
            case "sync.gone" | "conversation.removed":
                return [Gone()]
            case "typing.start":
                self.roster.typing(frame["user"], now + self.limits["typing_expires_ms"] / 1000)
            case "typing.stop":
                self.roster.stopped(frame["user"].get("id"))
            case "message.delivered":
                self.roster.receipt(frame["user"], delivered=frame["seq"])
            case "message.read":
                self.roster.receipt(frame["user"], read=frame["seq"])
        return self.receipts_change()

    def receipts_change(self) -> list[Notice]:
        """How my newest message stands, when that differs from the last answer."""
        if not self._own_newest:
            return []
        receipts = self.roster.receipts(self._own_newest)
        if receipts == self._receipts or not (receipts.delivered or receipts.read):
            return []
        self._receipts = receipts
        return [receipts]

    def _event(self, event: Frame) -> list[Notice]:
        """Apply one event of the log, known to be new here."""
        message = event.get("message") or {}
        match event["type"]:
            case "message.new":
                return self._message(message)
            case "message.edited" | "message.deleted" if self._version(message) != self._shown.get(message["id"]):
                self._shown[message["id"]] = self._version(message)
                return [Deleted(message) if message.get("deleted_at") else Edited(message)]
        return []

    def _message(self, message: Frame, *, live: bool = True) -> list[Notice]:
        """A message, once: history and the log may both bring it."""
        if message["id"] in self._shown:
            return []
        self._shown[message["id"]] = self._version(message)
        sender = message.get("sender")
        self.roster.met(sender)
        if sender is not None and sender["id"] == self.me:
            self._mine(message)
            return [Message(message)]
        if sender is not None:
            self.roster.stopped(sender["id"])
        elif live:
            self._people_moved(message.get("data") or {})
        self.marks.seen(message["seq"])
        return [Message(message)]

    def _mine(self, message: Frame) -> None:
        # The log is proof enough, also when the ack was lost with the connection.
        self.outbox.stored(message.get("client_id"))
        if message["seq"] > self._own_newest:
            self._own_newest, self._receipts = message["seq"], None

    def _people_moved(self, about: Frame) -> None:
        match about.get("event"):
            case "participant.joined":
                self.roster.met(about.get("user"), takes_part=True)
            case "participant.left":
                self.roster.left(about.get("user"))

    @staticmethod
    def _version(message: Frame) -> tuple[Any, Any]:
        return message.get("edited_at"), message.get("deleted_at")

    def _ack(self, frame: Frame, now: float) -> list[Notice]:
        if self.position.answered(frame.get("id")):
            return []
        message = frame.get("message")
        if message is not None and self.outbox.stored(message.get("client_id")):
            self._stored = max(self._stored, message["seq"])
            self.position.expect(message["seq"], now)
        if frame.get("id") in KINDS:
            self.marks.answered(frame.get("delivered_seq") or 0, frame.get("read_seq") or 0)
        return []

    def _error(self, frame: Frame, now: float) -> list[Notice]:
        frame_id, code = text_of(frame.get("id")), text_of(frame.get("code"))
        wait_ms = frame.get("retry_after_ms")
        wait = None if wait_ms is None else wait_ms / 1000
        if self.position.failed(frame_id, wait, now):
            return []
        if frame_id.startswith("send:"):
            refused = self.outbox.answered_with_error(frame_id, code, wait, now)
            return [Refused(refused.body, code, text_of(frame.get("detail")))] if refused else []
        if frame_id in KINDS and code in ("rate_limited", "unavailable", "internal"):
            self.marks.failed(frame_id, MARK_RETRY if wait is None else wait, now)
            return []
        if code == "rate_limited":
            # Only typing is left here, and a lost typing frame is worth no line.
            return []
        return [ServerError(code, text_of(frame.get("detail")))]
