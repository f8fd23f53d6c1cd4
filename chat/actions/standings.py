"""What the database knows of drafts: who sends, whether they may, whether it was said before. Asked at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from accounts.identity import Sender
from chat import sql


@dataclass(frozen=True)
class Draft:
    """What somebody wants to say. `session_id` is that of a live socket, whose end must hold at once."""

    sender_id: UUID
    conversation_id: UUID
    client_id: UUID
    body: str
    reply_to: UUID | None = None
    session_id: UUID | None = None

    @property
    def key(self) -> tuple[UUID, UUID]:
        return self.sender_id, self.client_id

    @cached_property
    def digest(self) -> str:
        """What a repeat must say again: everything the sender chose."""
        reply_to = b"" if self.reply_to is None else self.reply_to.bytes
        content = self.conversation_id.bytes + reply_to + b"|" + self.body.encode()
        return blake2b(content, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a draft stands. `sender` is None for somebody who may not sign in, `role` for somebody not taking part."""

    sender: Sender | None
    role: str | None
    session_lives: bool
    earlier_id: UUID | None
    reply_conversation_id: UUID | None


def read(drafts: Sequence[Draft]) -> list[Standing]:
    """One Standing per draft. Under READ COMMITTED it sees all that was committed before the locks were had."""
    columns: list[list[Any]] = [
        [getattr(draft, name) for draft in drafts]
        for name in ("conversation_id", "sender_id", "session_id", "client_id", "reply_to")
    ]
    now = timezone.now()
    if sql.is_postgres():
        source = "unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[]) WITH ORDINALITY"
        names = "(conversation, sender, session, client, reply, n)"
        rows = sql.execute(_STANDINGS.format(source=f"SELECT * FROM {source} AS d {names}"), [*columns, now]).fetchall()
        return [_standing(*row) for row in rows]
    return _read_sqlite(columns, now)


def _read_sqlite(columns: list[list[Any]], now: Any) -> list[Standing]:
    places = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(columns[0]))
    parameters = [
        value
        for n, row in enumerate(zip(*columns, strict=True))
        for value in (*(None if part is None else part.hex for part in row), n)
    ]
    with connection.cursor() as cursor:
        cursor.execute(_STANDINGS.format(source=f"VALUES {places}"), [*parameters, now])
        rows = cursor.fetchall()
    return [
        _standing(_id(user_id), name, user_role, role, _id(session_id), _id(earlier_id), _id(reply_id))
        for user_id, name, user_role, role, session_id, earlier_id, reply_id in rows
    ]


def _id(stored: str | None) -> UUID | None:
    return None if stored is None else UUID(stored)


def _standing(
    user_id: UUID | None, name: str, user_role: str, role: str | None, session: UUID | None, earlier: Any, reply: Any
) -> Standing:
    sender = None if user_id is None else Sender(user_id, name, user_role)
    return Standing(sender, role, session is not None, earlier, reply)


_STANDINGS = """
    WITH d (conversation, sender, session, client, reply, n) AS ({source})
    SELECT u.id, u.display_name, u.role, p.role, s.id, m.id, r.conversation_id
    FROM d
    LEFT JOIN accounts_user u ON u.id = d.sender AND u.is_active
    LEFT JOIN chat_participant p ON p.conversation_id = d.conversation AND p.user_id = d.sender AND p.left_at IS NULL
    LEFT JOIN accounts_devicesession s
        ON s.id = d.session AND s.user_id = d.sender AND s.revoked_at IS NULL AND s.expires_at > %s
    LEFT JOIN chat_message m ON m.sender_id = d.sender AND m.client_id = d.client
    LEFT JOIN chat_message r ON r.id = d.reply
    ORDER BY d.n
"""
