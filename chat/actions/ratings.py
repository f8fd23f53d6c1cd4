"""What a customer thinks of how their trade was handled: said once, after its end."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from chat import access
from chat.access import Right
from chat.actions import announcements, audit, words
from chat.enums import CLOSED_STATUSES
from chat.errors import Conflict, Invalid
from chat.models import Trade

LOWEST, HIGHEST = 1, 5


def rate(*, actor: User, trade_id: UUID, rating: int, comment: str = "") -> Trade:
    """Store the rating. Raises Conflict before the trade's end, and for a second one."""
    with transaction.atomic():
        trade = access.lock_trade(actor, trade_id, Right.RATE)
        if not LOWEST <= rating <= HIGHEST:
            raise Invalid(f"A whole number from {LOWEST} to {HIGHEST}.", pointer="/rating")
        words.check(comment, "/comment")
        if trade.status not in CLOSED_STATUSES:
            raise Conflict("A trade is rated once it is over.")
        if trade.rating is not None:
            raise Conflict("This trade has been rated.")
        trade.rating, trade.rating_comment, trade.rated_at = rating, comment, timezone.now()
        trade.save(update_fields=["rating", "rating_comment", "rated_at"])
        audit.record("trade.rated", actor=actor, trade=trade, rating=rating)
        announcements.trade_changed(trade)
    return access.get_trade(actor, trade_id)
