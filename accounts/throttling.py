"""How often somebody may ask: token buckets of this process, the REST throttle, and where a request comes from."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from threading import Lock
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest
from rest_framework.throttling import BaseThrottle

from accounts.errors import RateLimited

if TYPE_CHECKING:  # DRF reads this module while it builds these
    from rest_framework.request import Request
    from rest_framework.views import APIView


class TokenBuckets:
    """
    A bucket per key that holds `burst` tokens and gains `rate` a second. Safe between threads; keeps `max_keys` keys
    and forgets the least recently used one first, which is also the fullest.
    """

    def __init__(
        self, rate: float, burst: float, *, max_keys: int = 50_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._max_keys = max_keys
        self._clock = clock
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # key: (tokens, counted at)
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: Hashable, cost: float = 1) -> float:
        """Seconds until `cost` tokens are there; 0 means they were taken. A refusal takes nothing."""
        with self._lock:
            tokens, now = self._refilled(key)
            if tokens < cost:
                return (cost - tokens) / self._rate
            self._put(key, tokens - cost, now)
            return 0.0

    def spend(self, key: Hashable, cost: float = 1) -> float:
        """Take the tokens whether they are there or not, and return the seconds until the debt is paid (0: none)."""
        with self._lock:
            tokens, now = self._refilled(key)
            tokens = max(tokens - cost, -self._burst)  # a long flood is not a long sentence
            self._put(key, tokens, now)
            return max(0.0, -tokens / self._rate)

    def forget(self, key: Hashable) -> None:
        with self._lock:
            self._buckets.pop(key, None)

    def _refilled(self, key: Hashable) -> tuple[float, float]:
        now = self._clock()
        tokens, since = self._buckets.get(key, (self._burst, now))
        return min(self._burst, tokens + (now - since) * self._rate), now

    def _put(self, key: Hashable, tokens: float, now: float) -> None:
        self._buckets[key] = (tokens, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)


class RequestThrottle(BaseThrottle):
    """REST requests per person, or per address for strangers, in this process."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        if not settings.THROTTLE:
            return True
        wait = request_buckets().take(request.user.pk or address_block(client_address(request)))
        if wait:
            raise RateLimited(wait)  # DRF's own refusal has another code
        return True


@cache
def request_buckets() -> TokenBuckets:
    return TokenBuckets(settings.REQUESTS_PER_SECOND, settings.REQUEST_BURST)


def client_address(request: HttpRequest | Request) -> str:
    """
    The peer's address. Behind PROXY_COUNT trusted proxies it is the entry that the outermost of them added to
    X-Forwarded-For; what stands further left is the client's own word and never believed.
    """
    peer: str = request.META.get("REMOTE_ADDR") or ""
    entries = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if not 0 < settings.PROXY_COUNT <= len(entries):
        return _address(peer) or ""
    return _address(entries[-settings.PROXY_COUNT]) or _address(peer) or ""


def address_block(address: str) -> str:
    """What one subscriber holds: an IPv4 address, or the /64 of an IPv6 one."""
    if ":" not in address:
        return address
    return str(IPv6Network((IPv6Address(address).packed, 64), strict=False).network_address)


def _address(text: str) -> str | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or IPv6Address(address.packed)  # without a zone, which a peer could vary
    return str(address)
