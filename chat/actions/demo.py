"""The demo's people, one trade with a short chat, and a day's worth of others, made once by the real actions."""

from decimal import Decimal
from uuid import UUID, uuid5

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from accounts.models import Role, User
from chat.actions import assignment, demo_day, messages, trades
from chat.actions.demo_story import NEWCOMERS
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
    *NEWCOMERS,
)
CHAT = (
    ("alice", "Hello! I have just sent 600 EUR by SEPA for BP-1001."),
    ("support", "Hi Alice, thank you. I am looking for it now; instant transfers usually take a minute."),
    ("alice", "The bank shows it as executed at 10:42."),
    ("support", "I see it in our account. Please press “I have paid” in the app, then I can release the coins."),
)
NAMESPACE = UUID("9b0f3f0e-5a53-4c0b-9d53-6f1f6f1c8f10")


def fill() -> Trade:
    """
    The trade to begin with. What is there already stays as it is; what an earlier version did not make is added. The
    day is told once, and not where somebody has used one of its references.
    """
    with transaction.atomic():
        _add_people()
        trade = Trade.objects.select_related("assignee").filter(reference=REFERENCE).first()
        if trade is None:
            assignment.drain_queue()  # whoever waited for admins comes first
            trade = _open()
            _talk(trade)
        if is_to_be_filled():
            demo_day.tell(timezone.now())
    return trade


def is_to_be_filled() -> bool:
    """Whether `fill()` has something to do that takes a moment."""
    return not demo_day.is_told()


def _add_people() -> None:
    """With one hash of the one password: making one takes as long as it is meant to."""
    known = set(User.objects.filter(email__in=[email for email, _, _ in PEOPLE]).values_list("email", flat=True))
    missing = [person for person in PEOPLE if person[0] not in known]
    password = make_password(PASSWORD) if missing else ""
    for email, name, role in missing:
        User.objects.create(email=email, password=password, display_name=name, role=role)


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
