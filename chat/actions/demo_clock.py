"""
Setting back what the demo has just done to when it is supposed to have happened, so that charts over a day or a week
have something to show. Ids keep the time they were made at: nothing may be read out of them anyway.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import DateTimeField, OuterRef, Q, QuerySet, Subquery

from accounts.models import User
from accounts.text import timestamp
from chat.models import (
    AuditEntry,
    Block,
    CannedReply,
    Conversation,
    Escalation,
    Event,
    Mention,
    Message,
    Participant,
    Trade,
)

UNTOLD = timedelta(microseconds=999)  # texts know milliseconds only, and must not fall before what they tell of
DEADLINE = "deadline_at"  # lies ahead by TRADE_DEADLINE of what it is counted from


class Calendar:
    """What was done from one moment on, until the next one entered, is supposed to have happened at another time."""

    def __init__(self) -> None:
        self._done: list[datetime] = []
        self._happened: list[datetime] = []

    def enter(self, done: datetime, happened: datetime) -> None:
        """In the order of `done`. What happened lies before everything that is entered as done."""
        self._done.append(done)
        self._happened.append(happened)

    def date(self, at: datetime) -> datetime:
        """When it happened. Times from before the first entry are no part of this, or dated already."""
        place = bisect_right(self._done, at)
        return self._happened[place - 1] if place else at

    def set_back_trades(self, conversation_ids: Iterable[UUID]) -> None:
        """What the next actions go by: the clocks of trades, and who got one last."""
        since = self._done[-1]
        ids = list(conversation_ids)
        trades = Trade.objects.filter(Q(conversation__in=ids) | Q(notes_conversation__in=ids))
        self._set_back(trades)
        self._set_back(Escalation.objects.filter(trade__in=trades))
        self._set_back(User.objects.filter(last_assigned_at__gte=since))

    def set_back_rest(self, conversation_ids: Iterable[UUID]) -> None:
        """Everything else about these conversations, the texts of system messages included, once it is all done."""
        ids = list(conversation_ids)
        trades = Trade.objects.filter(Q(conversation__in=ids) | Q(notes_conversation__in=ids))
        said = Message.objects.filter(conversation__in=ids)
        for rows in (
            *(said, Conversation.objects.filter(pk__in=ids), Participant.objects.filter(conversation__in=ids)),
            *(AuditEntry.objects.filter(trade__in=trades), Mention.objects.filter(message__conversation__in=ids)),
            *(Block.objects.filter(created_at__gte=self._done[0]), CannedReply.objects.all()),
        ):
            self._set_back(rows)
        at = Subquery(Message.objects.filter(pk=OuterRef("message")).values("created_at"))
        Event.objects.filter(conversation__in=ids).update(created_at=at)

    def _set_back(self, rows: QuerySet[Any]) -> None:
        names = {
            field.name
            for field in rows.model._meta.concrete_fields
            if isinstance(field, DateTimeField) or field.name == "data"
        }
        for row in rows:
            was = {name: getattr(row, name) for name in names}
            moved = {name: value for name in names if (value := self.told(name, was[name])) != was[name]}
            for name, value in moved.items():
                setattr(row, name, value)
            if moved:
                row.save(update_fields=sorted(moved))

    def told(self, name: str, value: Any) -> Any:
        """A value of this name, with what it says about times as it is to be told."""
        if isinstance(value, dict):
            return {inner: self.told(inner, each) for inner, each in value.items()}
        if isinstance(value, str) and name.endswith(("_at", "_since")):
            at = datetime.fromisoformat(value) + UNTOLD
            told = self.told(name, at)
            return value if told == at else timestamp(told)
        if not isinstance(value, datetime):
            return value
        if name == DEADLINE:
            return self.date(value - settings.TRADE_DEADLINE) + settings.TRADE_DEADLINE
        return self.date(value)
