"""System messages as sentences; an event unknown here is still shown, by its body or its name."""

from chat.terminal.frames import Frame
from chat.terminal.notices import text_of

ROLES = {"trade_admin": "support", "super_admin": "super admin"}
PHRASES = {
    "trade.opened": "Trade{trade} opened",
    "trade.assigned": "{user} takes care of trade{trade}",
    "trade.queued": "Trade{trade} waits for a free colleague{queue}",
    "trade.proof_submitted": "Proof of payment submitted for trade{trade}",
    "trade.approved": "Trade{trade} approved and completed",
    "trade.rejected": "Trade{trade} rejected",
    "trade.cancelled": "Trade{trade} cancelled",
    "trade.expired": "Trade{trade} expired",
    "trade.disputed": "Trade{trade} disputed",
    "trade.resolved": "Dispute of trade{trade} resolved{status}",
    "escalation.opened": "Escalated to a super admin",
    "escalation.taken": "{user} took the escalation",
    "escalation.resolved": "Escalation resolved{decision}",
    "participant.joined": "{user} joined",
    "participant.left": "{user} left",
    "participant.role_changed": "{user} has a new role{role}",
    "conversation.renamed": "Conversation renamed{title}",
    "conversation.closed": "Conversation closed; history stays readable",
    "conversation.reopened": "Conversation reopened",
}


def sentence(message: Frame) -> str:
    """One line of untrusted text: names and reasons come from people."""
    about = message.get("data") or {}
    event = text_of(about.get("event"))
    phrase = PHRASES.get(event)
    if phrase is None:
        readable = event.replace(".", " ").replace("_", " ").capitalize()
        return text_of(message.get("body")) or readable or "System message"
    said = phrase.format_map(_words(about))
    reason = text_of(about.get("reason") or _object(about, "escalation").get("decision_reason"))
    return f"{said}: {reason}" if reason else said


def _words(about: Frame) -> dict[str, str]:
    trade, escalation = _object(about, "trade"), _object(about, "escalation")
    person = about.get("user") or escalation.get("taken_by") or trade.get("assignee")
    return {
        "trade": _tail(" {}", trade.get("reference")),
        "user": _name(person),
        "queue": _tail(", place {} in the queue", trade.get("queue_position")),
        "status": _tail(": {}", trade.get("status")),
        "decision": _tail(": {}", escalation.get("decision")),
        "role": _tail(": {}", about.get("role")),
        "title": _tail(" to “{}”", about.get("title")),
    }


def _object(about: Frame, name: str) -> Frame:
    value = about.get(name)
    return value if isinstance(value, dict) else {}


def _name(person: object) -> str:
    return text_of(person.get("display_name")) if isinstance(person, dict) else "Somebody"


def _tail(template: str, value: object) -> str:
    return template.format(value) if value not in (None, "") else ""
