"""What can be measured of how pages look: nothing wider than the screen, readable colours, a name for every field."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone

from chat.actions import breakglass, escalations, messages, trades
from chat.tests.factories import open_trade
from notifications.models import OutboxRow, Push, Service
from notifications.tests.factories import phone

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

MEASURE = Path(__file__).with_name("measure.js").read_text()


def test_pages_fit_and_can_be_read_on_phones_and_desks_in_light_and_dark(open_desk, alice, tina, sara):
    trade = open_trade(alice, reference="BP-1", payment_method="A" * 32)
    for person, text in ((alice, "w" * 600), (tina, "Yes.\n\nOne moment."), (alice, "\u202e" + "x " * 200)):
        messages.send_message(actor=person, conversation_id=trade.conversation_id, client_id=uuid4(), body=text)
    trades.make_move(actor=alice, trade_id=trade.pk, move=trades.PROOF)
    escalation = escalations.escalate(actor=tina, trade_id=trade.pk, reason="r" * 300)
    other = open_trade(alice, reference="R" * 64)
    breakglass.join(actor=sara, trade_id=other.pk, reason="x")
    device = phone(alice, name="P" * 200)
    said = messages.send_message(actor=tina, conversation_id=other.conversation_id, client_id=uuid4(), body="Hello?")
    values = {"thread": other.conversation_id, "kind": "message", "ticket": "t" * 64, "error": "e" * 200}
    states = ("ready", "sending", "sent", "delivered", "dropped", "failed")
    pushes = [Push.objects.create(device=device, state=state, **values) for state in states]
    OutboxRow.objects.filter(cause=said.message.pk).update(state="taken", push=pushes[-1])
    Service.objects.create(failures=3, paused_until=timezone.now() + timedelta(hours=1), last_error="e" * 200)
    first = open_desk()
    first.sign_in(sara)
    first.page.get_by_role("heading", name="Trade support").wait_for()
    signed_in = first.page.context.storage_state()
    paths = (
        "", "chat/trade/", f"chat/trade/{trade.pk}/change/", "chat/conversation/", "chat/escalation/",
        f"chat/conversation/{trade.conversation_id}/change/", f"chat/escalation/{escalation.pk}/change/",
        "chat/auditentry/", "chat/cannedreply/", "chat/cannedreply/add/", "accounts/user/", "accounts/devicesession/",
        f"chat/conversation/{other.conversation_id}/change/", "notifications/push/",
        f"chat/conversation/{other.conversation_id}/messages/{said.message.pk}/",
        f"notifications/push/{pushes[-1].pk}/change/", "notifications/device/",
        f"notifications/device/{device.pk}/change/", f"accounts/user/{tina.pk}/change/", "authenticator/",
        "password_change/",
    )  # fmt: skip

    faults = []
    inside, outside = open_desk(storage_state=signed_in), open_desk()
    for desk, path in [(outside, "login/"), *((inside, path) for path in paths)]:
        desk.open(path)
        for width, scheme in ((390, "light"), (390, "dark"), (1280, "dark"), (1280, "light")):
            desk.page.set_viewport_size({"width": width, "height": 800})
            desk.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            faults += [f"{path} at {width} in {scheme}: {fault}" for fault in desk.page.evaluate(MEASURE)]

    assert faults == [], "\n".join(faults)
