"""The report of trades from a real server: it begins at once, comes in pieces, and needs no room for all of them."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from chat.tests.conftest import access_token
from chat.tests.many import make_many

pytestmark = pytest.mark.django_db(transaction=True)

TRADES = 20_000
RANGE = {"from": "2026-11-20", "to": "2026-11-21"}


def memory_mb(pid):
    """What the process has ever held at once."""
    [line] = [row for row in Path(f"/proc/{pid}/status").read_text().splitlines() if row.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def test_twenty_thousand_trades_stream_through_a_server_of_constant_size(server, alice, sara):
    make_many(alice, datetime(2026, 11, 20, tzinfo=UTC), TRADES)
    client = httpx.Client(
        base_url=server.http_url, headers={"Authorization": f"Bearer {access_token(sara)}"}, trust_env=False
    )
    client.get("/api/v1/reports/trades.csv", params={"from": "2026-01-01", "to": "2026-01-02"}).raise_for_status()
    before = memory_mb(server.process.pid)

    with client.stream("GET", "/api/v1/reports/trades.csv", params=RANGE, headers={"Accept": "text/csv"}) as answer:
        kind, length = answer.headers["Content-Type"], answer.headers.get("Content-Length")
        pieces = [piece.count(b"\r\n") for piece in answer.iter_raw()]

    assert (kind, length) == ("text/csv; charset=utf-8; header=present", None)
    assert sum(pieces) == TRADES + 1
    assert len(pieces) >= TRADES / 500
    assert memory_mb(server.process.pid) - before < 16
