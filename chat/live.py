"""
The live side of one server process: its hub, the batchers its sockets feed, and the clockwork that keeps hub and
database in step. Made on first use, so any ASGI server will do; `drain` ends it politely.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from channels.layers import get_channel_layer
from django.conf import settings

from accounts.identity import Identity
from accounts.revocation import Reason
from chat import database, fanout, loading, presence, protocol
from chat.actions import receipts
from chat.actions.receipts import Mark
from chat.batcher import Batcher
from chat.enums import CloseCode
from chat.errors import ChatError
from chat.hub import Hub
from chat.loading import Arrival
from chat.ratelimit import charge_senders
from chat.serializers import MarksShape
from chat.writer import Writer

logger = logging.getLogger("parley.live")

SWEEP_EVERY = timedelta(seconds=4)
RETRY_LAYER = timedelta(seconds=1)
ARRIVALS_GATHER = 0.005  # seconds
PRESENCE_GATHER = 0.2  # seconds; a wave of connects costs the same dozen queries as one connect
CLOSE_SPREAD = 0.3  # of the drain time: over this long the sockets are closed, so that not all come back at once


class Live:
    def __init__(self) -> None:
        self.hub = Hub(loading.DatabaseLoader())
        self.writer = Writer()
        self.arrivals: Batcher[Identity, Arrival] = Batcher(loading.arrivals, "arrivals", gather=ARRIVALS_GATHER)
        self.marks: Batcher[Mark, MarksShape] = Batcher(receipts.mark_all, "marks")
        self.presence: Batcher[presence.Change, None] = Batcher(presence.note, "presence", gather=PRESENCE_GATHER)
        self.draining = False
        self._publisher = fanout.serve(self.hub.deliver)
        self._tasks = [
            asyncio.create_task(work)
            for work in (
                self._listen(),
                self._regularly(self.repair, settings.REPAIR_EVERY),
                self._regularly(self._renew, settings.PRESENCE_RENEW),
                self._regularly(self._sweep, SWEEP_EVERY),
            )
        ]

    async def _listen(self) -> None:
        """Pass on what other processes say. Whatever breaks is tried again; the repair bridges the time between."""
        while True:
            layer, channel = get_channel_layer(), None
            try:
                channel = await layer.new_channel()
                await layer.group_add(fanout.GROUP, channel)
                while True:
                    message = await layer.receive(channel)
                    if message["origin"] != fanout.ORIGIN:
                        charge_senders(message["items"])
                        self.hub.deliver(message["items"])
            except Exception as error:  # whatever the layer's client raises while Redis is away
                logger.warning("live layer lost", extra={"reason": type(error).__name__})
                if channel is not None:  # else its queue would go on filling beside the next one's
                    with suppress(Exception):
                        await layer.group_discard(fanout.GROUP, channel)
                await asyncio.sleep(RETRY_LAYER.total_seconds())

    async def _regularly(self, work: Callable[[], Awaitable[None]], every: timedelta) -> None:
        """With jitter, so that processes started together do not ask the database together for ever."""
        while True:
            await asyncio.sleep(every.total_seconds() * random.uniform(0.85, 1))
            try:
                await work()
            except ChatError as error:
                logger.warning("live upkeep failed", extra={"reason": error.code})
            except Exception:  # the clockwork must not stop for ever because one turn failed
                logger.exception("live upkeep failed")

    async def repair(self) -> None:
        """Compare with the database: fetch events that were not brought, close and remove whom nobody told of."""
        hub = self.hub
        since = hub.begin_loading()
        try:
            sessions = {socket.session for socket in hub.all_sockets()}
            truth = await database.run(loading.truth, set(hub.rooms), set(hub.sockets), sessions)
            self._repair_people(truth, hub.changed_while_loading(since))
            for conversation, head in truth.heads.items():
                room = hub.rooms.get(conversation)
                if room is not None and room.last is not None and room.last < head:
                    hub.fetch(conversation)
        finally:
            hub.end_loading()

    def _repair_people(self, truth: loading.Truth, newer: set[str]) -> None:
        hub = self.hub
        for socket in hub.all_sockets():
            if socket.session not in truth.asked_sessions:
                continue  # came while this was read
            if truth.roles.get(socket.user) not in (None, socket.identity.role):
                hub.revoke(socket.user, [socket.session], Reason.ACCOUNT)
            elif socket.session not in truth.live_sessions:
                gone = Reason.LOGGED_OUT if socket.user in truth.roles else Reason.ACCOUNT
                hub.revoke(socket.user, [socket.session], gone)
        for user in (truth.asked_users & set(hub.sockets)) - newer:
            mine, actual = set(hub.conversations[user]), truth.conversations.get(user, set())
            for conversation in actual - mine:
                hub.join(user, conversation)
            for conversation in mine - actual:
                hub.leave(user, conversation)

    async def _renew(self) -> None:
        holders = {socket.connection_id: socket.identity.user_id for socket in self.hub.all_sockets()}
        await database.run(presence.renew, holders)

    async def _sweep(self) -> None:
        await database.run(presence.sweep)

    async def drain(self, seconds: float) -> None:
        """Say that a restart is due, answer what was sent, then close every socket with 1012, spread over the time."""
        self.draining = True
        sockets = self.hub.all_sockets()
        random.shuffle(sockets)
        for place, socket in enumerate(sockets):
            delay = round(1000 * seconds * CLOSE_SPREAD * place / len(sockets)) + random.randint(250, 1000)
            socket.put(protocol.to_text({"type": "server.draining", "reconnect_in_ms": delay}))
        if sockets:
            await asyncio.sleep(seconds * (1 - CLOSE_SPREAD))
        for socket in sockets:
            socket.close(CloseCode.RESTART)
            await asyncio.sleep(seconds * CLOSE_SPREAD / len(sockets))
        await self.stop()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(self.writer.stop(), self.arrivals.stop(), self.marks.stop(), self.presence.stop())
        await self._publisher.drained()
        fanout.stop_serving()


_live: Live | None = None


def live() -> Live:
    """This process's live side, on the running loop."""
    global _live
    if _live is None:
        _live = Live()
    return _live


def running() -> Live | None:
    return _live
