"""What every test may use: people with their roles, and a database that real server processes see too."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from accounts.throttling import request_buckets
from chat import fanout


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """Limits and the publishing thread belong to a process; each test starts with fresh ones."""
    request_buckets.cache_clear()
    yield
    fanout.flush()


@pytest.fixture
def database_url(transactional_db: None) -> str:
    """The test database as a server process needs it. What is to be seen there has to be committed."""
    if connection.vendor == "sqlite":
        return f"sqlite:///{connection.settings_dict['NAME']}"
    return urlsplit(settings.DATABASE_URL)._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
