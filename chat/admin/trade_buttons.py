"""The buttons of a trade's page: what each is called, what it asks, and which action it presses."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.http import QueryDict

from accounts.models import User
from chat.actions import assignment, breakglass, escalations, trades
from chat.enums import OPEN_STATUSES, UNDECIDED_STATUSES, TradeStatus
from chat.errors import Invalid
from chat.models import Trade


@dataclass(frozen=True, slots=True)
class Button:
    """`offered` only tidies the page: whether it may be pressed is decided by the action, each time anew."""

    name: str
    label: str
    done: str
    press: Callable[[User, UUID, QueryDict], object]
    offered: Callable[[User, Trade], bool]
    asks: tuple[str, ...] = ()  # "reason", "note", "colleague", "write"
    tone: str = ""


def _move(move: trades.Move) -> Callable[[User, UUID, QueryDict], object]:
    return lambda actor, trade_id, form: trades.make_move(
        actor=actor, trade_id=trade_id, move=move, reason=form.get("reason", "")
    )


def _hand_over(actor: User, trade_id: UUID, form: QueryDict) -> object:
    return assignment.hand_over(
        actor=actor, trade_id=trade_id, admin_id=_person(form.get("colleague", "")), note=form.get("note", "")
    )


def _release(actor: User, trade_id: UUID, form: QueryDict) -> object:
    return assignment.release(actor=actor, trade_id=trade_id, note=form.get("note", ""))


def _join(actor: User, trade_id: UUID, form: QueryDict) -> object:
    write = form.get("write") == "1"
    return breakglass.join(actor=actor, trade_id=trade_id, reason=form.get("reason", ""), write=write)


def _escalate(actor: User, trade_id: UUID, form: QueryDict) -> object:
    return escalations.escalate(actor=actor, trade_id=trade_id, reason=form.get("reason", ""))


def _person(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("Choose a colleague.", pointer="/colleague") from None


def _is_mine(user: User, trade: Trade) -> bool:
    return trade.assignee_id == user.pk


def _looks_after(user: User, trade: Trade) -> bool:
    return (_is_mine(user, trade) or user.is_super_admin) and trade.assignee_id is not None


def _is_open(trade: Trade) -> bool:
    return trade.status in OPEN_STATUSES


BUTTONS = {
    button.name: button
    for button in (
        Button(
            *("take", "Take", "The trade is yours."),
            press=lambda actor, trade_id, _: assignment.take(actor=actor, trade_id=trade_id),
            offered=lambda user, trade: trade.assignee_id is None and _is_open(trade),
            tone="primary",
        ),
        Button(
            *("approve", "Approve", "The payment is approved and the trade completed."),
            press=_move(trades.APPROVE),
            offered=lambda user, trade: _is_mine(user, trade) and trade.status == TradeStatus.VERIFYING,
            tone="primary",
        ),
        Button(
            *("reject", "Reject", "The payment is rejected."),
            press=_move(trades.REJECT),
            offered=lambda user, trade: _is_mine(user, trade) and trade.status == TradeStatus.VERIFYING,
            asks=("reason",),
            tone="danger",
        ),
        Button(
            *("hand_over", "Hand over", "The trade is handed over."),
            press=_hand_over,
            offered=lambda user, trade: (_is_mine(user, trade) or user.is_super_admin) and _is_open(trade),
            asks=("colleague", "note"),
        ),
        Button(
            *("release", "Release", "The trade is back in the queue."),
            press=_release,
            offered=lambda user, trade: _looks_after(user, trade) and _is_open(trade),
            asks=("note",),
        ),
        Button(
            *("cancel", "Cancel trade", "The trade is cancelled."),
            press=_move(trades.CANCEL),
            offered=lambda user, trade: _is_mine(user, trade) and trade.status in UNDECIDED_STATUSES,
            asks=("reason",),
            tone="danger",
        ),
        Button(
            *("escalate", "Escalate", "Super admins are told."),
            press=_escalate,
            offered=lambda user, trade: _is_mine(user, trade) and _is_open(trade),
            asks=("reason",),
        ),
        Button(  # offered where the chat would be
            *("join", "Open the chat", "The chat is open to you."),
            press=_join,
            offered=lambda user, trade: False,
            asks=("reason", "write"),
        ),
        Button(  # offered where the chat is
            *("leave", "Leave the chat", "You have left the chat."),
            press=lambda actor, trade_id, _: breakglass.leave(actor=actor, trade_id=trade_id),
            offered=lambda user, trade: False,
        ),
    )
}


def offered(user: User, trade: Trade) -> list[Button]:
    return [button for button in BUTTONS.values() if button.offered(user, trade)]
