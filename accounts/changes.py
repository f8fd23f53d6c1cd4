"""
Tells whoever gives out work, or keeps a record, that something about a person's account was changed.

This app knows no other; parts that want to hear of it subscribe once at start with `on_changed`. Listeners are called
inside the transaction of the change: what they write stands or falls with it. What can wait they do after the commit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from accounts.models import User


class Kind(StrEnum):
    PROFILE = "profile.changed"  # by the person
    ACCOUNT = "account.changed"  # by a super admin
    LOGGED_OUT = "account.logged_out"  # by a super admin, from some or all devices
    PUSHES_SENT_AGAIN = "pushes.sent_again"  # by a super admin: those that had failed for good
    PUSH_DEVICES_ENDED = "push_devices.ended"  # by a super admin


@dataclass(frozen=True, slots=True)
class Changed:
    """What somebody changed about a person: by field, what it was and what it is."""

    kind: Kind
    actor: User
    user: User
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


Listener = Callable[[Changed], None]
_listeners: list[Listener] = []


def on_changed(listener: Listener) -> None:
    if listener not in _listeners:
        _listeners.append(listener)


def announce(changed: Changed) -> None:
    for listener in _listeners:
        listener(changed)
