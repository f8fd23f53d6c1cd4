"""Database work asked for by the event loop: on threads with pooled connections, within a time limit."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

from chat.errors import Unavailable

P = ParamSpec("P")
R = TypeVar("R")

TIME_LIMIT = 10.0  # seconds; a stuck thread ends by the database's own timeouts a little later
_threads = ThreadPoolExecutor(max_workers=6, thread_name_prefix="database")


async def run(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The function's result. Raises Unavailable when the database does not answer."""
    call = database_sync_to_async(work, thread_sensitive=False, executor=_threads)
    try:
        async with asyncio.timeout(TIME_LIMIT):
            result: R = await call(*args, **kwargs)
            return result
    except (OperationalError, InterfaceError, TimeoutError) as error:
        raise Unavailable from error
