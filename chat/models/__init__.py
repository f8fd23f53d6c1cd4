"""The tables of the chat. Rows state their own invariants; everything else is an action."""

from chat.models.canned_reply import CannedReply
from chat.models.conversation import Conversation, Participant
from chat.models.escalation import Escalation
from chat.models.event import Event
from chat.models.message import Message, NewMessage
from chat.models.people import Block, Mention
from chat.models.presence import Connection, Presence
from chat.models.trade import AuditEntry, Trade

__all__ = [
    "AuditEntry",
    "Block",
    "CannedReply",
    "Connection",
    "Conversation",
    "Escalation",
    "Event",
    "Mention",
    "Message",
    "NewMessage",
    "Participant",
    "Presence",
    "Trade",
]
