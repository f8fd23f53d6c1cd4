"""
The outbox: what is to be pushed, what became of it, and how Expo is doing. A row is written in the transaction of what
caused it; the sender gathers the rows of one device and one thread into a push, and hands pushes to Expo.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.ids import new_id
from notifications.enums import Kind, PushState, RowState
from notifications.models.device import Device


class Push(models.Model):
    """One push notification. Its id travels in the push's `data`, so a phone can tell a repeat."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="pushes", db_index=False)
    thread = models.UUIDField()
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in Kind])
    state = models.CharField(
        max_length=10, choices=[(state.value, state.value) for state in PushState], default=PushState.READY.value
    )
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)  # READY: when to send; SENT: when to ask for the receipt
    claimed_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    unanswered = models.PositiveSmallIntegerField(default=0)  # attempts whose answer was lost: each may be a repeat
    count = models.PositiveIntegerField(default=0)  # how many messages it spoke of
    sent_at = models.DateTimeField(null=True)
    ticket = models.CharField(max_length=64, blank=True)
    error = models.CharField(max_length=200, blank=True)
    settled_at = models.DateTimeField(null=True)  # when its receipt came or it ended otherwise

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state=PushState.READY.value), name="pushes_ready"),
            models.Index(fields=["claimed_until"], condition=Q(state=PushState.SENDING.value), name="pushes_claimed"),
            models.Index(fields=["due_at"], condition=Q(state=PushState.SENT.value), name="pushes_without_receipt"),
            models.Index(fields=["device", "thread", "-created_at"], name="pushes_of_thread"),
            models.Index(fields=["-created_at"], condition=Q(state=PushState.FAILED.value), name="dead_letters"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class OutboxRow(models.Model):
    """
    One cause (a message's id, or whatever else happened) to be told on one device; never twice. `thread` is what is
    collapsed into one push: the conversation. One that `waits` was written while its person had the app open, and is
    dropped when they have received the cause by `due_at`.
    """

    id = models.BigAutoField(primary_key=True)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in Kind])
    cause = models.UUIDField()
    thread = models.UUIDField()
    waits = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()
    state = models.CharField(
        max_length=8, choices=[(state.value, state.value) for state in RowState], default=RowState.PENDING.value
    )
    reason = models.CharField(max_length=32, blank=True)  # of a dropped one
    push = models.ForeignKey(Push, null=True, on_delete=models.SET_NULL, related_name="rows")

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state=RowState.PENDING.value), name="rows_due"),
            models.Index(fields=["device", "thread"], condition=Q(state=RowState.PENDING.value), name="rows_of_thread"),
            models.Index(fields=["device"], name="rows_of_device"),  # else to delete a device is to read all rows
        ]
        constraints = [models.UniqueConstraint(fields=["cause", "device"], name="one_row_per_cause_and_device")]

    def __str__(self) -> str:
        return f"{self.kind} {self.cause} on {self.device_id}"


class Service(models.Model):
    """How the push service is doing, in one row (id 1) that whoever claims pushes holds: its rate and its faults."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    next_slot_at = models.DateTimeField(default=timezone.now)  # from when on the next push keeps to the rate
    failures = models.PositiveSmallIntegerField(default=0)  # requests that failed as a whole, one after the other
    paused_until = models.DateTimeField(null=True)  # the circuit breaker
    last_error = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return "Expo"
