"""What the sender does by the clock. Both may run twice at once; what is due stands in the database."""

from celery import shared_task

from notifications.actions import housekeeping, receipts, sending


@shared_task(name="notifications.tasks.send_pushes")
def send_pushes() -> int:
    return sending.send_due()


@shared_task(name="notifications.tasks.read_receipts")
def read_receipts() -> int:
    return receipts.read_due()


@shared_task(name="notifications.tasks.forget")
def forget() -> int:
    return housekeeping.forget()
