"""The tables of the chat. Rows state their own invariants; everything else is an action."""

from chat.models.conversation import Conversation, Participant
from chat.models.event import Event
from chat.models.message import Message, NewMessage
from chat.models.presence import Connection, Presence
from chat.models.trade import AuditEntry, Trade

__all__ = [
    "AuditEntry",
    "Connection",
    "Conversation",
    "Event",
    "Message",
    "NewMessage",
    "Participant",
    "Presence",
    "Trade",
]
