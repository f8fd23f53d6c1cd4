"""`manage.py demo`: everything in one process on embedded defaults, with people to log in as and a day's work."""

import socket
import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from chat import fanout
from chat.actions import demo, demo_phones
from chat.management.workers import InProcessCelery
from chat.models import Trade
from chat.protocol import MAX_FRAME_BYTES
from notifications.expostub.server import ExpoStub

HOST = "127.0.0.1"


class Command(BaseCommand):
    help = "Fill the database with demo people and a day's trades, and serve it on 127.0.0.1 until Ctrl-C."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed-only", action="store_true", help="Only fill the database in use, then end.")
        parser.add_argument("--port", type=int, default=settings.PORT, help="Default: $PORT, or 8000.")

    def handle(self, *args: object, seed_only: bool, port: int, **options: Any) -> None:
        if not seed_only:
            _check_port(port, "PORT=8001")
            if settings.EXPO_STUB_PORT:
                _check_port(settings.EXPO_STUB_PORT, "EXPO_STUB_PORT=8101")
        call_command("migrate", verbosity=0, interactive=False)
        if sys.stderr.isatty() and not demo.is_filled():
            sys.stderr.write("Telling the demo's day; a few seconds …\n")
        trade = demo.fill()
        self.stdout.write(_people())
        if seed_only:
            fanout.flush()  # servers that run on this database hear of it at once
            return
        self.stdout.write(_welcome(port, trade))
        with ExitStack() as running:
            if settings.EXPO_STUB_PORT:
                # Only beside a stub: the real Expo knows no such phones.
                command = _chat_command(port, demo_phones.add())
                stub = running.enter_context(ExpoStub(settings.EXPO_STUB_PORT, command=command))
                self.stdout.write(_phones(stub.url, command))
            self.stdout.write("\nCtrl-C ends it; the data stays in var/.\n")
            self.stdout.flush()
            running.enter_context(InProcessCelery())
            uvicorn.run(
                "config.asgi:application",
                host=HOST,
                port=port,
                ws="websockets-sansio",
                ws_max_size=MAX_FRAME_BYTES,
                ws_ping_interval=20,
                ws_ping_timeout=10,
                ws_per_message_deflate=False,
                proxy_headers=False,
                log_config=None,
                access_log=False,
            )


def _check_port(port: int, other: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CommandError(f"Port {port} is taken. Choose another: {other} make demo") from error


def _people() -> str:
    lines = [f"  {email:<20} {role.label.lower().replace('_', ' ')}" for email, _, role in demo.PEOPLE]
    return "\n".join([f"People (password {demo.PASSWORD}):", *lines])


def _welcome(port: int, trade: Trade) -> str:
    here = f"http://{HOST}:{port}"
    database = "SQLite in var/" if settings.DATABASE_KIND == "sqlite" else "PostgreSQL"
    layer = "Redis" if settings.REDIS_URL else "in-memory"
    assignee = trade.assignee.email if trade.assignee else "nobody yet"
    return f"""
Parley is serving. Database: {database}; live layer: {layer}; Celery: in this process.

  API page        {here}/api/docs/
  Django admin    {here}/admin/  (staff; as Sara with the dashboard of the whole team)
  Figures         {here}/api/v1/stats/ and reports/trades.csv  (Sara's token)
  Trade {trade.reference}   Alice's, looked after by {assignee}
  A day's work    BP-0982 to BP-1000: every state, a dispute that waits for Sara, two customers in the queue

Chat in two more terminals:

  {_chat("alice@example.com", port)}
  {_chat(assignee, port)} --trade {trade.reference}
"""


def _phones(page: str, command: str) -> str:
    return f"""
Pushes go to phones on this machine: {page}/

  1. Open that page.
  2. Write to Bob, who is offline:  {command}
  3. It is on both of his phones within two seconds. Read it as bob@example.com: their badges go, silently.
"""


def _chat_command(port: int, trade: Trade) -> str:
    assert trade.assignee is not None
    return f"{_chat(trade.assignee.email, port)} --trade {trade.reference}"


def _chat(email: str, port: int) -> str:
    python = sys.executable if "venv" not in sys.executable else ".venv/bin/python"
    suffix = "" if port == 8000 else f" --url http://{HOST}:{port}"
    return f"{python} manage.py chat --as {email}{suffix}"
