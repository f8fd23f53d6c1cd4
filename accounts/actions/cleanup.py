"""Forgetting what no longer matters: old failures, tickets that ran out, sessions long over."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import DeviceSession, LoginFailure, WsTicket

KEEP_ENDED_SESSIONS = timedelta(days=30)  # for whoever asks what was signed in when


def forget_expired() -> int:
    """How many rows went."""
    now = timezone.now()
    old = now - KEEP_ENDED_SESSIONS
    forgotten = (
        LoginFailure.objects.filter(at__lt=now - settings.LOGIN_FAILURE_WINDOW),
        WsTicket.objects.filter(expires_at__lt=now),
        DeviceSession.objects.filter(expires_at__lt=old),
        DeviceSession.objects.filter(revoked_at__lt=old),
    )
    return sum(rows.delete()[0] for rows in forgotten)
