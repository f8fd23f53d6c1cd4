"""Quantiles of a histogram."""

import pytest
from prometheus_client import CollectorRegistry, Histogram

from chat.metrics import quantile


@pytest.fixture
def histogram():
    return Histogram("seconds", "For the test.", buckets=(1, 2, 4), registry=CollectorRegistry())


def test_of_nothing_there_is_no_quantile(histogram):
    assert quantile(histogram, 0.5) is None


@pytest.mark.parametrize(
    ("values", "fraction", "expected"),
    [
        ([0.5] * 4, 0.5, 0.5),  # half of the first bucket
        ([0.5, 1.5, 1.6, 3], 0.5, 1.5),  # half of the two in the second
        ([0.5, 1.5, 1.6, 3], 0.99, 3.92),
        ([3] * 10, 0.1, 2.2),
        ([0.5, 3], 0.5, 1.0),
        ([9, 9], 0.5, 4.0),  # above the last bound
        ([0.5], 1, 1.0),
    ],
)
def test_values_are_taken_to_be_spread_evenly_in_their_bucket(histogram, values, fraction, expected):
    for value in values:
        histogram.observe(value)

    assert quantile(histogram, fraction) == pytest.approx(expected)
