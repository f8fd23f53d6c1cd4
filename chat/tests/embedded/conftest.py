"""A site that needs no service: SQLite, the in-memory layer, one process; and its people, who came over REST."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from testing.client import SocketClient
from testing.server import ServerName, ServerProcess, default_environment
from testing.watchdog import PROJECT_ROOT

PASSWORD = "correct horse battery"
ROLES = {"alice": "customer", "bob": "customer", "tina": "trade_admin"}


@dataclass(frozen=True)
class Site:
    server: ServerProcess
    tokens: dict[str, str]

    def call(self, name: str, method: str, path: str, body: Any = None) -> Any:
        """The JSON of a REST call that is not refused."""
        headers = {"Authorization": f"Bearer {self.tokens[name]}"}
        url = f"{self.server.http_url}/api/v1/{path}"
        answer = httpx.request(method, url, json=body, headers=headers, timeout=10, trust_env=False)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def open_trade(self, name: str = "alice") -> dict[str, Any]:
        details = {"side": "buy", "asset": "BTC", "asset_amount": "0.010", "fiat_currency": "EUR"}
        details |= {"fiat_amount": "600.00", "payment_method": "SEPA", "reference": uuid4().hex}
        return self.call(name, "POST", "trades/", details)

    async def connect(self, name: str) -> SocketClient:
        return await SocketClient.connect(self.server.ws_url, token=self.tokens[name])

    async def call_aside(self, *call: Any) -> Any:
        """The same as `call`, while sockets of this loop go on reading."""
        return await asyncio.to_thread(self.call, *call)


def _sign_up(server: ServerProcess, database: Path) -> dict[str, str]:
    with httpx.Client(base_url=f"{server.http_url}/api/v1/auth/", trust_env=False, timeout=20) as client:
        people = {name: {"email": f"{name}@example.com", "password": PASSWORD} for name in ROLES}
        for name, body in people.items():
            client.post("register/", json=body | {"display_name": name.title()}).raise_for_status()
        with sqlite3.connect(database, timeout=10) as rows:
            rows.executemany(
                "UPDATE accounts_user SET role = ? WHERE email LIKE ?", [(r, f"{n}@%") for n, r in ROLES.items()]
            )
        rows.close()
        return {
            name: client.post("token/", json=body).raise_for_status().json()["access"] for name, body in people.items()
        }


@contextmanager
def running_site(folder: Path, server: ServerName) -> Iterator[Site]:
    database = folder / "site.sqlite3"
    env = {"DATABASE_URL": f"sqlite:///{database}", "REDIS_URL": ""}
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd=PROJECT_ROOT, env=default_environment() | env, check=True, timeout=60)
    with ServerProcess(env, server=server) as process:
        yield Site(process, _sign_up(process, database))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site"), "uvicorn") as found:
        yield found
