"""The audit log and the report of trades, as super admins get them."""

import csv
import io
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.text import timestamp
from chat.actions import audit, trades
from chat.actions.messages import send_message
from chat.models import AuditEntry, Connection, Trade
from chat.reporting import HEADER
from chat.tests.contract import shapes
from chat.tests.contract.conftest import answer, pointers, problem
from chat.tests.factories import open_trade

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = {"from": "2026-11-20", "to": "2026-11-20"}
NO_TIMES = [
    *("", "x", "2026-13-01", "2026-02-30", "20261120", "2026-W01-1", "2026-1-1", "today", "1763596800", "٢٠٢٦-١١-٢٠"),
    *("2026-11-20T10:00:00", "2026-11-20 ", "2026-11-20T25:00:00Z", "0001-01-01", "9999-12-31", "-026-11-20"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "2026-11-20\x00", "2026-11-20T10:00:00Z' OR 1=1--"),
]


# -- The audit log -----------------------------------------------------------------------------------------------------


def entries(client, **query):
    status, body = answer(client.get("audit/", **query))
    assert status == 200
    return [row["action"] for row in body["results"]]


def test_an_entry_names_who_whom_what_and_when(rest, sara, alice, trade):
    AuditEntry.objects.all().delete()
    audit.record("trade.read", actor=sara, trade=trade, reason="a complaint")
    entry = AuditEntry.objects.get()
    AuditEntry.objects.create(action="account.changed", subject=alice, at=entry.at - timedelta(hours=1))

    status, body = answer(rest(sara).get("audit/"))

    assert (status, body["next"], body["previous"]) == (200, None, None)
    assert body["results"] == [
        {
            "id": entry.pk,
            "at": timestamp(entry.at),
            "actor": shapes.person(sara),
            "subject": None,
            "action": "trade.read",
            "trade": {"id": str(trade.pk), "reference": trade.reference},
            "detail": {"reason": "a complaint"},
        },
        {
            "id": entry.pk + 1,
            "at": timestamp(entry.at - timedelta(hours=1)),
            "actor": None,
            "subject": shapes.person(alice),
            "action": "account.changed",
            "trade": None,
            "detail": {},
        },
    ]


def test_the_log_is_filtered(rest, sara, alice, trade):
    other = open_trade(alice)
    trades.make_move(actor=alice, trade_id=other.pk, move=trades.CANCEL)
    hers = rest(sara)

    assert entries(hers, action="trade.opened") == ["trade.opened"] * 2
    assert set(entries(hers, actor=alice.pk)) == {"trade.opened", "trade.cancelled"}
    assert entries(hers, actor=uuid4()) == entries(hers, action="no.such") == entries(hers, trade="BP-none") == []
    assert entries(hers, trade=other.reference) == entries(hers, trade=other.pk)
    assert entries(hers, trade=other.pk, actor=alice.pk) == ["trade.cancelled", "trade.opened"]


def test_the_log_is_filtered_by_time(rest, sara):
    for action, at in (("a", NOON - timedelta(days=1)), ("b", NOON), ("c", NOON + timedelta(days=1))):
        AuditEntry.objects.create(action=action, at=at)
    hers = rest(sara)

    assert entries(hers) == ["c", "b", "a"]
    assert entries(hers, since="2026-11-20") == ["c", "b"]
    assert entries(hers, until="2026-11-20") == ["b", "a"]
    assert entries(hers, since="2026-11-20", until="2026-11-20") == ["b"]
    assert entries(hers, since="2026-11-20T12:00:00Z", until="2026-11-21T12:00:00Z") == ["b"]
    assert entries(hers, since="2026-11-20T13:00:00+01:00") == ["c", "b"]
    assert entries(hers, until="2026-11-20T13:00:00+01:00") == ["a"]


def test_the_log_is_read_in_pages_and_no_entry_is_missed_where_times_are_equal(rest, sara):
    AuditEntry.objects.bulk_create(AuditEntry(action=str(number), at=NOON) for number in range(7))
    hers = rest(sara)

    seen, page = [], "audit/?limit=3"
    while page:
        _, body = answer(hers.get(page))
        seen += [row["action"] for row in body["results"]]
        page = body["next"]

    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


@pytest.mark.parametrize("name", ["actor", "since", "until", "limit", "action", "trade"])
@pytest.mark.parametrize("value", ["", "x\x00", "x" * 65, "' OR 1=1--"])
def test_a_filter_that_is_none_is_refused(rest, sara, name, value):
    response = rest(sara).get("audit/", **{name: value})

    if name in ("action", "trade") and value == "' OR 1=1--":
        assert answer(response)[1]["results"] == []
    else:
        assert response.status_code == 400
        assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize("value", [value for value in NO_TIMES if "\x00" not in value])
def test_a_time_that_is_none_is_refused(rest, sara, name, value):
    assert pointers(rest(sara).get("audit/", **{name: value})) == [f"/{name}"]


def test_nothing_that_was_said_and_no_token_is_in_the_log(rest, sara, alice, trade):
    secret = "it is 4711 0815"
    send_message(actor=alice, conversation_id=trade.conversation_id, client_id=uuid4(), body=secret)
    hers = rest(sara)
    token = hers._client.defaults["HTTP_AUTHORIZATION"].split(".")[-1]

    text = hers.get("audit/").content.decode()

    assert secret not in text
    assert token not in text


# -- The figures -------------------------------------------------------------------------------------------------------


def test_the_figures_are_those_of_the_dashboard(rest, sara, alice, tina, trade):
    now = timezone.now()
    Trade.objects.update(opened_at=now - timedelta(hours=2), first_response_at=now - timedelta(hours=2, seconds=-90.5))
    User.objects.filter(pk=tina.pk).update(availability="busy")
    queued = open_trade(alice)
    Trade.objects.filter(pk=queued.pk).update(queued_at=now - timedelta(minutes=3))
    AuditEntry.objects.create(action="sla.first_response_missed", trade=queued)
    Connection.objects.create(id=uuid4(), user=alice, expires_at=now + timedelta(minutes=1))
    send_message(actor=alice, conversation_id=trade.conversation_id, client_id=uuid4(), body="hi")

    status, body = answer(rest(sara).get("stats/"))

    hours = body.pop("messages_per_hour")
    oldest = body["queue"].pop("oldest_wait_s")
    assert status == 200
    assert set(body.pop("latencies")) == {"commit_p50_ms", "commit_p99_ms"}
    assert body.pop("at") >= timestamp(now)
    period = {
        "opened": 2,
        "closed": 0,
        "response": {"median_s": 90.5, "p90_s": 90.5},
        "resolution": {"median_s": None, "p90_s": None},
        "missed": {"sla.first_response_missed": 1, "sla.next_response_missed": 0, "sla.resolution_missed": 0},
    }
    assert body == {
        "connections": 1,
        "messages_per_minute": 0.2,
        "queue": {"waiting": 1, "expected_wait_s": None},
        "admins": [
            {
                "user": shapes.person(tina),
                "open_trades": 1,
                "capacity": 10,
                "availability": "busy",
                "presence": "offline",
            }
        ],
        "periods": {"24h": period, "7d": period},
    }
    assert 180 <= oldest < 240
    assert [set(hour) for hour in hours] == [{"start", "messages"}] * 25
    assert sum(hour["messages"] for hour in hours) == 1


def test_the_schema_names_what_is_sent(rest, sara, trade):
    schema = rest().get("/api/schema/", format="json").json()["components"]["schemas"]
    stats, log = rest(sara).get("stats/").json(), rest(sara).get("audit/").json()

    for name, sent in (
        *(("StatsShape", stats), ("QueueShape", stats["queue"]), ("LatencyShape", stats["latencies"])),
        *(("PeriodShape", stats["periods"]["24h"]), ("AdminLoadShape", stats["admins"][0])),
        *(("HourShape", stats["messages_per_hour"][0]), ("AuditShape", log["results"][0])),
    ):
        assert set(schema[name]["properties"]) == set(sent), name


def test_how_long_the_last_in_the_queue_will_wait_is_told_at_the_pace_of_the_last_hour(rest, sara, alice, tina):
    done = [open_trade(alice) for _ in range(4)]
    for trade in done:
        trades.make_move(actor=alice, trade_id=trade.pk, move=trades.CANCEL)
    User.objects.filter(pk=tina.pk).update(availability="busy")
    for _ in range(2):
        open_trade(alice)

    _, body = answer(rest(sara).get("stats/"))

    assert (body["queue"]["waiting"], body["queue"]["expected_wait_s"]) == (2, 30 * 60)


def test_without_anything_the_figures_are_zero_or_null(rest, sara):
    _, body = answer(rest(sara).get("stats/"))

    assert body["queue"] == {"waiting": 0, "oldest_wait_s": None, "expected_wait_s": None}
    assert (body["connections"], body["messages_per_minute"], body["admins"]) == (0, 0.0, [])


# -- The report of trades ----------------------------------------------------------------------------------------------


def table(response):
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8; header=present"
    header, *rows = csv.reader(io.StringIO(response.getvalue().decode(), newline=""))
    assert tuple(header) == HEADER
    return [dict(zip(HEADER, row, strict=True)) for row in rows]


def test_the_report_is_a_download_of_one_row_per_trade(rest, sara, alice, trade):
    nasty = '=cmd|"/c calc"!A1'
    Trade.objects.update(opened_at=NOON, rating=1, rating_comment=f'say "no",\r\n{nasty}', payment_method=nasty)

    response = rest(sara).get("reports/trades.csv", **DAY)

    [row] = table(response)
    assert (row["reference"], row["customer"], row["assignee"]) == (trade.reference, "Alice", "Tina")
    assert (row["rating_comment"], row["payment_method"]) == (f'say "no",\r\n{nasty}', f"'{nasty}")
    assert response["Content-Disposition"] == 'attachment; filename="trades-20261120-20261121.csv"'
    assert (response["Cache-Control"], response["X-Content-Type-Options"]) == ("no-store", "nosniff")
    assert AuditEntry.objects.get(action="report.exported").actor == sara


def test_lines_end_as_rfc_4180_says(rest, sara, trade):
    Trade.objects.update(opened_at=NOON)

    text = rest(sara).get("reports/trades.csv", **DAY).getvalue()

    assert text.count(b"\r\n") == text.count(b"\n") == 2
    assert text.endswith(b"\r\n")


def test_a_day_is_whole_and_a_time_is_exact(rest, sara, alice):
    midnight = NOON.replace(hour=0)
    times = {"a": midnight - timedelta(microseconds=1), "b": midnight, "c": NOON, "d": midnight + timedelta(days=1)}
    for reference, at in times.items():
        trade = open_trade(alice, reference=reference)
        Trade.objects.filter(pk=trade.pk).update(opened_at=at)

    def found(begin, end):
        return [row["reference"] for row in table(rest(sara).get("reports/trades.csv", **{"from": begin, "to": end}))]

    assert found("2026-11-20", "2026-11-20") == ["b", "c"]
    assert found("2026-11-19", "2026-11-21") == ["a", "b", "c", "d"]
    assert found("2026-11-20T00:00:00Z", "2026-11-20T12:00:00Z") == ["b"]
    assert found("2026-11-20T12:00:00Z", "2026-11-20") == ["c"]


def test_without_a_range_it_is_the_last_thirty_days(rest, sara, alice):
    now = timezone.now()
    for reference, days in (("old", 31), ("new", 29), ("now", 0)):
        trade = open_trade(alice, reference=reference)
        Trade.objects.filter(pk=trade.pk).update(opened_at=now - timedelta(days=days))

    assert [row["reference"] for row in table(rest(sara).get("reports/trades.csv"))] == ["new", "now"]


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize("value", NO_TIMES)
def test_a_range_that_is_none_is_refused_and_nothing_is_noted(rest, sara, name, value):
    response = rest(sara).get("reports/trades.csv", **DAY | {name: value})

    if "\x00" in value:
        assert response.status_code == 400
    else:
        assert pointers(response) == [f"/{name}"]
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("begin", "end"),
    [("2026-11-21", "2026-11-20"), ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"), ("2025-01-01", "2026-01-02")],
)
def test_a_range_that_ends_before_it_begins_or_is_too_long_is_refused(rest, sara, begin, end):
    assert pointers(rest(sara).get("reports/trades.csv", **{"from": begin, "to": end})) == ["/from"]


def test_a_year_is_not_too_long(rest, sara):
    assert table(rest(sara).get("reports/trades.csv", **{"from": "2025-01-01", "to": "2026-01-01"})) == []


@pytest.mark.parametrize("wanted", ["text/csv", "*/*", "application/json", "text/html, */*;q=0.1", "text/*"])
def test_whatever_a_client_prefers_it_is_csv(rest, sara, wanted):
    assert table(rest(sara)("get", "reports/trades.csv", Accept=wanted)) == []


def test_a_client_that_takes_pictures_only_gets_nothing(rest, sara):
    assert problem(rest(sara)("get", "reports/trades.csv", Accept="image/png")) == (406, "not_acceptable")


@pytest.mark.parametrize("wanted", ["text/csv", "application/json", "*/*"])
def test_a_refusal_is_a_problem_whatever_was_wanted(rest, tina, wanted):
    assert problem(rest(tina)("get", "reports/trades.csv", Accept=wanted)) == (403, "forbidden")


def test_asking_about_it_is_no_export(rest, sara, tina, trade):
    hers = rest(sara)

    head = hers("head", "reports/trades.csv")
    options = hers("options", "reports/trades.csv")

    assert (head.status_code, head.content, head["Content-Type"][:8]) == (200, b"", "text/csv")
    assert head["Content-Disposition"].startswith('attachment; filename="trades-')
    assert (options.status_code, options["Allow"]) == (200, "GET, HEAD, OPTIONS")
    assert rest(tina)("head", "reports/trades.csv").status_code == 403
    assert not AuditEntry.objects.filter(action="report.exported").exists()


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["audit/", "stats/", "reports/trades.csv"])
def test_there_is_nothing_to_change(rest, sara, method, path):
    assert problem(rest(sara)(method, path)) == (405, "method_not_allowed")
