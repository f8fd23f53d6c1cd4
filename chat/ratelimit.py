"""
How much one person may say, over all their sockets and REST. Every process hears of every message through the fan-out
and charges its sender here too, so the limit is one for all processes; while Redis is away it holds per process.
"""

from django.conf import settings

from accounts.throttling import TokenBuckets
from chat.errors import RateLimited
from chat.fanout import Item

message_buckets = TokenBuckets(settings.MESSAGES_PER_SECOND, settings.MESSAGE_BURST)


def charge_message(user_id: str) -> None:
    """Raises RateLimited with the time to wait."""
    if settings.THROTTLE and (wait := message_buckets.take(user_id)):
        raise RateLimited(retry_after_ms=int(wait * 1000) + 1)


def charge_senders(items: list[Item]) -> None:
    """For what the fan-out brings from other processes."""
    for item in items:
        if item[0] == "log" and item[3]:
            message_buckets.spend(item[3])
