"""Reports that leave the house: who may have them, and that it is written down who had them."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import QuerySet

from accounts.models import User
from accounts.text import timestamp
from chat import reporting
from chat.actions import audit
from chat.errors import Forbidden, Invalid
from chat.models import AuditEntry

MAX_RANGE = timedelta(days=366)
MAX_ASKED = 500


def check_trades(*, actor: User, since: datetime, until: datetime) -> None:
    """Raise unless the person may have the report of trades opened in this time."""
    if not actor.is_super_admin:
        raise Forbidden
    if since >= until:
        raise Invalid("The range ends before it begins.", pointer="/from")
    if until - since > MAX_RANGE:
        raise Invalid(f"The range is at most {MAX_RANGE.days} days.", pointer="/from")


def export_trades(*, actor: User, since: datetime, until: datetime) -> Iterator[list[str]]:
    """For super admins: the rows of reporting.trade_rows, of at most 366 days. That they were asked for is audited."""
    check_trades(actor=actor, since=since, until=until)
    audit.record("report.exported", actor=actor, report="trades", since=timestamp(since), until=timestamp(until))
    return reporting.trade_rows(since, until)


def export_audit(*, actor: User, entries: QuerySet[AuditEntry], asked: str) -> Iterator[list[str]]:
    """For super admins: the chosen entries of the audit log, which then tells of this too. `asked` says which."""
    if not actor.is_super_admin:
        raise Forbidden
    audit.record("report.exported", actor=actor, report="audit", asked=asked[:MAX_ASKED])
    return reporting.audit_rows(entries)
