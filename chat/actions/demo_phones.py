"""Phones for the demo's customers, on the stub that stands in for Expo, and a trade in which Bob can be written to."""

from decimal import Decimal
from itertools import count

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import DeviceSession
from chat.actions import demo, demo_day, messages, receipts
from chat.actions.receipts import Mark
from chat.actions.trades import TradeDetails
from chat.enums import OPEN_STATUSES, TradeSide
from chat.models import Trade
from notifications.actions import devices
from notifications.enums import Platform
from notifications.models import Device

FIRST_NUMBER = 1002
GREETING = "Hi Bob, I am here if you need me. You can close the app: your phone tells you when I write."
PHONES = (
    ("bob", "demo-bob-phone", "Bob's phone", Platform.IOS),
    ("bob", "demo-bob-tablet", "Bob's tablet", Platform.ANDROID),
    ("alice", "demo-alice-phone", "Alice's phone", Platform.IOS),
)


def add() -> Trade:
    """Bob's open trade, which an admin looks after. What is there already stays; what has run out is made anew."""
    with transaction.atomic():
        trade = _open_trade()
        for name, key, title, platform in PHONES:
            _add_phone(name, key, title, platform)
    return trade


def _open_trade() -> Trade:
    bob = demo.person("bob")
    open_ones = Trade.objects.filter(
        customer=bob, status__in=OPEN_STATUSES, deadline_at__gt=timezone.now(), assignee__isnull=False
    )
    found = open_ones.select_related("assignee").order_by("opened_at").first()
    if found is not None:
        return found
    references = (f"BP-{number}" for number in count(FIRST_NUMBER))
    details = TradeDetails(
        reference=next(one for one in references if not Trade.objects.filter(reference=one).exists()),
        side=TradeSide.SELL,
        asset="USDT",
        asset_amount=Decimal("250"),
        fiat_currency="EUR",
        fiat_amount=Decimal("232.50"),
        payment_method="SEPA",
    )
    with demo_day.on_duty(demo.FIRST_ADMIN):
        trade = demo.open_trade(bob, details)
    assert trade.assignee is not None
    sent = messages.send_message(
        actor=trade.assignee, conversation_id=trade.conversation_id, client_id=trade.pk, body=GREETING
    )
    # He has seen it, so the first push puts a 1 on his icon.
    receipts.mark_all([Mark(bob, trade.conversation_id, sent.message.seq, read=True)])
    return trade


def _add_phone(name: str, key: str, title: str, platform: Platform) -> None:
    """Each with a sign-in of its own, as on a phone."""
    user = demo.person(name)
    if Device.objects.reachable().filter(user=user, token_key=key).exists():
        return
    session = DeviceSession.objects.create(
        user=user, device_name=title, expires_at=timezone.now() + settings.REFRESH_TOKEN_LIFETIME
    )
    devices.register(actor=user, session=session, token=f"ExponentPushToken[{key}]", platform=platform, name=title)
