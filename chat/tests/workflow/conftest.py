"""The workflow over real servers: one database per module, emptied after it, and servers that live as long."""

from typing import Any

import pytest

from chat.tests.promises.conftest import committed, farm

__all__ = ["committed", "farm"]


@pytest.fixture(autouse=True)
def db(committed: Any) -> None:
    """In place of pytest-django's, which would undo or empty everything after each test, under running servers."""
