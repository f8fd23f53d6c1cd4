"""What the tests of the workflow share: moving a trade along, and what was said of it."""

from datetime import timedelta

from django.utils import timezone

from accounts.ids import new_id
from accounts.models import User
from chat import presence
from chat.actions import trades
from chat.actions.trades import DISPUTE, PROOF, REJECT, Move
from chat.models import AuditEntry, Connection, Conversation, Participant, Presence, Trade
from chat.presence import Change


def move(actor: User, trade: Trade, step: Move, reason: str = "") -> Trade:
    return trades.make_move(actor=actor, trade_id=trade.pk, move=step, reason=reason)


def rejected(trade: Trade) -> Trade:
    """By its assignee, after its customer's proof."""
    move(trade.customer, trade, PROOF)
    assert trade.assignee is not None
    return move(trade.assignee, trade, REJECT, "no money came")


def disputed(trade: Trade, reason: str = "I have paid") -> Trade:
    return move(trade.customer, rejected(trade), DISPUTE, reason)


def said(conversation: Conversation) -> list[str]:
    """The system events of a conversation, in order."""
    messages = conversation.messages.filter(kind="system").order_by("seq")
    return [message.data["event"] for message in messages]


def present(conversation: Conversation) -> dict[str, str]:
    """Who takes part in it, by name, and as what."""
    rows = Participant.objects.current().filter(conversation=conversation).order_by("id")
    return dict(rows.values_list("user__display_name", "role"))


def trail(trade: Trade) -> list[str]:
    """The audit trail of a trade, in order."""
    return list(AuditEntry.objects.filter(trade=trade).order_by("id").values_list("action", flat=True))


def ago(trade: Trade, **fields: timedelta) -> Trade:
    """The trade, as if something had happened so long ago."""
    now = timezone.now()
    Trade.objects.filter(pk=trade.pk).update(**{name: now - age for name, age in fields.items()})
    return Trade.objects.complete().get(pk=trade.pk)


def here(user: User) -> None:
    """The person has a live socket."""
    presence.note([Change(new_id(), user.pk)])


def gone(user: User, since: timedelta = timedelta(0)) -> None:
    """The person's last lease has run out, and that was announced."""
    Connection.objects.filter(user=user).update(expires_at=timezone.now() - timedelta(seconds=1))
    presence.sweep()
    at = timezone.now() - since
    Presence.objects.update_or_create(user=user, defaults={"status": "offline", "last_active": at})
