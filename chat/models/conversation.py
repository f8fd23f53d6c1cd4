"""A conversation and who takes part in it."""

from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.ids import new_id
from chat.enums import ConversationKind, ParticipantRole
from chat.querysets import ConversationQuerySet, ParticipantQuerySet


class Conversation(models.Model):
    """
    One ordered log of events. `head` is the number of its last event; only chat.eventlog (and for plain messages its
    quick way) moves it. What every message changes stands in no index and is checked by no constraint: a row can then
    be changed in its place.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in ConversationKind])
    title = models.CharField(max_length=120, blank=True)
    # NULL, not "", where there is none: the constraint holds only among those that have one.
    direct_key = models.CharField(max_length=73, null=True, editable=False)  # noqa: DJ001
    head = models.PositiveBigIntegerField(default=0)
    last_message = models.ForeignKey(
        "chat.Message", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False, db_constraint=False
    )
    last_activity_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ConversationQuerySet.as_manager()

    # What access.summaries() adds, as its person sees it.
    unread: int
    trade_id: UUID | None
    present: list["Participant"]

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["direct_key"], name="one_conversation_per_pair"),
            models.CheckConstraint(
                condition=Q(kind=ConversationKind.DIRECT.value, direct_key__isnull=False)
                | (~Q(kind=ConversationKind.DIRECT.value) & Q(direct_key=None)),
                name="direct_key_on_direct_only",
            ),
        ]

    def __str__(self) -> str:
        return self.title or f"{self.kind} {self.id}"

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None


class Participant(models.Model):
    """Somebody in a conversation, and how far they got. The two marks only grow; read raises delivered."""

    id = models.BigAutoField(primary_key=True)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="participants")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="participations")
    role = models.CharField(
        max_length=16,
        choices=[(role.value, role.value) for role in ParticipantRole],
        default=ParticipantRole.MEMBER.value,
    )
    delivered_seq = models.PositiveBigIntegerField(default=0)
    read_seq = models.PositiveBigIntegerField(default=0)
    muted_until = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)
    joined_at = models.DateTimeField(default=timezone.now)
    left_at = models.DateTimeField(null=True)

    objects = ParticipantQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user"], condition=Q(left_at=None), name="participations_now")]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "user"], name="one_participant_per_person"),
            models.CheckConstraint(condition=Q(delivered_seq__gte=F("read_seq")), name="delivered_at_least_read"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.conversation_id}"
