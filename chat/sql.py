"""
Statements of the hot path on PostgreSQL, prepared once per connection and fed with arrays: a batch of any size is the
same statement, so nothing is parsed or planned again. What they mean stands with their callers.
"""

from collections.abc import Sequence
from struct import pack
from typing import Any
from uuid import UUID

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


_UUID, _TEXT = 2950, 25  # their types in pg_type
_NULL = b"\xff\xff\xff\xff"


def uuid_array(values: Sequence[UUID | None]) -> bytes:
    """A `uuid[]` in PostgreSQL's binary form (array_recv in its arrayfuncs.c)."""
    items = [_NULL if value is None else b"\x00\x00\x00\x10" + value.bytes for value in values]
    return _array(_UUID, items)


def text_array(values: Sequence[str]) -> bytes:
    """A `text[]` in the same form, for a database in UTF-8."""
    encoded = [value.encode() for value in values]
    return _array(_TEXT, [len(item).to_bytes(4, "big") + item for item in encoded])


def _array(element: int, items: list[bytes]) -> bytes:
    """One dimension that begins at 1; an item is its length and its bytes."""
    return pack("!5I", 1, 1, element, len(items), 1) + b"".join(items)
