"""Whose turn it is in a trade and since when, and the limits of support: warned of in time, missed, each told once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.text import timestamp
from chat import access, eventlog, fanout, sql
from chat.actions import announcements, audit, notices
from chat.actions.assignment import passing_over
from chat.enums import OPEN_STATUSES, UNDECIDED_STATUSES, ConversationKind, WaitingOn
from chat.models import Message, NewMessage, Trade
from chat.serializers import trade_shape

WARN_AT = 0.75  # of a limit


@dataclass(frozen=True, slots=True)
class Turn:
    """Who spoke last in a conversation, and who before them, if that was somebody else."""

    conversation_id: UUID
    last: UUID
    before: UUID | None


def note_messages(messages: Sequence[NewMessage | Message], conversations: Mapping[UUID, eventlog.Locked]) -> None:
    """
    Under the conversations' locks, for messages of people in the order they were numbered: the customer's makes it
    support's turn, anybody else's the customer's. Trades in which nothing changes are not written.
    """
    turns = _turns(messages, conversations)
    if not turns:
        return
    changed = _turn_at_once(turns) if sql.is_postgres() else [trade for turn in turns for trade in _turn_one(turn)]
    if changed:
        transaction.on_commit(partial(announcements.tell_staff_of, changed), robust=True)


def _turns(messages: Sequence[NewMessage | Message], conversations: Mapping[UUID, eventlog.Locked]) -> list[Turn]:
    turns: dict[UUID, Turn] = {}
    for message in messages:
        key = message.conversation_id
        if conversations[key].kind != ConversationKind.TRADE:
            continue
        assert message.sender_id is not None
        last = turns.get(key)
        if last is None:
            turns[key] = Turn(key, message.sender_id, None)
        elif last.last != message.sender_id:
            turns[key] = Turn(key, message.sender_id, last.last)
    return list(turns.values())


def _turn_at_once(turns: Sequence[Turn]) -> list[UUID]:
    columns = [[getattr(turn, name) for turn in turns] for name in ("conversation_id", "last", "before")]
    return [row[0] for row in sql.execute(_TURN, [timezone.now(), [*OPEN_STATUSES], *columns]).fetchall()]


_TURN = """
    UPDATE chat_trade AS t
    SET waiting_on = d.waits,
        waiting_since = CASE WHEN d.begins THEN d.now ELSE t.waiting_since END,
        response_warned_at = CASE WHEN d.begins THEN NULL ELSE t.response_warned_at END,
        response_missed_at = CASE WHEN d.begins THEN NULL ELSE t.response_missed_at END,
        first_response_at = CASE WHEN d.answered THEN COALESCE(t.first_response_at, d.now) ELSE t.first_response_at END
    FROM (
        SELECT id, at AS now, waits, answered, waiting_on <> waits OR (waits = 'support' AND answered) AS begins
        FROM (
            SELECT c.id, c.waiting_on, p.at,
                   CASE WHEN c.customer_id = n.speaker THEN 'support' ELSE 'customer' END AS waits,
                   c.customer_id <> n.speaker OR n.before IS NOT NULL AS answered
            FROM (SELECT %b::timestamptz AS at, %b::text[] AS open) AS p,
                 unnest(%b::uuid[], %b::uuid[], %b::uuid[]) AS n (conversation, speaker, before)
            JOIN chat_trade c ON c.conversation_id = n.conversation
            WHERE c.status = ANY(p.open)
        ) AS said
    ) AS d
    WHERE t.id = d.id AND (d.begins OR (d.answered AND t.first_response_at IS NULL))
    RETURNING t.id
"""


def _turn_one(turn: Turn) -> Iterator[UUID]:
    """The same without arrays."""
    trade = Trade.objects.open().filter(conversation=turn.conversation_id).first()
    if trade is None:
        return
    now = timezone.now()
    is_customers = trade.customer_id == turn.last
    waits = WaitingOn.SUPPORT if is_customers else WaitingOn.CUSTOMER
    answered = not is_customers or turn.before is not None
    changed = []
    if trade.waiting_on != waits or (is_customers and answered):
        trade.waiting_on, trade.waiting_since = waits, now
        trade.response_warned_at = trade.response_missed_at = None
        changed += ["waiting_on", "waiting_since", "response_warned_at", "response_missed_at"]
    if answered and trade.first_response_at is None:
        trade.first_response_at = now
        changed.append("first_response_at")
    if changed:
        trade.save(update_fields=changed)
        yield trade.pk


@dataclass(frozen=True, slots=True)
class Clock:
    """A limit of support: how long after what, and where it is noted that it was warned of or missed."""

    name: str
    since: str
    warned: str
    missed: str

    @property
    def limit(self) -> timedelta:
        limit: timedelta = getattr(settings, f"{self.name.upper()}_LIMIT")
        return limit

    def rows(self) -> QuerySet[Any, Any]:
        """The open trades for which it runs, with `runs_since`."""
        rows = Trade.objects.open().annotate(runs_since=Coalesce(F(self.since), F("opened_at")))
        if self is RESOLUTION:
            return rows
        return rows.filter(waiting_on=WaitingOn.SUPPORT, first_response_at__isnull=self is FIRST_RESPONSE)


FIRST_RESPONSE = Clock("first_response", "waiting_since", "response_warned_at", "response_missed_at")
NEXT_RESPONSE = Clock("next_response", "waiting_since", "response_warned_at", "response_missed_at")
RESOLUTION = Clock("resolution", "disputed_at", "resolution_warned_at", "resolution_missed_at")
CLOCKS = (FIRST_RESPONSE, NEXT_RESPONSE, RESOLUTION)


def watch(now: datetime | None = None) -> int:
    """Warn of and record the limits that are near or were missed, each once. Safe to run twice at once."""
    at = now or timezone.now()
    told = 0
    for clock in CLOCKS:
        missed = clock.rows().filter(**{clock.missed: None, "runs_since__lte": at - clock.limit})
        near = clock.rows().filter(**{clock.missed: None, clock.warned: None})
        near = near.filter(runs_since__lte=at - WARN_AT * clock.limit, runs_since__gt=at - clock.limit)
        for rows, is_missed in ((missed, True), (near, False)):
            for trade_id in list(rows.values_list("pk", flat=True)):
                with passing_over(trade_id), transaction.atomic():
                    told += _note(clock, rows, trade_id, at, is_missed)
    return told


def _note(clock: Clock, rows: Any, trade_id: UUID, at: datetime, is_missed: bool) -> bool:
    """Whoever of several holds the trade first says it; its conversations too, as messages pass over held ones."""
    trade: Any = access.hold_trade(trade_id, rows)
    if trade is None:
        return False
    values = {clock.missed: at, clock.warned: Coalesce(clock.warned, at)} if is_missed else {clock.warned: at}
    Trade.objects.filter(pk=trade_id).update(**values)
    due_at = trade.runs_since + clock.limit
    if is_missed:
        admin = trade.assignee
        audit.record(f"sla.{clock.name}_missed", actor=None, trade=trade, subject=admin, due_at=timestamp(due_at))
    user_ids = _whom(trade, is_missed)
    notices.clock_told(trade, clock.name, trade.runs_since, user_ids, is_missed=is_missed)
    transaction.on_commit(partial(_tell, trade_id, clock, is_missed, due_at), robust=True)
    return True


def _whom(trade: Trade, is_missed: bool) -> Iterable[UUID]:
    """A warning goes to whoever can still keep the limit, a miss to super admins; they hear both of the queue."""
    if is_missed or trade.assignee_id is None:
        return access.super_admins(trade)
    return [trade.assignee_id]


def _tell(trade_id: UUID, clock: Clock, is_missed: bool, due_at: datetime) -> None:
    trade = Trade.objects.complete().get(pk=trade_id)
    frame = {
        "type": "trade.warning",
        "trade": trade_shape(trade, for_staff=True),
        "clock": clock.name,
        "state": "missed" if is_missed else "warned",
        "due_at": timestamp(due_at),
    }
    fanout.to_users(_whom(trade, is_missed), frame)


def watch_deadlines(now: datetime | None = None) -> int:
    """Tell customers, once, that their undecided trade will soon expire. How many. Safe to run twice at once."""
    at = now or timezone.now()
    near_until = at + (1 - WARN_AT) * settings.TRADE_DEADLINE
    near = Trade.objects.filter(
        status__in=UNDECIDED_STATUSES, deadline_warned_at=None, deadline_at__gt=at, deadline_at__lte=near_until
    )
    told = 0
    for trade_id in list(near.values_list("pk", flat=True)):
        with passing_over(trade_id), transaction.atomic():
            trade = access.hold_trade(trade_id, near)
            if trade is not None:
                Trade.objects.filter(pk=trade_id).update(deadline_warned_at=at)
                notices.deadline_near(trade)
                told += 1
    return told
