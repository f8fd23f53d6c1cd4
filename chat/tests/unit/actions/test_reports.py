"""Who may have the report of trades, and that it is written down."""

from datetime import UTC, datetime, timedelta

import pytest

from chat.actions import reports
from chat.errors import Forbidden, Invalid
from chat.models import AuditEntry, Trade

START = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=366)


def test_a_super_admin_has_the_report_and_it_is_audited(sara, trade):
    Trade.objects.update(opened_at=START)

    rows = list(reports.export_trades(actor=sara, since=START, until=START + YEAR))

    assert [row[0] for row in rows] == ["reference", trade.reference]
    entry = AuditEntry.objects.get(action="report.exported")
    assert (entry.actor, entry.trade, entry.detail) == (
        sara,
        None,
        {"report": "trades", "since": "2026-01-01T00:00:00.000Z", "until": "2027-01-02T00:00:00.000Z"},
    )


@pytest.mark.parametrize("name", ["alice", "tina"])
def test_nobody_else_has_it(request, name):
    with pytest.raises(Forbidden):
        reports.export_trades(actor=request.getfixturevalue(name), since=START, until=START + YEAR)

    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("length", [timedelta(0), -YEAR, YEAR + timedelta(microseconds=1)])
def test_a_range_that_is_none_or_too_long_is_refused(sara, length):
    with pytest.raises(Invalid) as refused:
        reports.export_trades(actor=sara, since=START, until=START + length)

    assert refused.value.pointer == "/from"
    assert not AuditEntry.objects.exists()


def test_the_audit_log_is_for_super_admins_too_and_tells_of_its_own_export(sara, tina, trade):
    with pytest.raises(Forbidden):
        reports.export_audit(actor=tina, entries=AuditEntry.objects.all(), asked="")
    opened = AuditEntry.objects.filter(action="trade.opened")

    rows = list(reports.export_audit(actor=sara, entries=opened, asked="action=trade.opened" + "x" * 600))

    assert [row[1] for row in rows] == ["action", "trade.opened"]
    entry = AuditEntry.objects.get(action="report.exported")
    assert (entry.actor, entry.detail["report"], len(entry.detail["asked"])) == (sara, "audit", 500)
