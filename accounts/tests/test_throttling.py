"""Token buckets, and whose address counts."""

import pytest
from django.test import RequestFactory

from accounts.throttling import TokenBuckets, address_block, client_address


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_burst_passes_and_the_next_waits_until_there_is_a_token(clock):
    buckets = TokenBuckets(2, 3, clock=clock)

    waits = [buckets.take("alice") for _ in range(4)]
    clock.now += 0.5

    assert waits == [0, 0, 0, 0.5]
    assert buckets.take("alice") == 0
    assert buckets.take("bob") == 0


def test_a_refusal_costs_nothing_and_a_rest_fills_no_more_than_the_burst(clock):
    buckets = TokenBuckets(1, 2, clock=clock)

    assert buckets.take("alice", cost=3) == 1
    clock.now += 1000
    assert [buckets.take("alice") for _ in range(3)] == [0, 0, 1]


def test_spending_goes_into_debt_but_not_without_end(clock):
    buckets = TokenBuckets(1, 2, clock=clock)

    assert [buckets.spend("alice") for _ in range(3)] == [0, 0, 1]
    assert buckets.spend("alice", cost=100) == 2
    assert buckets.take("alice") == 3


def test_the_key_used_longest_ago_is_forgotten(clock):
    buckets = TokenBuckets(1, 1, max_keys=2, clock=clock)
    for key in ("alice", "bob", "carol"):
        buckets.take(key)

    assert (len(buckets), buckets.take("carol"), buckets.take("alice")) == (2, 1, 0)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "6.6.6.6", "10.0.0.1"),
        (1, "6.6.6.6, 203.0.113.7", "203.0.113.7"),
        (2, "6.6.6.6, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        (1, "rubbish", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (2, "6.6.6.6", "10.0.0.1"),
        (1, "6.6.6.6\0", "10.0.0.1"),
        (1, "::ffff:203.0.113.7", "203.0.113.7"),
        (1, "2001:db8:0::1", "2001:db8::1"),
        (1, "fe80::1%eth0", "fe80::1"),
    ],
)
def test_only_what_trusted_proxies_added_is_believed(settings, proxies, forwarded, address):
    settings.PROXY_COUNT = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)

    assert client_address(request) == address


def test_one_ipv6_subscriber_is_one_address():
    assert [address_block(address) for address in ("2001:db8:1:2:3::4", "192.0.2.1", "")] == [
        "2001:db8:1:2::",
        "192.0.2.1",
        "",
    ]


def test_without_throttling_requests_never_wait(api, phone, settings):
    settings.THROTTLE = False
    settings.REQUEST_BURST = 1
    client = api(phone)

    assert [client.get("/api/v1/me/").status_code for _ in range(3)] == [200] * 3
