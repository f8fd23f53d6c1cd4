"""The devices that pushes go to: registered, taken over, ended."""

from django.utils import timezone

from accounts.revocation import Revoked
from notifications.models import Device


def sessions_ended(revoked: Revoked) -> None:
    """The devices of sessions that ended. Pushes to them stop with the session; here the list learns of it."""
    devices = Device.objects.active().filter(user=revoked.user_id)
    if revoked.session_ids is not None:
        devices = devices.filter(session__in=revoked.session_ids)
    devices.update(ended_at=timezone.now(), end_reason="signed_out")
