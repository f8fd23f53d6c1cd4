"""
What Expo answers: its limits, and errors by what a token holds between its brackets. After
https://docs.expo.dev/push-notifications/sending-notifications/ (limits, tickets, receipts, errors).
"""

import json
import re
from collections import deque
from typing import Any

MAX_BATCH = 100
MAX_PAYLOAD = 4096  # bytes of one notification as JSON
MAX_RECEIPTS = 1000
PER_SECOND = 600
TOKEN = re.compile(r"Expo(?:nent)?PushToken\[([\x21-\x5a\x5e-\x7e]+)\]")

# By pattern in the token; the longer ones first, as "dead" is part of "late-dead".
LATE_ERRORS = {
    "late-dead": "DeviceNotRegistered",
    "late-rate": "MessageRateExceeded",
    "late-creds": "InvalidCredentials",
}
ERRORS = {
    "dead": "DeviceNotRegistered",
    "big": "MessageTooBig",
    "rate": "MessageRateExceeded",
    "creds": "InvalidCredentials",
}
NO_RECEIPT = "noreceipt"


def inside(token: object) -> str | None:
    """What stands between the brackets; None when it is no token."""
    match = TOKEN.fullmatch(token) if isinstance(token, str) else None
    return match[1] if match else None


def ticket_error(payload: dict[str, Any]) -> str | None:
    """Why one push of a request is refused, in Expo's word, or None."""
    token = inside(payload.get("to"))
    if token is None:
        return "DeviceNotRegistered"
    if len(json.dumps(payload, ensure_ascii=False).encode()) > MAX_PAYLOAD:
        return "MessageTooBig"
    if _late(token) or NO_RECEIPT in token:
        return None
    return next((error for pattern, error in ERRORS.items() if pattern in token), None)


def receipt(token: str) -> dict[str, Any] | None:
    """What the receipt of an accepted push says; None where there is none."""
    name = inside(token) or ""
    if NO_RECEIPT in name:
        return None
    late = _late(name)
    return {"status": "ok"} if late is None else problem(late)


def problem(error: str) -> dict[str, Any]:
    return {"status": "error", "message": f"The stub says {error}.", "details": {"error": error}}


def _late(token: str) -> str | None:
    return next((error for pattern, error in LATE_ERRORS.items() if pattern in token), None)


class RateLimit:
    """At most PER_SECOND pushes in any second, a request counted as a whole."""

    def __init__(self) -> None:
        self._taken: deque[tuple[float, int]] = deque()

    def take(self, count: int, now: float) -> bool:
        while self._taken and self._taken[0][0] <= now - 1:
            self._taken.popleft()
        if sum(taken for _, taken in self._taken) + count > PER_SECOND:
            return False
        self._taken.append((now, count))
        return True
