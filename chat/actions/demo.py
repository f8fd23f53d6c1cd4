"""The demo's people, one trade with a short chat, and a day's worth of others, made once by the real actions."""

from decimal import Decimal
from uuid import UUID, uuid5

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from accounts.ids import new_id
from accounts.models import Role, User
from chat.actions import assignment, demo_day, messages, trades
from chat.actions.demo_story import NEWCOMERS
from chat.actions.trades import TradeDetails
from chat.enums import TradeSide
from chat.models import Trade

PASSWORD = "parley-demo"
REFERENCE = "BP-1001"
FIRST_ADMIN = "tina"
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
    The trade to begin with. What is there already stays as it is; what an earlier version did not make is added.
    """
    with transaction.atomic():
        _add_people()
        if not Trade.objects.filter(reference=REFERENCE).exists():
            with demo_day.on_duty(FIRST_ADMIN):
                _talk(_open())
        if demo_day.can_be_told(PEOPLE):
            demo_day.tell(timezone.now())
    return Trade.objects.select_related("assignee").get(reference=REFERENCE)


def is_filled() -> bool:
    """Whether there is nothing to add but people."""
    return Trade.objects.filter(reference=REFERENCE).exists() and not demo_day.can_be_told(PEOPLE)


def _add_people() -> None:
    """With one hash of the one password: making one takes as long as it is meant to."""
    known = set(User.objects.filter(email__in=[email for email, _, _ in PEOPLE]).values_list("email", flat=True))
    missing = [person for person in PEOPLE if person[0] not in known]
    password = make_password(PASSWORD) if missing else ""
    ids = sorted(new_id() for _ in missing)  # who stands first in the list is who has been there for longest
    User.objects.bulk_create(
        User(id=key, email=email, password=password, display_name=name, role=role)
        for key, (email, name, role) in zip(ids, missing, strict=True)
    )


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
    return open_trade(person("alice"), details)


def open_trade(customer: User, details: TradeDetails) -> Trade:
    """One that an admin looks after."""
    trade, _ = trades.open_trade(actor=customer, details=details)
    if trade.assignee is None:  # others wait in the queue of a database that was in use
        trade = assignment.take(actor=person(FIRST_ADMIN), trade_id=trade.pk)
    return trade


def person(name: str) -> User:
    return User.objects.get(email=f"{name}@example.com")


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
