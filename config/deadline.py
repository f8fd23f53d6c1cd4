"""
An answer in bounded time: a frozen database server keeps its connections alive, and no time limit of its own runs
while it is frozen, so a request would hang as long as it does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from chat import protocol
from chat.api.problems import problem

TIME_LIMIT = 20.0  # seconds until the answer has to begin; more than the database's own limits

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Any, Send], Awaitable[None]]


def within_deadline(application: Application) -> Application:
    async def bounded(scope: dict[str, Any], receive: Any, send: Send) -> None:
        begun = asyncio.Event()
        refused = False

        async def note(message: Mapping[str, Any]) -> None:
            if not refused:  # what comes after all has nobody to go to
                begun.set()
                await send(message)

        work = asyncio.ensure_future(application(scope, receive, note))
        waiting = asyncio.ensure_future(begun.wait())
        try:
            await asyncio.wait({work, waiting}, timeout=TIME_LIMIT, return_when=asyncio.FIRST_COMPLETED)
            if work.done() or begun.is_set():
                await work
            else:
                refused = True
                await _refuse(send)
        finally:
            waiting.cancel()
            work.cancel()

    return bounded


async def _refuse(send: Send) -> None:
    body = protocol.encode(
        problem(None, 503, "unavailable", "Not possible right now. Try again with the same client_id.")
    )
    headers = [(b"content-type", b"application/problem+json"), (b"retry-after", b"5")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
