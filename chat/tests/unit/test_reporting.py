"""The figures of the dashboard and the report of trades, on both databases."""

import gc
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import Role
from accounts.tests.factories import UserFactory
from chat import reporting
from chat.actions import trades
from chat.actions.messages import send_message
from chat.models import AuditEntry, Connection, Message, Presence, Trade
from chat.reporting import CHUNK, HEADER, AdminLoad, Hour, Period, dashboard, trade_rows, traffic
from chat.tests.factories import busy_admin, open_trade, trade_admin
from chat.tests.many import make_many

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
DAY = (NOW - timedelta(hours=12), NOW + timedelta(hours=12))
NO_MISSES = dict.fromkeys(reporting.MISSES, 0)


@pytest.fixture(autouse=True, params=["postgres", "sqlite"])
def _database(request, db):
    if request.param == "sqlite":
        request.getfixturevalue("on_sqlite")


@pytest.fixture
def customer():
    return UserFactory.create(display_name="Alice")


def say(user, trade, *bodies, at=None):
    for body in bodies:
        sent = send_message(actor=user, conversation_id=trade.conversation_id, client_id=uuid4(), body=body)
        if at:
            Message.objects.filter(pk=sent.message.pk).update(created_at=at)


def put(trade, **fields):
    Trade.objects.filter(pk=trade.pk).update(**fields)


def miss(action, ago):
    AuditEntry.objects.create(action=action, at=NOW - ago)


def hours(number):
    return timedelta(hours=number)


def test_without_anything_every_figure_is_there_and_empty():
    found = dashboard(NOW)

    empty = Period(0, 0, None, None, None, None, NO_MISSES)
    assert (found.waiting, found.oldest_wait, found.open_by_admin) == (0, None, [])
    assert found.periods == {"24h": empty, "7d": empty}
    assert [hour.messages for hour in found.messages_per_hour] == [0] * 25
    assert traffic(NOW) == reporting.Traffic(0, 0.0, None)


def test_the_queue_and_its_oldest_wait(customer):
    for minutes in (5, 40, 10):
        put(open_trade(customer), queued_at=NOW - timedelta(minutes=minutes))
    gone = open_trade(customer)
    trades.make_move(actor=customer, trade_id=gone.pk, move=trades.CANCEL)

    found = dashboard(NOW)

    assert (found.waiting, found.oldest_wait) == (3, timedelta(minutes=40))


def test_a_clock_that_is_behind_makes_no_negative_wait(customer):
    put(open_trade(customer), queued_at=NOW + timedelta(seconds=3))

    assert dashboard(NOW).oldest_wait == timedelta(0)


def test_open_trades_by_admin_of_those_who_have_to_do_with_trades(customer):
    tina = trade_admin(display_name="Tina", capacity=2)
    tom = busy_admin(display_name="Tom")
    sara = UserFactory.create(display_name="Sara", role=Role.SUPER_ADMIN)
    UserFactory.create(display_name="Sven", role=Role.SUPER_ADMIN)
    busy_admin(is_active=False)
    Presence.objects.create(user=tina, status="online")
    done, *_ = [open_trade(customer) for _ in range(2)]
    trades.make_move(actor=customer, trade_id=done.pk, move=trades.CANCEL)
    put(open_trade(customer), assignee=sara, queued_at=None)

    assert dashboard(NOW).open_by_admin == [
        AdminLoad(sara.pk, "Sara", 1, 10, "available", "offline", "super_admin"),
        AdminLoad(tina.pk, "Tina", 1, 2, "available", "online", "trade_admin"),
        AdminLoad(tom.pk, "Tom", 0, 10, "busy", "offline", "trade_admin"),
    ]


def test_response_counts_by_opening_and_resolution_by_closing(customer):
    rows = [(2, 10, 1.0), (3, 20, None), (30, 40, 29.0), (200, 5, 23.0), (300, 5, 200.0), (4, None, None)]
    for opened, answered, closed in rows:
        at = NOW - hours(opened)
        put(
            open_trade(customer),
            opened_at=at,
            first_response_at=at + timedelta(minutes=answered) if answered else None,
            closed_at=NOW - hours(closed) if closed else None,
        )
    miss("sla.resolution_missed", hours(1))
    miss("sla.resolution_missed", hours(25))
    miss("sla.first_response_missed", hours(23))
    miss("sla.first_response_missed", hours(169))
    miss("trade.opened", hours(1))

    found = dashboard(NOW).periods

    minutes = [timedelta(minutes=value) for value in (15, 19, 20, 36)]
    assert found["24h"] == Period(
        *(3, 2, minutes[0], minutes[1], hours(89), hours(159.4)),
        NO_MISSES | {"sla.resolution_missed": 1, "sla.first_response_missed": 1},
    )
    assert found["7d"] == Period(
        *(4, 3, minutes[2], minutes[3], hours(1), hours(141.8)),
        NO_MISSES | {"sla.resolution_missed": 2, "sla.first_response_missed": 1},
    )


def test_messages_per_hour_are_what_people_said_when_they_said_it(customer):
    tina = trade_admin()
    trade = open_trade(customer)
    now = timezone.now()
    current = now.replace(minute=0, second=0, microsecond=0)
    say(customer, trade, "now")
    say(tina, trade, "set back", "and this", at=current - hours(3))
    say(customer, trade, "the first that counts", at=current - hours(24))
    say(customer, trade, "too early", at=current - timedelta(microseconds=1) - hours(24))

    found = dashboard(now).messages_per_hour

    assert [hour.start for hour in found] == [current - hours(back) for back in range(24, -1, -1)]
    assert [hour for hour in found if hour.messages] == [
        Hour(current - hours(24), 1),
        Hour(current - hours(3), 2),
        Hour(current, 1),
    ]


def test_traffic_is_live_sockets_and_the_last_five_minutes(customer):
    now = timezone.now()
    for offset in (30, 5, -1):
        Connection.objects.create(id=uuid4(), user=customer, expires_at=now + timedelta(seconds=offset))
    trade_admin()
    trade = open_trade(customer)
    say(customer, trade, "one", "two", "three")
    say(customer, trade, "before", at=now - timedelta(minutes=6))

    found = traffic(now)

    assert (found.connections, found.messages_per_minute, found.expected_wait) == (2, 0.6, None)


@pytest.mark.parametrize("rows", [1, 3])
def test_the_number_of_queries_is_constant(customer, django_assert_num_queries, rows):
    for _ in range(rows):
        trade_admin()
        say(customer, open_trade(customer), "hi")

    with django_assert_num_queries(7):
        dashboard(timezone.now())


# -- The report --------------------------------------------------------------------------------------------------------


def report(since=DAY[0], until=DAY[1]):
    header, *rows = trade_rows(since, until)
    assert tuple(header) == HEADER
    return [dict(zip(HEADER, row, strict=True)) for row in rows]


def test_a_row_holds_the_whole_story_of_a_trade(customer):
    tina = trade_admin(display_name="Tina")
    trade = open_trade(customer, reference="BP-7")
    say(customer, trade, "one", "two")
    say(tina, trade, "three")
    send_message(actor=tina, conversation_id=trade.notes_conversation_id, client_id=uuid4(), body="a note")
    trades.make_move(actor=customer, trade_id=trade.pk, move=trades.PROOF)
    trades.make_move(actor=tina, trade_id=trade.pk, move=trades.REJECT, reason="=no money")
    put(
        trade,
        opened_at=NOW,
        first_response_at=NOW + timedelta(seconds=65.9),
        closed_at=NOW + hours(2),
        reassignments=1,
        rating=2,
        rating_comment="slow, and\r\nrude",
        disputed_at=NOW + hours(3),
        decision_reason="=no money",
    )
    trade.escalations.create(reason="why")

    assert report() == [
        {
            "reference": "BP-7",
            "customer_id": str(customer.pk),
            "customer": "Alice",
            "assignee": "Tina",
            "side": "buy",
            "asset": "BTC",
            "asset_amount": "0.0100",
            "fiat_currency": "EUR",
            "fiat_amount": "600.00",
            "payment_method": "SEPA",
            "status": "rejected",
            "opened_at": "2026-11-20T10:30:00.000Z",
            "first_response_at": "2026-11-20T10:31:05.900Z",
            "closed_at": "2026-11-20T12:30:00.000Z",
            "response_s": "65",
            "resolution_s": "7200",
            "reassignments": "1",
            "messages": "3",
            "rating": "2",
            "rating_comment": "slow, and\r\nrude",
            "decision": "rejected",
            "decision_reason": "'=no money",
            "disputed": "yes",
            "escalated": "yes",
        }
    ]


def test_what_did_not_happen_is_empty(customer):
    put(open_trade(customer), opened_at=NOW)

    [row] = report()

    nothing = {name for name, cell in row.items() if cell == ""}
    assert nothing == {
        *("assignee", "first_response_at", "closed_at", "response_s", "resolution_s", "rating", "rating_comment"),
        *("decision", "decision_reason"),
    }
    assert (row["messages"], row["reassignments"], row["disputed"], row["escalated"]) == ("0", "0", "no", "no")


def test_a_trade_that_ran_out_was_decided_by_nobody(customer):
    trade = open_trade(customer)
    put(trade, opened_at=NOW, deadline_at=NOW)
    trades.expire_due()

    [row] = report()

    assert (row["status"], row["decision"]) == ("expired", "")


def test_no_address_of_a_customer_is_in_it(customer):
    put(open_trade(customer), opened_at=NOW)

    assert customer.email not in str(report())


def test_the_first_moment_belongs_to_it_and_the_last_does_not(customer):
    for reference, at in (("a", NOW - timedelta(microseconds=1)), ("b", NOW), ("d", NOW + hours(1)), ("c", NOW)):
        put(open_trade(customer, reference=reference), opened_at=at)

    found = [row["reference"] for row in report(NOW, NOW + hours(1))]

    assert found == ["b", "c"]


def test_each_trade_comes_once_whatever_the_borders_of_the_chunks(customer):
    make_many(customer, NOW, 2 * CHUNK + 1)

    found = [row["reference"] for row in report()]

    assert found == [f"BP-{number}" for number in range(2 * CHUNK + 1)]


def test_twenty_thousand_trades_are_never_in_memory_at_once(customer, django_assert_num_queries):
    make_many(customer, NOW, 20_000)
    rows = trade_rows(*DAY)

    with django_assert_num_queries(2):
        next(rows), next(rows)
    most, number = 0, 1
    for number, _ in enumerate(rows, 2):
        if number % 5_000 == 0:
            most = max(most, sum(type(thing) is Trade for thing in gc.get_objects()))

    assert number == 20_000
    assert CHUNK <= most <= 2 * CHUNK
