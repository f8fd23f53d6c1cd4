"""A pytest plugin (`-p testing.plugin`): one PostgreSQL and one Valkey for the whole run, before settings are read.

A plugin and not a conftest, because pytest-django reads the settings before it loads the first conftest.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from testing import browser
from testing.server import default_environment
from testing.services import Service, start_postgres, start_valkey

_services: list[Service] = []


@pytest.hookimpl(wrapper=True)  # around, and so before, what pytest-django does here
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    """An xdist worker inherits the environment, and with it the services, of the run it belongs to."""
    for name, value in default_environment().items():
        os.environ.setdefault(name, value)
    if "PYTEST_XDIST_WORKER" not in os.environ:
        _services.append(start_postgres(durable=False))
        _services.append(start_valkey())
        os.environ.update(DATABASE_URL=_services[0].url, REDIS_URL=_services[1].url)
    return (yield)


def pytest_report_header() -> list[str]:
    return [*(service.describe for service in _services), browser.describe()]


def pytest_unconfigure() -> None:
    while _services:
        _services.pop().stop()
