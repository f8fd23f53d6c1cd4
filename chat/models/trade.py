"""A trade under support, and who did what about it."""

from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.ids import new_id
from chat.enums import OPEN_STATUSES, UNDECIDED_STATUSES, TradeSide, TradeStatus, WaitingOn
from chat.models.conversation import Conversation
from chat.models.fields import AmountField
from chat.querysets import PACE_WINDOW, TradeQuerySet

PACE_MINIMUM = 3  # trades ended, fewer say nothing


class Trade(models.Model):
    """
    A trade of the app, known by the app's own `reference`. It has two conversations: the one with the customer, and
    notes that only staff see. Without an assignee it waits in the queue since `queued_at`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    reference = models.CharField(max_length=64)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="trades", db_index=False
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="assigned_trades", db_index=False
    )
    conversation = models.OneToOneField(Conversation, on_delete=models.PROTECT, related_name="trade")
    notes_conversation = models.OneToOneField(Conversation, on_delete=models.PROTECT, related_name="noted_trade")
    side = models.CharField(max_length=4, choices=[(side.value, side.value) for side in TradeSide])
    asset = models.CharField(max_length=32)
    asset_amount = AmountField()
    fiat_currency = models.CharField(max_length=32)
    fiat_amount = AmountField()
    payment_method = models.CharField(max_length=32)
    status = models.CharField(
        max_length=12,
        choices=[(status.value, status.value) for status in TradeStatus],
        default=TradeStatus.PENDING.value,
    )
    deadline_at = models.DateTimeField(null=True)
    deadline_warned_at = models.DateTimeField(null=True)  # when its customer was told that it is near
    waiting_on = models.CharField(
        max_length=8, choices=[(who.value, who.value) for who in WaitingOn], default=WaitingOn.CUSTOMER.value
    )
    waiting_since = models.DateTimeField(null=True)
    queued_at = models.DateTimeField(null=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    assigned_at = models.DateTimeField(null=True)  # to who has it now, or had it last
    reassignments = models.PositiveSmallIntegerField(default=0)  # from one admin to another, or back to the queue
    first_response_at = models.DateTimeField(null=True)  # of support to the customer
    # The clocks: warned and missed are told once, the response ones again for each new wait of the customer.
    response_warned_at = models.DateTimeField(null=True)
    response_missed_at = models.DateTimeField(null=True)
    resolution_warned_at = models.DateTimeField(null=True)
    resolution_missed_at = models.DateTimeField(null=True)
    disputed_at = models.DateTimeField(null=True)  # of the latest dispute
    resolved_at = models.DateTimeField(null=True)  # by a super admin: that decision is final
    decision_reason = models.TextField(blank=True)  # of the latest approval, rejection, cancellation or decision
    rating = models.PositiveSmallIntegerField(null=True, validators=[MinValueValidator(1), MaxValueValidator(5)])
    rating_comment = models.TextField(blank=True)
    rated_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)

    objects = TradeQuerySet.as_manager()

    ahead_in_queue: int  # added by complete()
    is_gone: bool  # added by actions.reassignment
    ended_lately: int | None  # likewise, of one in the queue: trades that admins ended within PACE_WINDOW

    class Meta:
        indexes = [
            models.Index(fields=["assignee"], condition=Q(status__in=OPEN_STATUSES), name="open_trades_of_admin"),
            models.Index(fields=["deadline_at"], condition=Q(status__in=UNDECIDED_STATUSES), name="open_trades_due"),
            models.Index(fields=["waiting_since"], condition=Q(status__in=OPEN_STATUSES), name="open_trades_waiting"),
            models.Index(fields=["customer", "-opened_at"], name="trades_of_customer"),
            models.Index(fields=["-opened_at", "-id"], name="trades_newest"),
            models.Index(fields=["closed_at"], condition=Q(closed_at__isnull=False), name="trades_closed"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["reference"], name="one_trade_per_reference"),
            models.CheckConstraint(
                condition=Q(asset_amount__gt=Decimal(0), fiat_amount__gt=Decimal(0)), name="trade_amounts_positive"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=OPEN_STATUSES)
                | Q(assignee__isnull=False, queued_at=None)
                | Q(assignee=None, queued_at__isnull=False),
                name="open_trade_is_assigned_or_queued",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def expected_wait(self) -> timedelta | None:
        """
        For a trade fetched with complete(): until it is its turn, at the pace at which trades ended lately, since each
        that ends makes room for one. None out of the queue, and where too few ended to speak of a pace.
        """
        if self.queued_at is None or not self.ended_lately or self.ended_lately < PACE_MINIMUM:
            return None
        return (self.ahead_in_queue + 1) * PACE_WINDOW / self.ended_lately


class AuditEntry(models.Model):
    """Who did what to whom, when and why. Append-only."""

    id = models.BigAutoField(primary_key=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=48)
    trade = models.ForeignKey(Trade, null=True, on_delete=models.PROTECT, related_name="audit")
    subject = models.ForeignKey(  # whose account or seat it was about
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    detail = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["action", "-at"], name="audit_by_action"),
            models.Index(fields=["-at"], name="audit_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.action}"
