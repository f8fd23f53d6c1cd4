"""The demo's people and one trade with a short chat, made once by the same actions as everything else."""

from decimal import Decimal
from uuid import UUID, uuid5

from django.db import transaction

from accounts.models import Role, User
from chat.actions import messages, trades
from chat.actions.trades import TradeDetails
from chat.enums import TradeSide
from chat.models import Trade

PASSWORD = "parley-demo"
REFERENCE = "BP-1001"
PEOPLE = (
    ("alice@example.com", "Alice", Role.CUSTOMER),
    ("bob@example.com", "Bob", Role.CUSTOMER),
    ("tina@example.com", "Tina", Role.TRADE_ADMIN),
    ("tom@example.com", "Tom", Role.TRADE_ADMIN),
    ("sara@example.com", "Sara", Role.SUPER_ADMIN),
)
CHAT = (
    ("alice", "Hello! I have just sent 600 EUR by SEPA for BP-1001."),
    ("support", "Hi Alice, thank you. I am looking for it now; instant transfers usually take a minute."),
    ("alice", "The bank shows it as executed at 10:42."),
    ("support", "I see it in our account. Please press “I have paid” in the app, then I can release the coins."),
)
NAMESPACE = UUID("9b0f3f0e-5a53-4c0b-9d53-6f1f6f1c8f10")


def fill() -> Trade:
    """What is there already stays as it is."""
    with transaction.atomic():
        for email, name, role in PEOPLE:
            if not User.objects.filter(email=email).exists():
                User.objects.create_user(email, PASSWORD, display_name=name, role=role)
    trade = Trade.objects.select_related("assignee").filter(reference=REFERENCE).first()
    if trade is None:
        trade = _open()
        _talk(trade)
    return trade


def _open() -> Trade:
    details = TradeDetails(
        reference=REFERENCE,
        side=TradeSide.BUY,
        asset="BTC",
        asset_amount=Decimal("0.0100"),
        fiat_currency="EUR",
        fiat_amount=Decimal("600.00"),
        payment_method="SEPA",
    )
    trade, _ = trades.open_trade(actor=User.objects.get(email="alice@example.com"), details=details)
    return trade


def _talk(trade: Trade) -> None:
    assert trade.assignee is not None
    speakers = {"alice": trade.customer, "support": trade.assignee}
    for place, (speaker, text) in enumerate(CHAT):
        messages.send_message(
            actor=speakers[speaker],
            conversation_id=trade.conversation_id,
            client_id=uuid5(NAMESPACE, str(place)),
            body=text,
        )
