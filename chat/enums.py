"""The closed sets of words that the database and the wire share."""

from enum import IntEnum, StrEnum


class ConversationKind(StrEnum):
    TRADE = "trade"
    STAFF_NOTES = "staff_notes"
    DIRECT = "direct"
    GROUP = "group"


class ParticipantRole(StrEnum):
    OWNER = "owner"
    MODERATOR = "moderator"
    MEMBER = "member"
    OBSERVER = "observer"  # reads, and says nothing; in a direct conversation both, while one blocks the other


class MessageKind(StrEnum):
    TEXT = "text"
    SYSTEM = "system"


class EventType(StrEnum):
    """What the log of a conversation holds; each is also the `type` of the live frame."""

    MESSAGE_NEW = "message.new"


class TradeSide(StrEnum):
    BUY = "buy"
    SELL = "sell"


class TradeStatus(StrEnum):
    PENDING = "pending"
    VERIFYING = "verifying"
    COMPLETED = "completed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DISPUTED = "disputed"


UNDECIDED_STATUSES = (TradeStatus.PENDING, TradeStatus.VERIFYING)  # these may be cancelled, and run out
OPEN_STATUSES = (*UNDECIDED_STATUSES, TradeStatus.DISPUTED)  # somebody looks after it, or it waits in the queue
CLOSED_STATUSES = (TradeStatus.COMPLETED, TradeStatus.REJECTED, TradeStatus.CANCELLED, TradeStatus.EXPIRED)


class EscalationStatus(StrEnum):
    OPEN = "open"
    TAKEN = "taken"
    RESOLVED = "resolved"


UNRESOLVED_STATUSES = (EscalationStatus.OPEN, EscalationStatus.TAKEN)


class WaitingOn(StrEnum):
    CUSTOMER = "customer"
    SUPPORT = "support"
    NOBODY = "nobody"


class SystemEvent(StrEnum):
    """`data.event` of a system message, so that no client ever parses text."""

    TRADE_OPENED = "trade.opened"
    TRADE_ASSIGNED = "trade.assigned"
    TRADE_QUEUED = "trade.queued"
    TRADE_PROOF_SUBMITTED = "trade.proof_submitted"
    TRADE_APPROVED = "trade.approved"
    TRADE_REJECTED = "trade.rejected"
    TRADE_CANCELLED = "trade.cancelled"
    TRADE_EXPIRED = "trade.expired"
    TRADE_DISPUTED = "trade.disputed"
    TRADE_RESOLVED = "trade.resolved"
    ESCALATION_OPENED = "escalation.opened"
    ESCALATION_TAKEN = "escalation.taken"
    ESCALATION_RESOLVED = "escalation.resolved"
    PARTICIPANT_JOINED = "participant.joined"
    PARTICIPANT_LEFT = "participant.left"
    PARTICIPANT_ROLE_CHANGED = "participant.role_changed"
    CONVERSATION_RENAMED = "conversation.renamed"
    CONVERSATION_CLOSED = "conversation.closed"
    CONVERSATION_REOPENED = "conversation.reopened"


class PresenceStatus(StrEnum):
    ONLINE = "online"
    IDLE = "idle"
    OFFLINE = "offline"


class CloseCode(IntEnum):
    """Why the server ends a socket; docs/protocol.md says what a client does next."""

    NORMAL = 1000
    UNSUPPORTED_DATA = 1003
    FAULT = 1011
    RESTART = 1012
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403
    NO_AUTH_IN_TIME = 4408
    LOGGED_OUT = 4409
    TOO_LARGE = 4413
    TOO_SLOW = 4290
    TOO_MANY_FRAMES = 4429
    TRY_LATER = 4503
