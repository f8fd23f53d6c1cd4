"""The one column type Django lacks here: an exact decimal that keeps the digits it was given."""

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class AmountField(models.Field):  # type: ignore[type-arg]  # the stubs' parameters are for their plugin
    """
    A Decimal of any scale. PostgreSQL's `numeric` without a scale returns "100.00" as it was written; SQLite has only
    floating point for numbers, so there the digits are kept as text.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "numeric" if connection.vendor == "postgresql" else "text"

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Decimal | None:
        return None if value is None else Decimal(value)

    def to_python(self, value: Any) -> Decimal | None:
        return None if value is None else Decimal(value)

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        if value is None or connection.vendor == "postgresql":
            return value
        return format(value, "f")
