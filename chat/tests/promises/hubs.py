"""A hub without a server: its loader knows what was committed, its sockets remember what they were given."""

import asyncio
import json
from collections import defaultdict
from typing import Any
from uuid import uuid4

from accounts.identity import Identity
from accounts.models import Role
from chat.fanout import Item
from chat.hub import Frame, Hub
from chat.outbox import Outbox

ROOM = "11111111-1111-7111-8111-111111111111"


class Truth:
    """What the database holds. While `gate` is shut its answers, read at once, are on their way."""

    def __init__(self) -> None:
        self.heads: dict[str, int] = defaultdict(int)
        self.members: set[str] = set()
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    def commit(self, count: int = 1, conversation: str = ROOM) -> list[Item]:
        """The next events, as they are published."""
        first = self.heads[conversation] + 1
        self.heads[conversation] += count
        return [event(seq, conversation) for seq in range(first, first + count)]

    async def events_after(self, conversation: str, seq: int) -> list[Frame]:
        self.asked += 1
        found = [(number, text(number)) for number in range(seq + 1, self.heads[conversation] + 1)]
        await self.gate.wait()
        return found

    async def added_frame(self, user: str, conversation: str) -> tuple[int, str] | None:
        head, is_member = self.heads[conversation], user in self.members
        await self.gate.wait()
        return (head, json.dumps({"type": "conversation.added", "head": head})) if is_member else None


def text(seq: int) -> str:
    return json.dumps({"type": "message.new", "seq": seq})


def event(seq: int, conversation: str = ROOM) -> Item:
    return ["log", conversation, seq, "", text(seq)]


class Reader:
    """A socket of somebody of its own, that reads as fast as it is written to. `frames` holds all, in order."""

    def __init__(self) -> None:
        identity = Identity(uuid4(), uuid4(), "Somebody", Role.CUSTOMER, None)
        self.frames: list[dict[str, Any]] = []
        self.code: int | None = None
        self.outbox = Outbox(self._write, identity, uuid4(), lambda: None)
        self.user = self.outbox.user

    async def _write(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.close":
            self.code = message["code"]
        else:
            self.frames.append(json.loads(message["text"]))

    @property
    def seqs(self) -> list[int]:
        return [frame["seq"] for frame in self.frames if frame["type"] == "message.new"]

    @property
    def types(self) -> list[str]:
        return [frame["type"] for frame in self.frames]


def arrive(hub: Hub, head: int, reader: Reader | None = None) -> Reader:
    """Somebody connects who takes part in the room, which stood at `head` when that was read."""
    reader = reader or Reader()
    hub.begin_loading()
    hub.add(reader.outbox, {ROOM: head})
    hub.end_loading()
    return reader


async def written() -> None:
    """Whatever the outboxes hold has been written."""
    for _ in range(5):
        await asyncio.sleep(0)
