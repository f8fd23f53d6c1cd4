"""What runs by the clock. Each task calls one action; all may run twice at once."""

from celery import shared_task

from chat.actions import assignment, clocks, escalations, housekeeping, reassignment, trades


@shared_task(name="chat.tasks.expire_trades")
def expire_trades() -> int:
    return trades.expire_due()


@shared_task(name="chat.tasks.drain_queue")
def drain_queue() -> int:
    return assignment.drain_queue()


@shared_task(name="chat.tasks.watch_clocks")
def watch_clocks() -> int:
    return clocks.watch() + clocks.watch_deadlines() + escalations.raise_overdue()


@shared_task(name="chat.tasks.reassign")
def reassign() -> int:
    return reassignment.reassign_due()


@shared_task(name="chat.tasks.forget_expired")
def forget_expired() -> int:
    return housekeeping.forget_expired()
