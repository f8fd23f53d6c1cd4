"""`manage.py chat`: the terminal client; everything it does goes over the public wire."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.terminal import cli, safe
from chat.terminal.errors import TerminalError


class Command(BaseCommand):
    help = "Chat in the terminal, over the real WebSocket: two terminals are a chat."
    # It needs a server, not this project's database or settings.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        cli.add_arguments(parser)

    def handle(self, *args: object, **options: Any) -> None:
        try:
            code = cli.run(options["email"], options["trade"], options["password"], options["url"], options["otp"])
        except TerminalError as error:
            raise CommandError(safe.one_line(str(error))) from error
        sys.exit(code)
