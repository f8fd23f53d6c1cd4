"""Django admin for trade support. It shows; whether something may be done is decided by the actions, as everywhere."""

from chat.admin.audit import AuditEntryAdmin
from chat.admin.canned_replies import CannedReplyAdmin
from chat.admin.conversations import ConversationAdmin
from chat.admin.escalations import EscalationAdmin
from chat.admin.trades import TradeAdmin

__all__ = ["AuditEntryAdmin", "CannedReplyAdmin", "ConversationAdmin", "EscalationAdmin", "TradeAdmin"]
