"""A customer's rating: once, after the end, one to five."""

import pytest

from chat.actions.ratings import rate
from chat.actions.trades import CANCEL
from chat.errors import Conflict, Forbidden, Invalid, NotFound
from chat.models import AuditEntry, Trade
from chat.tests.parallel import together
from chat.tests.unit.actions.support import disputed, move, said


def test_a_rating_is_stored_once_and_staff_hear_of_it(alice, tina, trade, ears):
    move(alice, trade, CANCEL)
    before = said(trade.conversation)

    with ears.listening():
        rated = rate(actor=alice, trade_id=trade.pk, rating=5, comment="quick!")
    with pytest.raises(Conflict, match="has been rated"):
        rate(actor=alice, trade_id=trade.pk, rating=5, comment="quick!")

    assert (rated.rating, rated.rating_comment, rated.rated_at is None) == (5, "quick!", False)
    assert AuditEntry.objects.get(action="trade.rated").detail == {"rating": 5}
    assert [frame["trade"]["rating"] for frame in ears.frames("trade.updated")] == [5]
    assert said(trade.conversation) == before


def test_what_is_not_over_is_not_rated(alice, trade):
    with pytest.raises(Conflict, match="once it is over"):
        rate(actor=alice, trade_id=trade.pk, rating=3)
    disputed(trade)
    with pytest.raises(Conflict, match="once it is over"):
        rate(actor=alice, trade_id=trade.pk, rating=3)


@pytest.mark.parametrize(
    ("rating", "comment", "pointer"),
    [(0, "", "/rating"), (6, "", "/rating"), (-1, "", "/rating"), (3, "a\x00", "/comment"),
     (3, "x" * 1_001, "/comment")],
)  # fmt: skip
def test_a_rating_is_from_one_to_five_with_a_short_comment(alice, trade, rating, comment, pointer):
    move(alice, trade, CANCEL)

    with pytest.raises(Invalid) as caught:
        rate(actor=alice, trade_id=trade.pk, rating=rating, comment=comment)

    assert (caught.value.pointer, Trade.objects.get().rating) == (pointer, None)


def test_only_its_customer_rates_a_trade(alice, bob, tina, tom, sara, trade):
    move(alice, trade, CANCEL)

    for actor, refusal in ((bob, NotFound), (tina, Forbidden), (tom, Forbidden), (sara, Forbidden)):
        with pytest.raises(refusal):
            rate(actor=actor, trade_id=trade.pk, rating=5)


@pytest.mark.django_db(transaction=True)
def test_of_two_ratings_at_once_one_counts(alice, trade):
    move(alice, trade, CANCEL)

    outcomes = together([lambda stars=stars: rate(actor=alice, trade_id=trade.pk, rating=stars) for stars in (1, 5)])

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Trade"]
