"""Forgetting what has run out: sign-in leftovers, and leases of sockets whose server died."""

from datetime import timedelta

from django.utils import timezone

from accounts.actions import cleanup
from chat.models import Connection

KEPT_FOR_READING = timedelta(hours=1)


def forget_expired() -> int:
    lapsed, _ = Connection.objects.filter(expires_at__lt=timezone.now() - KEPT_FOR_READING).delete()
    return lapsed + cleanup.forget_expired()
