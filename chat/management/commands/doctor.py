"""`manage.py doctor`: one line per part of the installation, and exit code 1 when one is not well."""

from importlib import import_module
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Check settings, database, migrations, live layer and broker."
    requires_system_checks = []

    def handle(self, *args: object, **options: Any) -> None:
        checkup = import_module("config.checkup")  # the whole installation is above this app
        unwell = 0
        for name, look in checkup.CHECKS.items():
            try:
                self.stdout.write(f"{self.style.SUCCESS('ok')}      {name:<14} {look()}")
            except checkup.Unwell as finding:
                unwell += 1
                self.stdout.write(f"{self.style.ERROR('unwell')}  {name:<14} {finding}")
        if unwell:
            raise SystemExit(1)
