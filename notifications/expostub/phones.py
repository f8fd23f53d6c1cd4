"""What the phones look like that the stub's pushes arrive on: a few lines for each, made as the pushes come in."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from notifications.expostub import rules

KEPT = 100  # phones; the one known for longest goes first
LINES = 4  # pushes shown on each
SHOWN = 8  # characters of a token that may be somebody's


@dataclass
class Phone:
    name: str
    count: int = 0
    badge: int = 0
    lines: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=LINES))

    def receive(self, push: dict[str, Any]) -> None:
        payload = push["payload"]
        self.count += 1
        badge = payload.get("badge")
        self.badge = badge if isinstance(badge, int) else self.badge
        words = {name: str(payload.get(name) or "") for name in ("title", "body")}
        line = {"id": push["ticket"], "at": push["received_at"], "badge": self.badge, **words}
        self.lines.appendleft({**line, "silent": not any(words.values())})

    def described(self) -> dict[str, Any]:
        return {"name": self.name, "count": self.count, "badge": self.badge, "lines": list(self.lines)}


class Phones:
    """By token, in the order in which they were first heard of: a card stays where somebody looks at it."""

    def __init__(self) -> None:
        self._phones: dict[str, Phone] = {}

    def receive(self, push: dict[str, Any]) -> None:
        token = push["payload"]["to"]
        self._phones.setdefault(token, Phone(masked(token))).receive(push)
        if len(self._phones) > KEPT:
            del self._phones[next(iter(self._phones))]

    def clear(self) -> None:
        self._phones.clear()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (phone.described() for phone in self._phones.values())


def masked(token: str) -> str:
    """Enough to tell one phone from another. The demo's tokens are nobody's secret."""
    name = rules.inside(token) or ""
    if name.startswith("demo-") or len(name) <= SHOWN:
        return name
    return f"{name[: SHOWN // 2]}…{name[-SHOWN // 2 :]}"
