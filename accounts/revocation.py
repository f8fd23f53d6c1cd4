"""
Tells whoever holds live connections that an identity ended.

This app knows no other; the part that holds sockets subscribes once at start with `on_revoked`. Listeners are called
after the commit, and one that fails stops neither the others nor whoever ended the session.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from uuid import UUID

from django.db import transaction


class Reason(StrEnum):
    LOGGED_OUT = "logged_out"  # this session only
    ACCOUNT = "account"  # deactivated, or the role changed: every session of the person


@dataclass(frozen=True, slots=True)
class Revoked:
    """Sessions of one person that no longer hold. `session_ids` None means all of them."""

    user_id: UUID
    reason: Reason
    session_ids: tuple[UUID, ...] | None = None


Listener = Callable[[Revoked], None]
_listeners: list[Listener] = []


def on_revoked(listener: Listener) -> None:
    if listener not in _listeners:
        _listeners.append(listener)


def announce(revoked: Revoked) -> None:
    """Call every listener once the running transaction has committed."""
    for listener in _listeners:
        transaction.on_commit(partial(listener, revoked), robust=True)
