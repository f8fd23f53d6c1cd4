"""Trades by the thousand, for what has to stay quick or small with them: one statement per table."""

from datetime import datetime

from django.db import connection

from accounts.models import User


def make_many(customer: User, begin: datetime, number: int) -> None:
    """Cancelled ones, BP-0, BP-1 and so on; the first three were opened at `begin`, the next three a second later."""
    if connection.vendor == "sqlite":
        series = "WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < %s) SELECT n FROM s"
        key, at = "printf('%%s%%028d', '{0}', n)", "datetime(%s, (n / 3) || ' seconds')"
        owner, first = customer.pk.hex, f"{begin:%F %T}"
    else:
        series = "SELECT n FROM generate_series(0, %s) AS n"
        key, at = "('{0}' || lpad(n::text, 28, '0'))::uuid", "%s::timestamptz + n / 3 * interval '1s'"
        owner, first = str(customer.pk), begin.isoformat()
    with connection.cursor() as cursor:
        for mark, kind in (("0001", "trade"), ("0002", "staff_notes")):
            cursor.execute(
                "INSERT INTO chat_conversation (id, kind, title, head, last_activity_at, created_at)"
                f" SELECT {key.format(mark)}, %s, '', 0, {at}, {at} FROM ({series}) AS numbers",
                [kind, first, first, number - 1],
            )
        cursor.execute(
            "INSERT INTO chat_trade (id, reference, customer_id, conversation_id, notes_conversation_id, side, asset,"
            " asset_amount, fiat_currency, fiat_amount, payment_method, status, waiting_on, reassignments,"
            " decision_reason, rating_comment, opened_at, closed_at)"
            f" SELECT {key.format('0003')}, 'BP-' || n, %s, {key.format('0001')}, {key.format('0002')}, 'buy', 'BTC',"
            f" '1', 'EUR', '1', 'SEPA', 'cancelled', 'nobody', 0, '', '', {at}, {at} FROM ({series}) AS numbers",
            [owner, first, first, number - 1],
        )
