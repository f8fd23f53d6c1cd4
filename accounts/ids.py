"""The one kind of public id: UUIDv7. It spreads index writes well; nobody may read an order out of it."""

from datetime import datetime
from uuid import UUID

import uuid_utils


def new_id() -> UUID:
    return UUID(int=uuid_utils.uuid7().int)


def first_id_at(moment: datetime) -> UUID:
    """No id made at this moment or later is below it: where to begin in an index of ids, never what to count by."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)  # 48 bits of milliseconds, RFC 9562 section 5.7
