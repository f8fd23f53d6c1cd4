"""What the stub has received, and what it is to do wrong next."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from uuid import uuid4

from notifications.expostub import rules
from notifications.expostub.phones import Phones

KEPT = 20_000  # pushes; older ones are forgotten, their number is not


@dataclass
class Fault:
    """What goes wrong with the next `times` requests that send. `accept`: Expo has the pushes all the same."""

    kind: str  # hang, cut, badjson, 429, or another status
    times: int = 1
    seconds: float = 30.0
    accept: bool = False
    retry_after: str = "1"

    @classmethod
    def read(cls, order: object) -> Self | None:
        """The one in an order, if there is one. Raises TypeError or ValueError for what cannot be done."""
        if not isinstance(order, dict):
            raise TypeError(order)
        if "fault" not in order:
            return None
        said = {name: value for name, value in order.items() if name not in ("fault", "clear", "clear_faults")}
        fault = cls(str(order["fault"]), **said)
        if fault.kind not in ("hang", "cut", "badjson") and not 400 <= int(fault.kind) <= 599:
            raise ValueError(fault.kind)
        fault.times, fault.seconds, fault.retry_after = int(fault.times), float(fault.seconds), str(fault.retry_after)
        return fault


@dataclass
class Store:
    """Everything behind one lock."""

    pushes: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT))
    phones: Phones = field(default_factory=Phones)
    accepted: int = 0
    refused: int = 0
    requests: int = 0
    faults: list[Fault] = field(default_factory=list)
    rate: rules.RateLimit = field(default_factory=rules.RateLimit)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _tokens: dict[str, str] = field(default_factory=dict)

    def next_fault(self) -> Fault | None:
        with self.lock:
            self.requests += 1
            if not self.faults:
                return None
            fault = self.faults[0]
            fault.times -= 1
            if fault.times <= 0:
                self.faults.pop(0)
            return fault

    def accept(self, payloads: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One ticket for each push."""
        with self.lock:
            return [self._ticket(payload) for payload in payloads]

    def _ticket(self, payload: dict[str, Any]) -> dict[str, Any]:
        error = rules.ticket_error(payload)
        if error is not None:
            self.refused += 1
            return rules.problem(error)
        ticket = str(uuid4())
        self.accepted += 1
        self._tokens[ticket] = payload["to"]
        if len(self._tokens) > KEPT:
            del self._tokens[next(iter(self._tokens))]
        push = {"payload": payload, "ticket": ticket, "received_at": datetime.now(UTC).isoformat()}
        self.pushes.append(push)
        self.phones.receive(push)
        return {"status": "ok", "id": ticket}

    def receipts(self, tickets: list[str]) -> dict[str, Any]:
        with self.lock:
            known = {ticket: rules.receipt(self._tokens[ticket]) for ticket in tickets if ticket in self._tokens}
        return {ticket: receipt for ticket, receipt in known.items() if receipt is not None}

    def clear(self) -> None:
        """All pushes and phones; the counts go on."""
        with self.lock:
            self.pushes.clear()
            self.phones.clear()

    def add(self, fault: Fault) -> None:
        self._change(lambda: self.faults.append(fault))

    def clear_faults(self) -> None:
        self._change(self.faults.clear)

    def _change(self, change: Callable[[], object]) -> None:
        with self.lock:
            change()

    def listed(self) -> dict[str, Any]:
        with self.lock:
            return {"pushes": list(self.pushes), **self._counted()}

    def shown(self) -> dict[str, Any]:
        """What the page shows: a few lines per phone, whatever has come in."""
        with self.lock:
            return {"phones": list(self.phones), **self._counted()}

    def _counted(self) -> dict[str, Any]:
        faults = [{"kind": fault.kind, "times": fault.times} for fault in self.faults]
        return {"accepted": self.accepted, "refused": self.refused, "faults": faults}
