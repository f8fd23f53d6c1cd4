"""
Start and end of a server process. On SIGTERM or SIGINT the sockets are drained first and only then does the server's
own handler run: uvicorn would cut them before the application hears of it.
"""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

from django.conf import settings

from chat.live import live, running

logger = logging.getLogger("parley.server")

SWITCH_INTERVAL = 0.0005  # seconds; with Python's 5 ms the event loop and the writers wait for each other too long


async def lifespan(
    scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Callable[[Any], Awaitable[None]]
) -> None:
    await receive()  # lifespan.startup
    _calm_collector()
    sys.setswitchinterval(SWITCH_INTERVAL)
    live()
    for number in (signal.SIGTERM, signal.SIGINT):
        _drain_before(number)
    logger.info(
        "serving", extra={"database": settings.DATABASE_KIND, "layer": "redis" if settings.REDIS_URL else "in-memory"}
    )
    await send({"type": "lifespan.startup.complete"})
    await receive()  # lifespan.shutdown
    await send({"type": "lifespan.shutdown.complete"})


def _calm_collector() -> None:
    """
    What was loaded at the start stays for good, so the garbage collector need not look at it again, nor run as often:
    frames and messages hold no cycles. Halves the 99th percentile under load.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _drain_before(number: signal.Signals) -> None:
    """Put draining in front of the handler that is there. A second signal does not wait for it."""
    loop = asyncio.get_running_loop()
    then = signal.getsignal(number)
    begun = False

    async def drain(frame: FrameType | None) -> None:
        current = running()
        try:
            if current is not None and not current.draining:
                logger.info("draining", extra={"sockets": current.hub.size})
                await current.drain(settings.DRAIN_SECONDS)
        finally:
            if callable(then):
                then(number, frame)

    def handle(_: int, frame: FrameType | None) -> None:
        nonlocal begun
        if begun and callable(then):
            then(number, frame)
        begun = True
        loop.call_soon_threadsafe(lambda: loop.create_task(drain(frame)))

    signal.signal(number, handle)
