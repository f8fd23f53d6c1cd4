"""Whatever people call themselves, their trades and their words, Django admin shows it as text."""

import re
from uuid import uuid4

import pytest

from accounts.tests.factories import UserFactory
from chat.actions import escalations, messages, trades
from chat.tests.factories import open_trade

TEXTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<svg/onload=alert(1)>",
    "{{7777|add:7777}}{{7777*7777}}{% debug %}",
    "%s %(x)s {0.__class__}",
    "javascript:alert(1)",
    "</title></textarea></script><b>",
    "\u202egnp.exe\u2066",
    "=HYPERLINK(1)",
)


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_text_is_inert_on_every_page(desk, tina, tom, sara, text):
    mallory = UserFactory(display_name=text, email="mallory@example.com")
    trade = open_trade(mallory, reference=text, payment_method=text[:32], asset=text[:32])
    messages.send_message(actor=mallory, conversation_id=trade.conversation_id, client_id=uuid4(), body=text)
    messages.send_message(actor=tina, conversation_id=trade.notes_conversation_id, client_id=uuid4(), body=text)
    trades.make_move(actor=mallory, trade_id=trade.pk, move=trades.PROOF)
    escalation = escalations.escalate(actor=tina, trade_id=trade.pk, reason=text)
    desks = (desk(tina), desk(sara))
    desks[1].post(f"/admin/chat/trade/{trade.pk}/do/join/", {"reason": text})
    desks[0].post(f"/admin/chat/trade/{trade.pk}/do/reject/", {"reason": text})

    for client in desks:
        for path in (
            "", "chat/trade/", f"chat/trade/{trade.pk}/change/", "chat/conversation/", "chat/escalation/",
            f"chat/conversation/{trade.conversation_id}/change/", f"chat/escalation/{escalation.pk}/change/",
            f"chat/conversation/{trade.notes_conversation_id}/change/", "chat/auditentry/", "accounts/user/",
            f"accounts/user/{mallory.pk}/change/", f"chat/trade/?q={text.replace('%', '%25').replace('&', '%26')}",
        ):  # fmt: skip
            answer = client.get(f"/admin/{path}", follow=True)
            if answer.status_code in (403, 404):
                continue
            page = answer.content.decode()
            assert not re.search(r"<script>alert|<img src=x|<svg/onload|<b>|60481729", page), path
            assert 'href="javascript:' not in page, path
            for place in re.finditer(re.escape("\u202e"), page):  # names and words that turn are held by an isolate
                before = page[: place.start()]
                isolated = before.rfind("<bdi") > before.rfind("</bdi>") or 'dir="auto"' in before[-200:]
                inert = (
                    "<title>" in before[-80:] or before.rfind("<") < before.rfind('="') or "<option" in before[-120:]
                )
                assert isolated or inert, (path, page[place.start() - 120 : place.end() + 20])
