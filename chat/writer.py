"""
The way of a socket's messages into the database: one commit for all that came while the last one ran.

On PostgreSQL they first try the quick lane, which takes what is plain. The rest goes the careful way: batches on
threads. A conversation whose row somebody else holds must not stop the others, so there its messages step aside once
more, to a lane that waits for it. Whatever follows for a conversation stays behind what stepped aside, until that has
been answered: what one socket sends stays in order.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from django.db import DatabaseError, connection

from chat import sql
from chat.actions import announcements
from chat.actions.messages import Busy, Sent, send_messages
from chat.actions.standings import Draft
from chat.batcher import Batcher, Done
from chat.errors import ChatError, Unavailable
from chat.quick import QuickLane

LANES = 3  # of each kind: while one waits for the database, the other has the processor; a conversation keeps its lane


class _Way:
    """A draft on its way: whether it counts as one that stepped aside, and whether its sender has had an answer."""

    __slots__ = ("answered", "aside", "draft")

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.aside = False
        self.answered = False


class Writer:
    def __init__(self) -> None:
        self._careful: Counter[UUID] = Counter()  # drafts on the careful way, by conversation
        self._aside: Counter[UUID] = Counter()  # those of them that wait for a row
        self._lock = threading.Lock()
        self._turns: Batcher[UUID, None] = Batcher(_tell_of_turns, "turns")
        quick = LANES if sql.is_postgres() else 0
        self._quick = [QuickLane(self._is_behind, self._turned) for _ in range(quick)]
        self._fast: list[Batcher[_Way, Sent]] = [Batcher(self._run_fast, f"writer-{n}") for n in range(LANES)]
        self._slow: Batcher[Draft, Sent] = Batcher(self._run_slow, "writer-aside")

    def put(self, draft: Draft, done: Done[Sent]) -> None:
        """`done` gets the committed message or a ChatError. Numbers in a conversation follow the order of the calls."""

        def take_quick(outcome: Sent | ChatError) -> None:
            if isinstance(outcome, Busy):
                self._put_carefully(draft, done)
            else:
                done(outcome)

        lane = draft.conversation_id.int % LANES
        if self._quick and self._quick[lane].ready and not self._is_behind(draft):
            self._quick[lane].put(draft, take_quick)
        else:
            self._put_carefully(draft, done)

    def _turned(self, trade_id: UUID) -> None:
        self._turns.put(trade_id, _nothing)

    def _is_behind(self, draft: Draft) -> bool:
        return draft.conversation_id in self._careful

    def _put_carefully(self, draft: Draft, done: Done[Sent]) -> None:
        way = _Way(draft)
        self._careful[draft.conversation_id] += 1

        def take_fast(outcome: Sent | ChatError) -> None:
            if isinstance(outcome, Busy):
                self._slow.put(draft, answer)
            else:
                answer(outcome)

        def answer(outcome: Sent | ChatError) -> None:
            self._careful[draft.conversation_id] -= 1
            if not self._careful[draft.conversation_id]:
                del self._careful[draft.conversation_id]
            self._step_back(way)
            done(outcome)

        self._fast[draft.conversation_id.int % LANES].put(way, take_fast)

    async def stop(self) -> None:
        await asyncio.gather(*(lane.stop() for lane in self._quick))
        await asyncio.gather(*(lane.stop() for lane in self._fast))
        await asyncio.gather(self._slow.stop(), self._turns.stop())

    def _run_fast(self, ways: Sequence[_Way]) -> list[Sent | ChatError]:
        with self._lock:
            behind = set(self._aside)
        free = [way.draft for way in ways if way.draft.conversation_id not in behind]
        outcomes = iter(send_messages(free, skip_locked=True) if free else [])
        merged = [Busy() if way.draft.conversation_id in behind else next(outcomes) for way in ways]
        with self._lock:
            for way, outcome in zip(ways, merged, strict=True):
                # Whose sender was told `unavailable` while this ran never gets to the second lane.
                if isinstance(outcome, Busy) and not way.answered:
                    way.aside = True
                    self._aside[way.draft.conversation_id] += 1
        return merged

    def _run_slow(self, drafts: Sequence[Draft]) -> list[Sent | ChatError]:
        """Each conversation by itself: the lock that is waited for in vain fails only its own messages."""
        outcomes: dict[int, Sent | ChatError] = {}
        for conversation_id in dict.fromkeys(draft.conversation_id for draft in drafts):
            places = [place for place, draft in enumerate(drafts) if draft.conversation_id == conversation_id]
            outcomes.update(zip(places, self._send_waiting([drafts[place] for place in places]), strict=True))
        return [outcomes[place] for place in range(len(drafts))]

    def _step_back(self, way: _Way) -> None:
        with self._lock:
            way.answered = True
            if way.aside:
                way.aside = False
                self._aside[way.draft.conversation_id] -= 1
                if not self._aside[way.draft.conversation_id]:
                    del self._aside[way.draft.conversation_id]

    def _send_waiting(self, drafts: list[Draft]) -> Sequence[Sent | ChatError]:
        try:
            return send_messages(drafts)
        except DatabaseError:
            connection.close()
            return [Unavailable() for _ in drafts]


def _tell_of_turns(trade_ids: Sequence[UUID]) -> list[None]:
    """One thread for all of a process, so that staff never see an older turn after a newer one."""
    announcements.tell_staff_of(list(dict.fromkeys(trade_ids)))
    return [None] * len(trade_ids)


def _nothing(outcome: object) -> None:
    """What staff do not hear of now they see when they look at the trade."""
