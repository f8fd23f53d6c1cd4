"""Which conversation to open: by trade reference, or the newest; REST only."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from chat.terminal import safe
from chat.terminal.errors import NoConversationError, RefusedError
from chat.terminal.session import Session

PAGE = 100
PAGES = 20
NAMED = 5


async def pick(session: Session, reference: str | None) -> dict[str, Any]:
    """The summary of the conversation to show."""
    return await _newest(session) if reference is None else await _of_trade(session, reference)


async def _newest(session: Session) -> dict[str, Any]:
    found = await session.get("conversations/", limit=1)
    if not found["results"]:
        raise NoConversationError("There is no conversation yet. One begins with a trade; open one and come back.")
    newest: dict[str, Any] = found["results"][0]
    return newest


async def _of_trade(session: Session, reference: str) -> dict[str, Any]:
    others = []
    async for trade in _trades(session):
        if trade["reference"] == reference:
            return await _conversation(session, trade)
        others.append(safe.one_line(trade["reference"]))
    known = f" Yours: {', '.join(others[:NAMED])}{', …' if len(others) > NAMED else ''}." if others else ""
    raise NoConversationError(f"No trade {safe.one_line(reference)} among yours.{known}")


async def _conversation(session: Session, trade: dict[str, Any]) -> dict[str, Any]:
    try:
        return await session.get(f"conversations/{trade['conversation_id']}/")
    except RefusedError as error:
        if error.status not in (403, 404):
            raise
        raise NoConversationError(
            f"Trade {safe.one_line(trade['reference'])} is not yours to read; take it first."
        ) from error


async def _trades(session: Session) -> AsyncIterator[dict[str, Any]]:
    params: dict[str, str | int] = {"limit": PAGE}
    for _ in range(PAGES):
        page = await session.get("trades/", **params)
        for trade in page["results"]:
            yield trade
        if not page.get("next"):
            return
        # Only the query is taken: the token goes to no host but the one logged in to.
        params = dict(parse_qsl(urlsplit(page["next"]).query))
