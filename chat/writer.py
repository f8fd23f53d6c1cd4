"""
The way of a socket's messages into the database: one commit for all that came while the last one ran.

A conversation whose row somebody else holds must not stop the others, so its messages step aside to a second lane
that waits for it. Messages that follow for the same conversation step aside too until that lane has caught up:
what one socket sends stays in order.
"""

import threading
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from django.db import DatabaseError, connection

from chat.actions.messages import Busy, Sent, send_messages
from chat.actions.standings import Draft
from chat.batcher import Batcher, Done
from chat.errors import ChatError, Unavailable


class Writer:
    def __init__(self) -> None:
        self._aside: Counter[UUID] = Counter()
        self._lock = threading.Lock()
        self._fast: Batcher[Draft, Sent] = Batcher(self._run_fast, "writer")
        self._slow: Batcher[Draft, Sent] = Batcher(self._run_slow, "writer-aside")

    def put(self, draft: Draft, done: Done[Sent]) -> None:
        """`done` gets the committed message or a ChatError. Numbers in a conversation follow the order of the calls."""

        def take_fast(outcome: Sent | ChatError) -> None:
            if isinstance(outcome, Busy):
                self._slow.put(draft, take_slow)
            else:
                done(outcome)

        def take_slow(outcome: Sent | ChatError) -> None:
            self._step_back(draft.conversation_id)
            done(outcome)

        self._fast.put(draft, take_fast)

    async def stop(self) -> None:
        await self._fast.stop()
        await self._slow.stop()

    def _run_fast(self, drafts: Sequence[Draft]) -> list[Sent | ChatError]:
        with self._lock:
            behind = set(self._aside)
        free = [draft for draft in drafts if draft.conversation_id not in behind]
        outcomes = iter(send_messages(free, skip_locked=True) if free else [])
        merged = [Busy() if draft.conversation_id in behind else next(outcomes) for draft in drafts]
        with self._lock:
            for draft, outcome in zip(drafts, merged, strict=True):
                if isinstance(outcome, Busy):
                    self._aside[draft.conversation_id] += 1
        return merged

    def _run_slow(self, drafts: Sequence[Draft]) -> list[Sent | ChatError]:
        """Each conversation by itself: the lock that is waited for in vain fails only its own messages."""
        outcomes: dict[int, Sent | ChatError] = {}
        for conversation_id in dict.fromkeys(draft.conversation_id for draft in drafts):
            places = [place for place, draft in enumerate(drafts) if draft.conversation_id == conversation_id]
            outcomes.update(zip(places, self._send_waiting([drafts[place] for place in places]), strict=True))
        return [outcomes[place] for place in range(len(drafts))]

    def _step_back(self, conversation_id: UUID) -> None:
        with self._lock:
            self._aside[conversation_id] -= 1
            if self._aside[conversation_id] <= 0:
                del self._aside[conversation_id]

    def _send_waiting(self, drafts: list[Draft]) -> Sequence[Sent | ChatError]:
        try:
            return send_messages(drafts)
        except DatabaseError:
            connection.close()
            return [Unavailable() for _ in drafts]
