"""A trade that needs a super admin."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.ids import new_id
from chat.enums import UNRESOLVED_STATUSES, EscalationStatus, TradeStatus
from chat.models.trade import Trade
from chat.querysets import EscalationQuerySet


class Escalation(models.Model):
    """
    Raised by the customer, an admin or the clock (`raised_by` None), taken by one super admin, resolved by a decision,
    or without one when the trade ended otherwise. A trade has at most one that is not resolved.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    trade = models.ForeignKey(Trade, on_delete=models.PROTECT, related_name="escalations")
    raised_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    reason = models.TextField(blank=True)
    status = models.CharField(
        max_length=8,
        choices=[(status.value, status.value) for status in EscalationStatus],
        default=EscalationStatus.OPEN.value,
    )
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="taken_escalations"
    )
    taken_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)  # super admins were told once more: a dispute that nobody took
    decision = models.CharField(  # noqa: DJ001  # NULL, not "", where there is none: so the wire says it too
        max_length=12, null=True, choices=[(status.value, status.value) for status in TradeStatus]
    )
    decision_reason = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    resolved_at = models.DateTimeField(null=True)

    objects = EscalationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["-created_at", "-id"], name="escalations_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=["trade"], condition=Q(status__in=UNRESOLVED_STATUSES), name="one_unresolved_escalation"
            ),
            models.CheckConstraint(
                condition=~Q(status=EscalationStatus.TAKEN.value) | Q(taken_by__isnull=False),
                name="taken_escalation_has_a_taker",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.trade} {self.status}"
