"""
Who is told what beside the messages themselves: an entry in the in-app list and a push, in the transaction of what
happened. Nobody is told of what they did, and customers hear nothing of notes or of staff's affairs.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID, uuid5

from accounts.models import Availability, Role, User
from chat import access
from chat.actions import pushes
from chat.enums import SystemEvent, TradeStatus
from chat.eventlog import Appended
from chat.models import Escalation, Trade
from notifications.actions import outbox
from notifications.enums import Kind

QUEUE = UUID("0b3f6a52-6a0f-4d0e-9b6c-3f2f7d1c9e11")  # the thread of all that waits in it: ten trades are one push

TO_CUSTOMER = {
    SystemEvent.TRADE_APPROVED: "Your payment for {reference} was approved. The trade is completed.",
    SystemEvent.TRADE_REJECTED: "Your payment for {reference} was rejected.",
    SystemEvent.TRADE_CANCELLED: "Trade {reference} was cancelled.",
    SystemEvent.TRADE_EXPIRED: "Trade {reference} has expired.",
    SystemEvent.TRADE_RESOLVED: "A super admin has decided about trade {reference}.",
    SystemEvent.ESCALATION_TAKEN: "A super admin has stepped into trade {reference}.",
}
TO_JUDGES = {
    SystemEvent.TRADE_DISPUTED: "Trade {reference} is disputed.",
    SystemEvent.ESCALATION_OPENED: "Trade {reference} was escalated.",
}
TO_ASSIGNEE = TO_JUDGES | {
    SystemEvent.ESCALATION_TAKEN: "A super admin has stepped into trade {reference}.",
    SystemEvent.TRADE_RESOLVED: "A super admin has decided about trade {reference}.",
}
CLOCKS = {
    ("first_response", False): "Trade {reference} waits: its first answer is due soon.",
    ("first_response", True): "Trade {reference} has waited too long for its first answer.",
    ("next_response", False): "Trade {reference} waits: an answer is due soon.",
    ("next_response", True): "Trade {reference} has waited too long for an answer.",
    ("resolution", False): "Trade {reference} should be over soon.",
    ("resolution", True): "Trade {reference} is not over in time.",
}
DEADLINE = {
    TradeStatus.PENDING: "Trade {reference} expires soon: pay, and submit your proof of payment.",
    TradeStatus.VERIFYING: "Trade {reference} expires soon. Support is checking your payment.",
}


def event_said(trade: Trade, event: SystemEvent, said: Appended, *, actor: User | None) -> None:
    """For a system message that was just stored in the trade's conversation."""
    but = None if actor is None else actor.pk
    if event in TO_CUSTOMER:
        _tell([trade.customer_id], trade, TO_CUSTOMER[event], said.message_id, but=but)
    if event in TO_JUDGES:
        _tell(access.super_admins(trade), trade, TO_JUDGES[event], said.message_id, kind=Kind.ESCALATION, but=but)
    if event in TO_ASSIGNEE:
        _tell([trade.assignee_id], trade, TO_ASSIGNEE[event], said.message_id, kind=Kind.ESCALATION, but=but)
    if event is SystemEvent.TRADE_ASSIGNED:
        _tell([trade.assignee_id], trade, "Trade {reference} was given to you.", said.message_id, but=but)
    if event is SystemEvent.TRADE_QUEUED:
        text = "Trade {reference} waits in the queue."
        _tell(_who_may_take(trade), trade, text, said.message_id, but=but, thread=QUEUE, url="/queue")


def _who_may_take(trade: Trade) -> Iterable[UUID]:
    available = User.objects.staff().filter(role=Role.TRADE_ADMIN, availability=Availability.AVAILABLE)
    return available.exclude(pk__in=[trade.customer_id, trade.released_by_id or trade.customer_id]).values_list(
        "pk", flat=True
    )


def clock_told(trade: Trade, clock: str, since: datetime, user_ids: Iterable[UUID], *, is_missed: bool) -> None:
    """A limit of support is near or was missed; once for each wait."""
    cause = uuid5(trade.pk, f"{clock} {is_missed} {since.isoformat()}")
    _tell(user_ids, trade, CLOCKS[clock, is_missed], cause)


def deadline_near(trade: Trade) -> None:
    """To the customer, with what is left to do."""
    cause = uuid5(trade.pk, f"deadline {trade.deadline_at}")
    _tell([trade.customer_id], trade, DEADLINE[TradeStatus(trade.status)], cause)


def escalation_overdue(escalation: Escalation) -> None:
    """Nobody has taken it for long."""
    text = "The dispute of trade {reference} still waits for a super admin."
    cause = uuid5(escalation.pk, "overdue")
    _tell(access.super_admins(escalation.trade), escalation.trade, text, cause, kind=Kind.ESCALATION)


def mentioned(users: Collection[User], note: Appended, trade: Trade) -> None:
    """Colleagues named in a note. Its text is for whoever opens it."""
    assert note.message.sender is not None
    text = f"{note.message.sender.display_name} named you in the notes on {{reference}}."
    user_ids = [user.pk for user in users]
    _tell(user_ids, trade, text, note.message_id, kind=Kind.MENTION, thread=trade.notes_conversation_id)


def _tell(
    user_ids: Iterable[UUID | None],
    trade: Trade,
    text: str,
    cause: UUID,
    *,
    kind: Kind = Kind.TRADE,
    but: UUID | None = None,
    thread: UUID | None = None,
    url: str | None = None,
) -> None:
    told = [user_id for user_id in user_ids if user_id is not None and user_id != but]
    if not told:
        return
    outbox.notify(
        user_ids=told,
        kind=kind,
        cause=cause,
        thread=thread or trade.conversation_id,
        text=text.replace("{reference}", trade.reference),
        url=url or f"/trades/{trade.pk}",
        open_apps=pushes.with_open_app(told),
    )
