"""Staff pages' cookies: each stands on a DeviceSession, and dies with it at once, wherever it was revoked."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, logout
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.deprecation import MiddlewareMixin

from accounts.actions import second_factor
from accounts.actions.browser import SID
from accounts.identity import live_session, mark_seen
from accounts.models import DeviceSession, User


class BrowserSessionMiddleware(MiddlewareMixin):
    """
    Sets request.user from the one query that also tells whether the session lives, and request.browser_session.
    A dead one is logged out. Strangers cost nothing.
    """

    def process_request(self, request: HttpRequest) -> None:
        if SESSION_KEY not in request.session:
            return
        session = _live(request.session)
        if session is None:
            logout(request)
            return
        mark_seen(session)
        user = session.user

        async def auser() -> User:
            return user

        request.user = user
        request.auser = auser  # AuthenticationMiddleware's would ask the database again
        request.browser_session = session  # type: ignore[attr-defined]


def browser_session(session_key: str) -> DeviceSession | None:
    """
    The live DeviceSession, with its user, behind the value of a session cookie. None for somebody who has to set up
    their authenticator first: only the page for that is open to them.
    """
    store = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    session = _live(store)
    return None if session is None or second_factor.is_owed(session.user) else session


def _live(cookie: Mapping[str, Any]) -> DeviceSession | None:
    try:
        session_id, user_id = UUID(cookie.get(SID, "")), UUID(cookie.get(SESSION_KEY, ""))
    except ValueError:
        return None
    session = live_session(session_id, user_id)
    if session is None or not session.is_browser or not session.user.is_staff:
        return None
    # Django ends a cookie when the password changes; as we stand in for its own check, so do we.
    same_password = constant_time_compare(cookie.get(HASH_SESSION_KEY, ""), session.user.get_session_auth_hash())
    return session if same_password else None
