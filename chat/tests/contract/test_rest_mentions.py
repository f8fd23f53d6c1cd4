"""mentions/, and the earlier trades in the detail of a trade: what staff see beside the chat."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.text import timestamp
from chat.actions.messages import send_message
from chat.models import Mention, Message, Trade
from chat.tests.contract import shapes
from chat.tests.contract.conftest import answer, problem
from chat.tests.factories import open_trade


def note(actor, trade, body):
    send_message(actor=actor, conversation_id=trade.notes_conversation_id, client_id=uuid4(), body=body)
    return Mention.objects.latest("pk")


def test_my_mentions_come_latest_first(rest, tina, sara, trade):
    first, second = note(tina, trade, "@Sara one"), note(tina, trade, "@Sara two")

    status, body = answer(rest(sara).get("mentions/"))

    assert (status, body["next"], body["previous"]) == (200, None, None)
    assert body["results"] == [
        {
            "message": shapes.message(mention.message),
            "conversation": str(trade.notes_conversation_id),
            "trade": str(trade.pk),
            "created_at": timestamp(mention.created_at),
        }
        for mention in (second, first)
    ]
    assert answer(rest(tina).get("mentions/"))[1]["results"] == []


def test_a_note_that_was_deleted_shows_no_text(rest, tina, sara, trade):
    note(tina, trade, "@Sara secret")
    Message.objects.filter(sender=tina).update(deleted_at=timezone.now())

    [mention] = answer(rest(sara).get("mentions/"))[1]["results"]

    assert mention["message"]["body"] == ""


def test_customers_have_no_mentions(rest, alice):
    assert problem(rest(alice).get("mentions/")) == (403, "forbidden")


def earlier(trade):
    row = Trade.objects.get(pk=trade.pk)
    return {
        "id": str(row.pk),
        "reference": row.reference,
        "status": row.status,
        "fiat_amount": str(row.fiat_amount),
        "fiat_currency": row.fiat_currency,
        "opened_at": timestamp(row.opened_at),
        "closed_at": row.closed_at and timestamp(row.closed_at),
        "rating": row.rating,
    }


def test_staff_see_the_newest_earlier_trades_of_the_customer(rest, alice, bob, tina, sara):
    open_trade(bob)
    made = [open_trade(alice) for _ in range(12)]
    Trade.objects.filter(pk=made[9].pk).update(status="completed", closed_at=timezone.now(), rating=4)
    open_trade(bob)

    for staff, trade, shown in ((sara, made[11], made[1:11]), (sara, made[2], made[:2]), (tina, made[0], [])):
        status, body = answer(rest(staff).get(f"trades/{trade.pk}/"))

        assert status == 200
        assert body == {
            **shapes.trade(trade.pk, staff=True, queue_position=body["queue_position"]),
            "earlier_trades": [earlier(one) for one in shown[::-1]],
            "earlier_trades_total": made.index(trade),
        }


def test_customers_see_no_earlier_trades_and_lists_have_none(rest, alice, sara):
    open_trade(alice)
    trade = open_trade(alice)

    assert "earlier_trades" not in answer(rest(alice).get(f"trades/{trade.pk}/"))[1]
    assert all("earlier_trades" not in row for row in answer(rest(sara).get("trades/"))[1]["results"])


@pytest.mark.parametrize("extra", [1, 3])
def test_the_detail_asks_as_often_whatever_the_number_of_earlier_trades(rest, alice, sara, extra):
    theirs = rest(sara)
    for _ in range(extra):
        open_trade(alice)
    trade = open_trade(alice)
    theirs.get("me/")

    with CaptureQueriesContext(connection) as found:
        theirs.get(f"trades/{trade.pk}/")

    assert len(found) == 3  # the session, the trade, the earlier ones
