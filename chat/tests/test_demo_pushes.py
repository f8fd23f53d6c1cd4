"""The demo's phones, as a newcomer sees them: who is away gets a push, who is there does not, reading clears badges."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from chat.tests.test_demo import DEADLINE, Demo
from testing.client import RestClient, SocketClient

PASSWORD = "parley-demo"
BOBS = {"ExponentPushToken[demo-bob-phone]", "ExponentPushToken[demo-bob-tablet]"}
IS_BOB = "user_id = (SELECT id FROM accounts_user WHERE email = 'bob@example.com')"
MARK = f"SELECT delivered_seq FROM chat_participant WHERE conversation_id = ? AND {IS_BOB}"
ROWS = "SELECT waits, state, reason FROM notifications_outboxrow WHERE cause = ?"
WITHIN = timedelta(seconds=2)
WITHIN_LOADED = timedelta(seconds=6)  # where others use these cores too


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    demo = Demo(tmp_path)
    server = await demo.serve()
    yield demo
    server.kill()
    await server.wait()


async def sign_in(demo: Demo, name: str) -> RestClient:
    return await RestClient(f"http://127.0.0.1:{demo.port}").login(f"{name}@example.com", PASSWORD)


async def pushes(demo: Demo, **wanted: Any) -> dict[str, dict[str, Any]]:
    """By token the one push that holds all that is wanted, once both of Bob's phones have it."""
    async with asyncio.timeout(DEADLINE), httpx.AsyncClient(trust_env=False) as http:
        while True:
            listed = (await http.get(f"http://127.0.0.1:{demo.phones}/pushes.json")).json()["pushes"]
            found = [push for push in listed if wanted.items() <= push["payload"].items()]
            if {push["payload"]["to"] for push in found} == BOBS:
                assert len(found) == len(BOBS)
                return {push["payload"]["to"]: push for push in found}
            await asyncio.sleep(0.05)


async def said(tina: RestClient, conversation: str, text: str) -> dict[str, Any]:
    answer = await tina.post(f"conversations/{conversation}/messages/", {"client_id": str(uuid4()), "body": text})
    answer.raise_for_status()
    return answer.json()  # type: ignore[no-any-return]


async def test_an_offline_phone_hears_an_open_app_does_not_and_reading_clears_the_badge(demo: Demo) -> None:
    tina, bob = await sign_in(demo, "tina"), await sign_in(demo, "bob")
    trades = (await tina.get("trades/", limit=100)).json()["results"]
    conversation = next(trade["conversation_id"] for trade in trades if trade["reference"] == "BP-1002")

    message = await said(tina, conversation, "Your coins are here.")
    heard = await pushes(demo, title="Trade BP-1002", body="Tina: Your coins are here.", badge=1)
    loaded = os.getloadavg()[0] > (os.cpu_count() or 1)
    for push in heard.values():
        took = datetime.fromisoformat(push["received_at"]) - datetime.fromisoformat(message["created_at"])
        assert took < (WITHIN_LOADED if loaded else WITHIN)

    answer = await bob.post(f"conversations/{conversation}/read/", {"seq": message["seq"]})
    assert answer.status_code == 200
    silent = await pushes(demo, badge=0, _contentAvailable=True)
    assert all("title" not in push["payload"] and "body" not in push["payload"] for push in silent.values())

    async with await SocketClient.connect(f"ws://127.0.0.1:{demo.port}/ws/", token=bob.access) as app:
        await sees(demo, f"SELECT count(*) FROM chat_connection WHERE foreground AND {IS_BOB}", answer=[(1,)])
        there = await said(tina, conversation, "Are you there?")
        await app.wait_for(lambda frame: frame.get("message", {}).get("body") == "Are you there?")
        await sees(demo, ROWS, there["id"], answer=[(1, "pending", "")] * len(BOBS))
        await app.send({"type": "message.delivered", "conversation": conversation, "seq": there["seq"]})
        await sees(demo, MARK, conversation, answer=[(there["seq"],)])
        # As if the time in which the open app is waited for were over.
        await sees(
            demo, "UPDATE notifications_outboxrow SET due_at = created_at WHERE cause = ?", there["id"], answer=[]
        )
        await sees(demo, ROWS, there["id"], answer=[(1, "dropped", "delivered")] * len(BOBS))
    async with httpx.AsyncClient(trust_env=False) as http:
        assert "Are you there?" not in (await http.get(f"http://127.0.0.1:{demo.phones}/pushes.json")).text
    await asyncio.gather(tina.close(), bob.close())


async def sees(demo: Demo, query: str, *ids: str, answer: list[tuple[object, ...]]) -> None:
    """Ask the demo's database until it gives this answer."""
    path = Path(demo.environment["VAR_DIR"]) / "parley.sqlite3"
    keys = [UUID(one).hex for one in ids]
    with closing(sqlite3.connect(path, isolation_level=None, timeout=DEADLINE)) as database:
        async with asyncio.timeout(DEADLINE):
            while database.execute(query, keys).fetchall() != answer:
                await asyncio.sleep(0.05)
