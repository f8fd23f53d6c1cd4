"""
Saying something, the quick way: plain messages in one statement and one round trip, on PostgreSQL.

Plain is a new message by a live socket's person who may write, into an open conversation whose row nobody else holds
and which is not staff's notes. The database function (migration 0006) decides that under the conversations' locks,
gives out the numbers, stores, and says which trades' turn changed. What it leaves is for `messages.send_messages`,
which knows every refusal by name. In a conversation it stores nothing behind what it left, so the order holds.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from accounts.identity import Sender
from chat import eventlog, fanout, metrics, protocol, sql
from chat.actions.messages import Busy, Sent
from chat.actions.standings import Draft
from chat.enums import EventType
from chat.errors import ChatError, Invalid
from chat.models import NewMessage

NAME = b"send_plain"
STATEMENT = b"SELECT * FROM parley_send_plain($1, $2, $3, $4, $5, $6, $7, $8, $9)"
FORMATS = (*[1] * 8, 0)  # arrays in binary, the time as text
Row = tuple[int, int, str, str, UUID | None]  # place from 1 on, seq, sender's name and role, the trade that turned


def parameters(drafts: Sequence[Draft], ids: Sequence[UUID], now: datetime) -> list[bytes]:
    """What the statement takes. A draft of which something is odd goes without its session: so it is left."""
    seen: set[tuple[UUID, UUID]] = set()
    sessions, bodies = [], []
    for draft in drafts:
        odd = draft.key in seen or not _has_body(draft)
        seen.add(draft.key)
        sessions.append(None if odd else draft.session_id)
        bodies.append("" if odd else draft.body)
    return [
        sql.uuid_array(ids),
        sql.uuid_array([draft.conversation_id for draft in drafts]),
        sql.uuid_array([draft.sender_id for draft in drafts]),
        sql.uuid_array(sessions),
        sql.uuid_array([draft.client_id for draft in drafts]),
        sql.uuid_array([draft.reply_to for draft in drafts]),
        sql.text_array([draft.digest for draft in drafts]),
        sql.text_array(bodies),
        now.isoformat().encode(),
    ]


def _has_body(draft: Draft) -> bool:
    try:
        protocol.check_body(draft.body)
    except Invalid:
        return False
    return True


def committed(
    drafts: Sequence[Draft], ids: Sequence[UUID], now: datetime, rows: Iterable[Row]
) -> tuple[list[Sent | ChatError], list[UUID]]:
    """
    One outcome per draft, Busy for what was left, and the trades of which staff are to be told. What was stored goes
    out to everybody.
    """
    outcomes: list[Sent | ChatError] = [Busy()] * len(drafts)
    events = []
    turned: set[UUID] = set()
    for place, seq, name, role, trade_id in rows:
        draft = drafts[place - 1]
        message = NewMessage(
            id=ids[place - 1],
            conversation_id=draft.conversation_id,
            seq=seq,
            sender=Sender(draft.sender_id, name, role),
            client_id=draft.client_id,
            body=draft.body,
            reply_to_id=draft.reply_to,
            created_at=now,
        )
        event = eventlog.Appended(
            EventType.MESSAGE_NEW.value, draft.conversation_id, seq, draft.sender_id, now, message
        )
        events.append(event)
        outcomes[place - 1] = Sent(message, event.message_json, False)
        if trade_id is not None:
            turned.add(trade_id)
    fanout.committed(events)
    metrics.messages.inc(len(events))
    metrics.batch_size.observe(len(drafts))
    return outcomes, list(turned)
