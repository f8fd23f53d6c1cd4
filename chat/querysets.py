"""Questions about conversations, messages and trades. A method names the answer, returns Self, evaluates nothing."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import models
from django.db.models import Case, Count, Exists, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from chat.enums import (
    CLOSED_STATUSES,
    OPEN_STATUSES,
    UNDECIDED_STATUSES,
    UNRESOLVED_STATUSES,
    ConversationKind,
    ParticipantRole,
    WaitingOn,
)

PACE_WINDOW = timedelta(hours=1)  # over which one looks back to say how long a place in the queue takes

if TYPE_CHECKING:
    from chat.models import (  # noqa: F401  # for the annotations only
        CannedReply,
        Conversation,
        Escalation,
        Event,
        Mention,
        Message,
        Participant,
        Trade,
    )


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def of(self, user: User) -> Self:
        """Those the person takes part in now."""
        from chat.models import Participant

        mine = Participant.objects.filter(conversation=OuterRef("pk"), user=user, left_at=None)
        return self.filter(Exists(mine))

    def with_unread(self, user: User) -> Self:
        """Adds `unread`: other people's messages after the person's read mark, without deleted and system ones."""
        from chat.models import Message

        unread = (
            Message.objects.unread_by(user.pk, OuterRef("pk"))
            .order_by()
            .values("conversation")
            .annotate(n=Count("pk"))
            .values("n")
        )
        return self.annotate(unread=Coalesce(Subquery(unread), Value(0)))

    def archived_by(self, user: User, archived: bool) -> Self:
        """Those the person has put away, or the others."""
        from chat.models import Participant

        put_away = Participant.objects.filter(conversation=OuterRef("pk"), user=user, archived_at__isnull=False)
        return self.filter(Exists(put_away) if archived else ~Exists(put_away))

    def with_something_unread(self) -> Self:
        """After with_unread()."""
        return self.filter(unread__gt=0)

    def newest_activity_first(self) -> Self:
        return self.order_by("-last_activity_at", "-id")


class ParticipantQuerySet(models.QuerySet["Participant"]):
    def current(self) -> Self:
        """Those who have not left."""
        return self.filter(left_at=None)

    def complete(self) -> Self:
        """With all that its JSON shape shows."""
        return self.select_related("user__presence")

    def seen(self) -> Self:
        """Without super admins who read a trade chat from outside: its customer does not hear of them."""
        return self.exclude(role=ParticipantRole.OBSERVER, conversation__kind=ConversationKind.TRADE)

    def seen_by(self, viewer: User) -> Self:
        """Those the viewer hears of."""
        return self if viewer.is_staff else self.seen()


class MessageQuerySet(models.QuerySet["Message"]):
    def unread_by(self, user_id: UUID, conversation: UUID | OuterRef) -> Self:
        """What counts as unread for somebody in one conversation (an id, or an OuterRef to one)."""
        from chat.models import Participant

        mark = Participant.objects.filter(conversation=OuterRef("conversation"), user_id=user_id).values("read_seq")[:1]
        return self.filter(
            ~Q(sender_id=user_id),
            conversation=conversation,
            sender__isnull=False,
            deleted_at=None,
            seq__gt=Coalesce(Subquery(mark), Value(0)),
        )

    def complete(self) -> Self:
        """With all that its JSON shape shows."""
        return self.select_related("sender")


class EventQuerySet(models.QuerySet["Event"]):
    def after(self, conversation_id: UUID, seq: int, *, until: int | None = None) -> Self:
        """The log behind a position, in order."""
        later = self.filter(conversation_id=conversation_id, seq__gt=seq)
        if until is not None:
            later = later.filter(seq__lte=until)
        return later.order_by("seq").select_related("message__sender")


class TradeQuerySet(models.QuerySet["Trade"]):
    def open(self) -> Self:
        return self.filter(status__in=OPEN_STATUSES)

    def closed(self) -> Self:
        return self.filter(status__in=CLOSED_STATUSES)

    def queued(self) -> Self:
        """Waiting for somebody to take them, longest first."""
        return self.open().filter(assignee=None).order_by("queued_at", "id")

    def due(self, now: datetime) -> Self:
        """Past their deadline and still undecided."""
        return self.filter(status__in=UNDECIDED_STATUSES, deadline_at__lte=now)

    def earlier_of_the_same_customer(self, trade: "Trade") -> Self:
        """What the customer of a trade opened before it, newest first."""
        before = Q(opened_at__lt=trade.opened_at) | Q(opened_at=trade.opened_at, id__lt=trade.id)
        return self.filter(before, customer=trade.customer_id).order_by("-opened_at", "-id")

    def visible_to(self, user: User) -> Self:
        """Customers see their own; admins their own and the queue; super admins all."""
        if user.is_super_admin:
            return self
        if user.is_staff:
            return self.filter(Q(assignee=user) | Q(assignee=None, status__in=OPEN_STATUSES))
        return self.filter(customer=user)

    def complete(self) -> Self:
        """With all that its JSON shape shows, the place in the queue included."""
        from chat.models import Trade

        ahead = (
            Trade.objects.filter(assignee=None, status__in=OPEN_STATUSES)
            .filter(Q(queued_at__lt=OuterRef("queued_at")) | Q(queued_at=OuterRef("queued_at"), id__lt=OuterRef("id")))
            .order_by()
            .values("assignee")
            .annotate(n=Count("pk"))
            .values("n")
        )
        pace = Trade.objects.filter(closed_at__gt=timezone.now() - PACE_WINDOW, assignee__isnull=False)
        ended = pace.order_by().values(one=Value(1)).annotate(n=Count("pk")).values("n")
        return self.select_related("customer", "assignee", "conversation", "notes_conversation").annotate(
            ahead_in_queue=Coalesce(Subquery(ahead), Value(0)),
            ended_lately=Case(When(queued_at__isnull=False, then=Subquery(ended))),
        )

    def waiting_since(self, moment: datetime) -> Self:
        """Open ones whose customer has waited for an answer since then or longer."""
        return self.open().filter(waiting_on=WaitingOn.SUPPORT, waiting_since__lte=moment)


class EscalationQuerySet(models.QuerySet["Escalation"]):
    def unresolved(self) -> Self:
        return self.filter(status__in=UNRESOLVED_STATUSES)

    def complete(self) -> Self:
        """With all that its JSON shape shows."""
        return self.select_related("trade", "raised_by", "taken_by")


class MentionQuerySet(models.QuerySet["Mention"]):
    def of(self, user: User) -> Self:
        """Those of somebody of staff in notes they follow, or may read by now without following them."""
        from chat.models import Participant, Trade

        seat = Participant.objects.current().filter(conversation=OuterRef("message__conversation"), user=user)
        open_to_them = Trade.objects.visible_to(user).exclude(customer=user).values("notes_conversation")
        return self.filter(Exists(seat) | Q(message__conversation__in=open_to_them), user=user)

    def complete(self) -> Self:
        """With all that its JSON shape shows."""
        return self.select_related("message__sender", "message__conversation__noted_trade")


class CannedReplyQuerySet(models.QuerySet["CannedReply"]):
    def usable_by(self, user: User) -> Self:
        """The person's own and the team's."""
        return self.filter(Q(owner=user) | Q(owner=None))

    def holding(self, words: str) -> Self:
        """Those with these words, whatever their case, in title or text."""
        return self.filter(Q(title__icontains=words) | Q(body__icontains=words))
