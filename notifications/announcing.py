"""Tells whoever holds live connections of new notifications, after the commit; subscribed once at start."""

from collections.abc import Callable, Sequence

from notifications.models import Notification

Listener = Callable[[Sequence[Notification]], None]
_listeners: list[Listener] = []


def on_created(listener: Listener) -> None:
    if listener not in _listeners:
        _listeners.append(listener)


def announce(created: Sequence[Notification]) -> None:
    for listener in _listeners:
        listener(created)
