"""People and conversations for tests, made by the real actions wherever there is one."""

from decimal import Decimal
from itertools import count
from typing import Any

from accounts.models import Availability, Role, User
from accounts.tests.factories import UserFactory
from chat.actions import people, trades
from chat.actions.trades import TradeDetails
from chat.enums import ConversationKind, ParticipantRole, TradeSide
from chat.models import Conversation, Trade

_numbers = count(1)


def details(**changes: Any) -> TradeDetails:
    fields: dict[str, Any] = {
        "reference": f"BP-{next(_numbers):05}",
        "side": TradeSide.BUY,
        "asset": "BTC",
        "asset_amount": Decimal("0.0100"),
        "fiat_currency": "EUR",
        "fiat_amount": Decimal("600.00"),
        "payment_method": "SEPA",
    }
    return TradeDetails(**fields | changes)


def open_trade(customer: User, **changes: Any) -> Trade:
    trade, created = trades.open_trade(actor=customer, details=details(**changes))
    assert created
    return trade


def trade_admin(**fields: Any) -> User:
    return UserFactory.create(role=Role.TRADE_ADMIN, **fields)


def busy_admin(**fields: Any) -> User:
    """An admin whom no trade is given to by itself."""
    return trade_admin(availability=Availability.BUSY, **fields)


def group(*members: User, title: str = "Group") -> Conversation:
    """The first is its owner."""
    conversation = Conversation.objects.create(kind=ConversationKind.GROUP.value, title=title)
    for place, member in enumerate(members):
        people.enter(conversation, member, ParticipantRole.MEMBER if place else ParticipantRole.OWNER)
    return conversation
