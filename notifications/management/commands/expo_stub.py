"""`manage.py expo_stub`: a stand-in for Expo's push service on this machine, to try pushes without a phone."""

import signal
import threading
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from notifications.expostub import rules
from notifications.expostub.server import API, HOST, ExpoStub

PATTERNS = "\n".join(
    [
        "A push to a token fails by what stands between its brackets:",
        "",
        *(f"  {pattern:<12} its ticket says {error}" for pattern, error in rules.ERRORS.items()),
        *(f"  {pattern:<12} its receipt says {error}" for pattern, error in rules.LATE_ERRORS.items()),
        f"  {rules.NO_RECEIPT:<12} it has no receipt",
        "",
        "The next requests fail after POST /control with a JSON object:",
        "",
        '  {"fault": "503", "times": 3}                      this status; any of 400 to 599',
        '  {"fault": "429", "times": 1, "retry_after": "7"}  too many requests',
        '  {"fault": "hang", "seconds": 15, "accept": true}  a late answer, with or without the pushes accepted',
        '  {"fault": "cut", "accept": true}                  no answer; {"fault": "badjson"}: half a one',
        '  {"clear": true}, {"clear_faults": true}           forget the pushes, or the faults',
    ]
)


class Command(BaseCommand):
    help = f"Serve Expo's push API on {HOST}, and a page that shows the phones, until Ctrl-C."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = PATTERNS
        parser.add_argument("--port", type=int, default=8081, help="Default: 8081.")
        parser.add_argument("--access-token", default="", help="Refuse requests that do not carry this one.")

    def handle(self, *args: object, port: int, access_token: str, **options: Any) -> None:
        over = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: over.set())
        try:
            stub = ExpoStub(port, access_token=access_token).start()
        except (OSError, OverflowError) as error:
            raise CommandError(f"Port {port} cannot be had. Choose another with --port.") from error
        try:
            self.stdout.write(f"Phones on {stub.url}/ and Expo's API below {stub.url}{API}/.")
            self.stdout.write(f"Servers and workers push here with EXPO_URL={stub.url}. Ctrl-C ends it.")
            self.stdout.flush()
            over.wait()
        finally:
            stub.stop()
