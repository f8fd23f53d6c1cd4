"""Answers that need more than one question, for the edges that only read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.models import User
from chat.models import Message, Trade

EARLIER_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a conversation, ascending, and whether there is more on either side."""

    rows: Sequence[Message]
    earlier: bool
    later: bool


def read_window(messages: QuerySet[Message], *, before: int | None, after: int | None, limit: int) -> Window:
    """
    With `after`, the messages that follow it, up to `before` where that is given too; with `before` alone, those in
    front of it; with neither, the newest.
    """
    if after is not None:
        rows = messages.filter(seq__gt=after)
        if before is not None:
            rows = rows.filter(seq__lt=before)
        found = list(rows.order_by("seq")[: limit + 1])
        has_later = len(found) > limit
        earlier = bool(found) and messages.filter(seq__lte=after).exists()
        return Window(found[:limit], earlier, has_later)
    rows = messages if before is None else messages.filter(seq__lt=before)
    found = list(rows.order_by("-seq")[: limit + 1])
    later = before is not None and bool(found) and messages.filter(seq__gte=before).exists()
    return Window(found[:limit][::-1], len(found) > limit, later)


def unread_counts(user: User) -> dict[str, int]:
    """By conversation id, those with something unread only."""
    rows = (
        Message.objects.filter(
            Q(conversation__participants__user=user, conversation__participants__left_at=None),
            ~Q(sender=user),
            sender__isnull=False,
            deleted_at=None,
            seq__gt=F("conversation__participants__read_seq"),
        )
        .values("conversation")
        .annotate(n=Count("pk"))
    )
    return {str(row["conversation"]): row["n"] for row in rows}


def earlier_trades(trade: Trade) -> tuple[Sequence[Trade], int]:
    """The newest of what the customer opened before it, and how many there are."""
    rows = Trade.objects.earlier_of_the_same_customer(trade)
    newest = list(rows[:EARLIER_SHOWN])
    return newest, len(newest) if len(newest) < EARLIER_SHOWN else rows.count()


def colleagues() -> QuerySet[Any, Any]:
    """Active staff by name, each with their presence and `open_trades`."""
    # Counted for each of them by the index of open trades: joined, all trades there ever were would be read.
    mine = Trade.objects.open().filter(assignee=OuterRef("pk")).order_by().values("assignee")
    open_trades = Coalesce(Subquery(mine.annotate(n=Count("pk")).values("n")), Value(0))
    return (
        User.objects.staff().select_related("presence").annotate(open_trades=open_trades).order_by("display_name", "pk")
    )
