"""The OpenAPI page of the chat."""

from collections.abc import Callable
from typing import Any

from accounts.api import schema
from accounts.api.documented import MEANINGS
from accounts.api.schema import View, reference

__all__ = ["endpoint", "reference"]

_MEANINGS = {
    409: f"{MEANINGS[409]}, or `conversation_closed`.",
    503: "`unavailable`: repeat it with the same client_id; it may have been stored.",
}


def endpoint(summary: str, *, tag: str = "chat", **said: Any) -> Callable[[View], View]:
    """`accounts.api.schema.endpoint` in the words of the chat."""
    return schema.endpoint(summary, tag=tag, meanings=_MEANINGS, **said)
