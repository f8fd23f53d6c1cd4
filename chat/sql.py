"""
Statements of the hot path on PostgreSQL, prepared once per connection and fed with arrays: a batch of any size is the
same statement, so nothing is parsed or planned again. What they mean stands with their callers.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import connection


def is_postgres() -> bool:
    return connection.vendor == "postgresql"


def execute(statement: str, parameters: Sequence[Any]) -> "psycopg.Cursor[tuple[Any, ...]]":
    """Run a prepared statement inside the running transaction. Lists go as arrays, in binary."""
    connection.ensure_connection()
    cursor = psycopg.Cursor(connection.connection)
    with connection.wrap_database_errors:
        return cursor.execute(statement, parameters, prepare=True, binary=True)
