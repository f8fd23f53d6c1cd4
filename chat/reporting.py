"""Figures about the support team's work, for the dashboard, `stats/` and the report of trades. Only reads."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet
from django.db.models.functions import TruncHour

from accounts.ids import first_id_at
from accounts.models import Role, User
from accounts.text import csv_cell, timestamp
from chat.enums import PresenceStatus, TradeStatus
from chat.models import AuditEntry, Connection, Escalation, Message, Trade
from chat.percentiles import Spread, spreads
from chat.serializers import amount, optional_timestamp

PERIODS = {"24h": timedelta(hours=24), "7d": timedelta(days=7)}
MISSES = ("sla.first_response_missed", "sla.next_response_missed", "sla.resolution_missed")
HOURS = 24
RATE_WINDOW = timedelta(minutes=5)
CLOCK_SLACK = timedelta(minutes=1)  # a message gets its id a moment before its time
CHUNK = 500  # trades in memory at once while a report is written


@dataclass(frozen=True, slots=True)
class AdminLoad:
    """An admin and the open trades they look after."""

    id: UUID
    name: str
    open: int
    capacity: int
    availability: str
    presence: str
    role: str


@dataclass(frozen=True, slots=True)
class Period:
    """
    Up to now. Response: from opening to support's first answer, of trades opened in it. Resolution: from opening to
    closing, of trades closed in it. Percentiles as in chat.percentiles. `missed` counts by audit action.
    """

    opened: int
    closed: int
    response_median: timedelta | None
    response_p90: timedelta | None
    resolution_median: timedelta | None
    resolution_p90: timedelta | None
    missed: dict[str, int]


@dataclass(frozen=True, slots=True)
class Hour:
    """What people said in the hour that began at `start`."""

    start: datetime
    messages: int


@dataclass(frozen=True, slots=True)
class Dashboard:
    """`messages_per_hour`: the last 24 full hours, oldest first, then the one that is running."""

    waiting: int
    oldest_wait: timedelta | None
    open_by_admin: list[AdminLoad]
    periods: dict[str, Period]
    messages_per_hour: list[Hour]


@dataclass(frozen=True, slots=True)
class Traffic:
    """
    Live sockets of all processes, what people said per minute over the last five, and how long the last in the queue
    will wait at the pace of the last hour (None where nobody waits, or there is no pace to speak of).
    """

    connections: int
    messages_per_minute: float
    expected_wait: timedelta | None


def dashboard(now: datetime) -> Dashboard:
    """Seven queries, whatever the number of rows."""
    queue = Trade.objects.queued().order_by().aggregate(waiting=Count("pk"), oldest=Min("queued_at"))
    return Dashboard(
        waiting=queue["waiting"],
        oldest_wait=None if queue["oldest"] is None else max(now - queue["oldest"], timedelta(0)),
        open_by_admin=_open_by_admin(),
        periods=_periods(now),
        messages_per_hour=_messages_per_hour(now),
    )


def traffic(now: datetime) -> Traffic:
    said = _said_since(now - RATE_WINDOW).count()
    last = Trade.objects.queued().complete().last()
    return Traffic(
        connections=Connection.objects.filter(expires_at__gt=now).count(),
        messages_per_minute=said / (RATE_WINDOW / timedelta(minutes=1)),
        expected_wait=None if last is None else last.expected_wait,
    )


def _open_by_admin() -> list[AdminLoad]:
    """Trade admins, and super admins who look after something, by name."""
    open_trades = Trade.objects.open().filter(assignee__isnull=False).order_by().values_list("assignee")
    held = dict(open_trades.annotate(n=Count("pk")))
    staff = User.objects.staff().filter(Q(role=Role.TRADE_ADMIN) | Q(pk__in=list(held)))
    return [
        AdminLoad(
            id=admin.pk,
            name=admin.display_name,
            open=held.get(admin.pk, 0),
            capacity=admin.capacity,
            availability=str(admin.availability),
            presence=_presence(admin),
            role=str(admin.role),
        )
        for admin in staff.select_related("presence").order_by("display_name", "pk")
    ]


def _presence(admin: User) -> str:
    presence = getattr(admin, "presence", None)
    return str(PresenceStatus.OFFLINE if presence is None else presence.status)


def _periods(now: datetime) -> dict[str, Period]:
    since = {name: now - length for name, length in PERIODS.items()}
    opened = spreads(
        *(Trade.objects.filter(opened_at__lte=now), "opened_at", "first_response_at"), by="opened_at", since=since
    )
    closed = spreads(*(Trade.objects.filter(closed_at__lte=now), "opened_at", "closed_at"), by="closed_at", since=since)
    missed = _missed(now, since)
    return {name: _period(opened[name], closed[name], missed[name]) for name in since}


def _period(opened: Spread, closed: Spread, missed: dict[str, int]) -> Period:
    return Period(
        opened=opened.count,
        closed=closed.count,
        response_median=opened.median,
        response_p90=opened.p90,
        resolution_median=closed.median,
        resolution_p90=closed.p90,
        missed=missed,
    )


def _missed(now: datetime, since: Mapping[str, datetime]) -> dict[str, dict[str, int]]:
    rows = AuditEntry.objects.filter(action__in=MISSES, at__gte=min(since.values()), at__lte=now).order_by()
    counts = {f"since{place}": Count("pk", filter=Q(at__gte=start)) for place, start in enumerate(since.values())}
    found = {action: numbers for action, *numbers in rows.values_list("action").annotate(**counts)}
    return {
        name: {action: found[action][place] if action in found else 0 for action in MISSES}
        for place, name in enumerate(since)
    }


def _messages_per_hour(now: datetime) -> list[Hour]:
    current = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    starts = [current - timedelta(hours=back) for back in range(HOURS, -1, -1)]
    said = _said_since(starts[0]).annotate(hour=TruncHour("created_at", tzinfo=UTC)).values_list("hour")
    counts = dict(said.annotate(n=Count("pk")))
    return [Hour(start, counts.get(start, 0)) for start in starts]


def _said_since(moment: datetime) -> QuerySet[Message]:
    """
    What people said since then; system messages are not theirs. The times of messages have no index, which every send
    would pay for. Their ids begin with a time too, so the primary key leads to about the right place and `created_at`
    decides. (A row whose time was set back later still counts by it: its id is above the bound all the more.)
    """
    recent = Message.objects.filter(pk__gte=first_id_at(moment - CLOCK_SLACK), created_at__gte=moment)
    return recent.filter(sender__isnull=False).order_by()


# -- The report of trades ----------------------------------------------------------------------------------------------

HEADER = (
    *("reference", "customer_id", "customer", "assignee", "side", "asset", "asset_amount", "fiat_currency"),
    *("fiat_amount", "payment_method", "status", "opened_at", "first_response_at", "closed_at", "response_s"),
    *("resolution_s", "reassignments", "messages", "rating", "rating_comment", "decision", "decision_reason"),
    *("disputed", "escalated"),
)
DECIDED = (TradeStatus.COMPLETED, TradeStatus.REJECTED, TradeStatus.CANCELLED)


def trade_rows(since: datetime, until: datetime) -> Iterator[list[str]]:
    """
    First the header, then a row per trade opened from `since` to before `until`, oldest first. Cells are safe to open
    in a spreadsheet. Holds `CHUNK` trades at a time and no cursor in between: each chunk is two short queries by the
    last row's place, so a reader may take as long as it likes. Customers by name and id, without their address.
    """
    yield list(HEADER)
    rows = Trade.objects.filter(opened_at__gte=since, opened_at__lt=until).order_by("opened_at", "pk")
    escalated = Exists(Escalation.objects.filter(trade=OuterRef("pk")))
    rows = rows.select_related("customer", "assignee").annotate(escalated=escalated)
    chunk = list(rows[:CHUNK])
    while chunk:
        said = _people_said(chunk)
        for trade in chunk:
            yield [csv_cell(cell) for cell in _cells(trade, said.get(trade.conversation_id, 0))]
        last = chunk[-1]
        later = Q(opened_at__gt=last.opened_at) | Q(opened_at=last.opened_at, pk__gt=last.pk)
        chunk = list(rows.filter(later, opened_at__gte=last.opened_at)[:CHUNK])


def _people_said(trades: Iterable[Trade]) -> dict[UUID, int]:
    """By conversation: the customer's chat, not the staff's notes about it."""
    chats = [trade.conversation_id for trade in trades]
    rows = Message.objects.filter(conversation__in=chats, sender__isnull=False).order_by()
    return dict(rows.values_list("conversation").annotate(n=Count("pk")))


def _cells(trade: Any, messages: int) -> tuple[str, ...]:
    """In the order of HEADER. Times in UTC, durations in whole seconds; what there is not is empty."""
    return (
        trade.reference,
        str(trade.customer_id),
        trade.customer.display_name,
        "" if trade.assignee is None else trade.assignee.display_name,
        trade.side,
        trade.asset,
        amount(trade.asset_amount),
        trade.fiat_currency,
        amount(trade.fiat_amount),
        trade.payment_method,
        trade.status,
        timestamp(trade.opened_at),
        optional_timestamp(trade.first_response_at) or "",
        optional_timestamp(trade.closed_at) or "",
        _seconds(trade.opened_at, trade.first_response_at),
        _seconds(trade.opened_at, trade.closed_at),
        str(trade.reassignments),
        str(messages),
        "" if trade.rating is None else str(trade.rating),
        trade.rating_comment,
        trade.status if trade.status in DECIDED else "",
        trade.decision_reason,
        _yes(trade.disputed_at is not None),
        _yes(trade.escalated),
    )


def _seconds(begin: datetime, end: datetime | None) -> str:
    return "" if end is None else str(int((end - begin).total_seconds()))


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"


# -- The audit log -----------------------------------------------------------------------------------------------------

AUDIT_HEADER = ("at", "action", "actor", "actor_role", "trade", "subject", "detail")


def audit_rows(entries: QuerySet[AuditEntry]) -> Iterator[list[str]]:
    """First the header, then a row per entry, newest first; safe cells and short queries as in `trade_rows`."""
    yield list(AUDIT_HEADER)
    entries = entries.select_related("actor", "trade", "subject").order_by("-id")
    chunk = list(entries[:CHUNK])
    while chunk:
        for entry in chunk:
            yield [csv_cell(cell) for cell in _audit_cells(entry)]
        chunk = list(entries.filter(pk__lt=chunk[-1].pk)[:CHUNK])


def _audit_cells(entry: AuditEntry) -> tuple[str, ...]:
    """In the order of AUDIT_HEADER. What the system did has no actor."""
    return (
        timestamp(entry.at),
        entry.action,
        "" if entry.actor is None else entry.actor.email,
        "" if entry.actor is None else str(entry.actor.role),
        "" if entry.trade is None else entry.trade.reference,
        "" if entry.subject is None else entry.subject.email,
        msgspec.json.encode(entry.detail).decode() if entry.detail else "",
    )
