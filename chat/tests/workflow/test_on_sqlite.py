"""The same on the embedded default: trades opened at once by one process on SQLite never overfill an admin."""

import asyncio
import sqlite3
from collections import Counter
from uuid import uuid4

import httpx
import pytest

from chat.tests.embedded.conftest import running_site
from chat.tests.workflow.people import order

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("workflow-sqlite")]

CAPACITIES = (2, 3, 5, 7, 8)
TRADES = 80


def hire(database, capacities):
    with sqlite3.connect(database, timeout=10) as rows:
        columns = [row[1] for row in rows.execute("PRAGMA table_info(accounts_user)")]
        rows.execute("UPDATE accounts_user SET role = 'customer'")
        for room in capacities:
            values = [
                {"id": "?", "email": "?", "role": "'trade_admin'", "capacity": "?"}.get(name, name) for name in columns
            ]
            given = {"id": uuid4().hex, "email": f"room{room}@example.com", "capacity": room}
            rows.execute(
                f"INSERT INTO accounts_user SELECT {', '.join(values)} FROM accounts_user WHERE email LIKE 'bob@%'",
                [given[name] for name in columns if name in given],
            )
    rows.close()


def read(database, query):
    with sqlite3.connect(database, timeout=10) as rows:
        found = rows.execute(query).fetchall()
    rows.close()
    return found


HELD = """SELECT u.capacity FROM chat_trade t JOIN accounts_user u ON u.id = t.assignee_id
          WHERE t.status IN ('pending', 'verifying', 'disputed')"""
IN_ORDER = """SELECT t.opened_at FROM chat_trade t
              JOIN chat_auditentry q ON q.trade_id = t.id AND q.action = 'trade.queued'
              JOIN chat_auditentry g ON g.trade_id = t.id AND g.action = 'trade.assigned' ORDER BY g.id"""


async def test_trades_opened_at_once_fill_everybody_and_the_queue_moves_in_order(tmp_path):
    with running_site(tmp_path, "uvicorn") as site:
        database = tmp_path / "site.sqlite3"
        hire(database, CAPACITIES)
        headers = {"Authorization": f"Bearer {site.tokens['alice']}"}
        url = f"{site.server.http_url}/api/v1/"
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False) as alice:
            gate = asyncio.Semaphore(16)

            async def post(path, body):
                async with gate:
                    return await alice.post(path, json=body)

            opened = await asyncio.gather(*(post("trades/", order()) for _ in range(TRADES)))
            assert {answer.status_code for answer in opened} == {201}
            assert Counter(row[0] for row in read(database, HELD)) == {room: room for room in CAPACITIES}

            held = [answer.json()["id"] for answer in opened if answer.json()["assignee"]][:10]
            ended = await asyncio.gather(*(post(f"trades/{trade}/cancel/", {}) for trade in held))
            assert {answer.status_code for answer in ended} == {200}

        assert Counter(row[0] for row in read(database, HELD)) == {room: room for room in CAPACITIES}
        given = [row[0] for row in read(database, IN_ORDER)]
        assert (len(given), given) == (10, sorted(given))
