"""
The sender: gathers what is due, claims a batch, asks what it says, hands it to Expo, stores what came of it. Any number
may run at once; killed at any point it loses nothing, and sends nothing twice of which it stored the ticket.
"""

import logging
import time
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from notifications import expo
from notifications.actions import claiming, settling
from notifications.actions.claiming import Claimed
from notifications.actions.composing import Composed, compose
from notifications.expo import RequestFailed, Trouble
from notifications.models import Push

logger = logging.getLogger("parley.pushes")

LONGEST_RUN = 20.0  # seconds; whatever is left is the next run's
MAX_COMPOSING = 5  # times that composing a push may fail


def send_due(now: datetime | None = None) -> int:
    """How many pushes were handed to Expo. Goes on until nothing is due, or for LONGEST_RUN."""
    handed, began = 0, time.monotonic()
    while time.monotonic() - began < LONGEST_RUN:
        at = now or timezone.now()
        if not claiming.is_anything_due(at):
            break
        claimed = claiming.claim(at)
        if not claimed.pushes:
            break
        handed += _hand_over(claimed, now)
    return handed


def _hand_over(claimed: Claimed, now: datetime | None) -> int:
    composed = _compose(claimed.pushes, now or timezone.now())
    settling.drop([one.push for one in composed if one.payload is None], now or timezone.now())
    ready = [one for one in composed if one.payload is not None]
    if not ready:
        return 0
    time.sleep(max(0.0, claimed.slot - time.monotonic()))  # the last moment: composing takes now more, now less
    return _send(ready, claimed, now)


def _compose(pushes: Sequence[Push], now: datetime) -> list[Composed]:
    """One that cannot be composed must not stop its neighbours; it is tried again, and in the end given up."""
    try:
        return compose(pushes, now)
    except Exception as error:
        logger.exception("pushes could not be composed", extra={"pushes": len(pushes)})
        if len(pushes) > 1:
            return [composed for push in pushes for composed in _compose([push], now)]
        [push] = pushes
        if push.attempts < MAX_COMPOSING:
            settling.give_back([push], now + settling.retry_after(push), unanswered=False)
        else:
            settling.fail([push], f"could not be composed: {type(error).__name__}", now)
        return []


def _send(ready: Sequence[Composed], claimed: Claimed, now: datetime | None) -> int:
    at = now or timezone.now()
    if at + settings.PUSH_TIMEOUT > claimed.until:  # halves of a refused request that took long: others may come soon
        settling.give_back([one.push for one in ready], at, unanswered=False)
        return 0
    try:
        outcomes = expo.send([one.payload for one in ready if one.payload is not None])
    except RequestFailed as failed:
        return _send_failed(failed, ready, claimed, now)
    settling.settle(list(zip(ready, outcomes, strict=True)), claimed.until, now or timezone.now())
    claiming.note_success()
    return len(ready)


def _send_failed(failed: RequestFailed, ready: Sequence[Composed], claimed: Claimed, now: datetime | None) -> int:
    at = now or timezone.now()
    pushes = [one.push for one in ready]
    if failed.trouble is not Trouble.REJECTED:
        due_at = claiming.note_failure(failed, at)
        settling.give_back(pushes, due_at, unanswered=failed.trouble is Trouble.UNANSWERED)
        logger.warning("Expo failed", extra={"trouble": failed.trouble.value, "pushes": len(pushes)})
        return 0
    if len(ready) == 1:
        settling.fail(pushes, failed.reason, at)
        logger.warning("Expo refuses a push", extra={"push": str(pushes[0].pk)})
        return 0
    half = len(ready) // 2  # something in it is wrong: its neighbours are not to suffer
    return _send(ready[:half], claimed, now) + _send(ready[half:], claimed, now)
