"""Staff pages' cookies as device sessions: opened and ended by Django's own sign-in and sign-out signals."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.actions.revoke import end_sessions
from accounts.models import DeviceSession, User

SID = "sid"  # in the Django session: the DeviceSession that it stands on


def open_browser_session(*, request: HttpRequest, user: User, **_: Any) -> None:
    """Give the cookie of a staff member its DeviceSession. A customer's gets none, and so is not believed."""
    with transaction.atomic():
        end_browser_session(request=request, user=user)  # signed in again in the same browser
        if not user.is_staff:
            return
        session = DeviceSession.objects.create(
            user=user,
            is_browser=True,
            device_name=_browser_name(request),
            expires_at=timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE),
        )
    request.session[SID] = str(session.pk)


def end_browser_session(*, request: HttpRequest, user: User | None, **_: Any) -> None:
    session_id = request.session.pop(SID, None)
    if user is not None and session_id:
        end_sessions(user.pk, (UUID(session_id),))


def connect() -> None:
    user_logged_in.connect(open_browser_session, dispatch_uid="accounts.open_browser_session")
    user_logged_out.connect(end_browser_session, dispatch_uid="accounts.end_browser_session")


def _browser_name(request: HttpRequest) -> str:
    name = request.META.get("HTTP_USER_AGENT", "")
    return "".join(char for char in name if char.isprintable())[:200]
