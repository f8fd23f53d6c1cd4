"""Conversations first, then the trade: whoever changes a trade waits for the conversation before they hold the row."""

import threading

import pytest
from django.db import connection, transaction

from chat import eventlog
from chat.actions import assignment, breakglass, escalations, ratings, trades
from chat.models import Trade
from chat.tests.parallel import on_its_own_connection, wait_until_blocked
from chat.tests.unit.actions.support import disputed, move, rejected

CHANGES = {
    "proof": lambda w: move(w.alice, w.trade, trades.PROOF),
    "dispute": lambda w: move(w.alice, w.trade, trades.DISPUTE),
    "expire": lambda w: trades.expire_due(w.trade.deadline_at),
    "hand over": lambda w: assignment.hand_over(actor=w.tina, trade_id=w.trade.pk, admin_id=w.tom.pk),
    "release": lambda w: assignment.release(actor=w.tina, trade_id=w.trade.pk),
    "step down": lambda w: assignment.step_down(w.tina.pk),
    "escalate": lambda w: escalations.escalate(actor=w.tina, trade_id=w.trade.pk, reason="odd"),
    "join": lambda w: breakglass.join(actor=w.sara, trade_id=w.trade.pk, reason="odd", write=True),
    "leave": lambda w: breakglass.leave(actor=w.sara, trade_id=w.trade.pk),
    "take": lambda w: assignment.take(actor=w.tom, trade_id=w.trade.pk),
    "drain": lambda w: assignment.drain_queue(),
    "rate": lambda w: ratings.rate(actor=w.alice, trade_id=w.trade.pk, rating=5),
    "decide": lambda w: move(w.sara, w.trade, trades.APPROVE),
}
BEFORE = {
    "step down": lambda w: type(w.tina).objects.filter(pk=w.tina.pk).update(is_active=False),
    "take": lambda w: assignment.release(actor=w.tina, trade_id=w.trade.pk),
    "drain": lambda w: (
        assignment.release(actor=w.tina, trade_id=w.trade.pk),
        Trade.objects.update(released_by=None),
    ),
    "rate": lambda w: rejected(w.trade),
    "decide": lambda w: disputed(w.trade),
}


class World:
    def __init__(self, **fields):
        self.__dict__.update(fields)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", CHANGES)
def test_a_message_under_way_never_deadlocks_with_a_change_of_its_trade(name, alice, tina, tom, sara, trade):
    world = World(alice=alice, tina=tina, tom=tom, sara=sara, trade=trade)
    BEFORE.get(name, lambda w: None)(world)
    failures = []

    def change():
        try:
            on_its_own_connection(lambda: CHANGES[name](world))
        except Exception as error:
            failures.append(error)

    other = threading.Thread(target=change)
    with transaction.atomic():
        eventlog.lock([trade.conversation_id])  # as a message does
        other.start()
        wait_until_blocked()
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout TO '1s'")
        Trade.objects.filter(pk=trade.pk).update(waiting_on=trade.waiting_on)  # whose turn it is now
    other.join(10)

    assert failures == []
