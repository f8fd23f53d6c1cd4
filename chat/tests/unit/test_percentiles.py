"""Medians and percentiles: both databases say the same."""

from datetime import timedelta
from random import Random

import pytest
from django.utils import timezone

from accounts.tests.factories import UserFactory
from chat.models import Trade
from chat.percentiles import MEDIAN, P90, Spread, percentile, spreads
from chat.tests.factories import open_trade

SIZES = range(8)


def seconds(*values):
    return [timedelta(seconds=value) for value in values]


@pytest.fixture(params=["postgres", "sqlite"])
def _database(request, db):
    if request.param == "sqlite":
        request.getfixturevalue("on_sqlite")


@pytest.mark.parametrize(
    ("values", "median", "p90"),
    [
        ([], None, None),
        ([7], 7, 7),
        ([10, 20], 15, 19),
        ([3, 1, 2], 2, 2.8),
        ([1, 2, 3, 4], 2.5, 3.7),
        ([5, 5, 5, 5, 5], 5, 5),
        (range(1, 12), 6, 10),
    ],
)
def test_a_percentile_lies_between_the_closest_ranks(values, median, p90):
    found = [percentile(seconds(*values), fraction) for fraction in (MEDIAN, P90)]

    assert found == [None if value is None else timedelta(seconds=value) for value in (median, p90)]


@pytest.mark.usefixtures("_database")
@pytest.mark.parametrize("size", SIZES)
def test_the_database_and_python_agree(size):
    now = timezone.now()
    random = Random(size)
    took = [timedelta(milliseconds=random.randrange(10**9)) for _ in range(size)]
    customer = UserFactory.create()
    for duration in took:
        trade = open_trade(customer)
        Trade.objects.filter(pk=trade.pk).update(opened_at=now - duration, closed_at=now)
    open_trade(customer)

    found = spreads(Trade.objects.all(), "opened_at", "closed_at", by="closed_at", since={"now": now})["now"]

    assert found.count == size
    for fraction, by_database in ((MEDIAN, found.median), (P90, found.p90)):
        expected = percentile(took, fraction)
        assert expected == by_database or abs(expected - by_database) <= timedelta(microseconds=1)


@pytest.mark.usefixtures("_database")
def test_each_period_counts_its_own_and_a_row_without_an_end_has_no_duration(django_assert_num_queries):
    now = timezone.now()
    customer = UserFactory.create()
    for hours, answered in ((1, 60), (2, None), (30, 90), (50, 999)):
        trade = open_trade(customer)
        opened = now - timedelta(hours=hours)
        answer = opened + timedelta(seconds=answered) if answered else None
        Trade.objects.filter(pk=trade.pk).update(opened_at=opened, first_response_at=answer)
    since = {"day": now - timedelta(hours=24), "days": now - timedelta(hours=48), "minute": now}

    with django_assert_num_queries(1):
        found = spreads(Trade.objects.all(), "opened_at", "first_response_at", by="opened_at", since=since)

    minute, between, far = seconds(60, 75, 87)
    assert found == {"day": Spread(2, minute, minute), "days": Spread(3, between, far), "minute": Spread(0, None, None)}
