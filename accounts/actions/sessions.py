"""Signing in, staying signed in, and every way of ending it."""

from hashlib import sha256
from secrets import token_urlsafe
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from accounts.actions import second_factor
from accounts.actions.credentials import Attempt, check_new_password, prove
from accounts.actions.revoke import end_sessions, revoke_sessions
from accounts.errors import InvalidBody, Unauthenticated
from accounts.identity import live_session
from accounts.ids import new_id
from accounts.models import DeviceSession, User, WsTicket
from accounts.tokens import BadToken, Claims, read_refresh, token_pair


def sign_in(
    *,
    email: str,
    password: str,
    address: str | None,
    otp: str | None = None,
    device_id: str = "",
    device_name: str = "",
) -> tuple[User, DeviceSession]:
    """
    A new session of whom the credentials prove; with an authenticator a code (`otp`) is one of these. The session that
    the same person had on this device ends.
    """
    proof = prove(email=email, password=password, address=address)
    second_factor.check(user=proof.user, code=otp, address=address)
    with transaction.atomic():
        user = proof.settle()
        if device_id:
            before = user.device_sessions.filter(device_id=device_id, is_browser=False, revoked_at=None)
            end_sessions(user.pk, tuple(before.values_list("pk", flat=True)))
        expires_at = timezone.now() + settings.REFRESH_TOKEN_LIFETIME
        session = DeviceSession.objects.create(
            user=user, device_id=device_id, device_name=device_name, expires_at=expires_at
        )
    return user, session


def refresh(*, token: str) -> dict[str, str]:
    """
    The next `{"access", "refresh"}` of a device. The refresh before the latest one gets the latest pair again within
    REFRESH_GRACE; any other has been stolen or kept, and ends the session. Raises Unauthenticated.
    """
    claims = _claims(token)
    with transaction.atomic():
        pair = _next_pair(claims)
    if pair is None:  # raised here, as inside the transaction it would take the revocation back
        raise Unauthenticated
    return pair


def log_out(*, session: DeviceSession) -> None:
    with transaction.atomic():
        revoke_sessions(user_id=session.user_id, only=session.pk)


def log_out_with(*, token: str) -> None:
    """End the session of a refresh token, for a device whose access token ran out. Raises Unauthenticated."""
    claims = _claims(token)
    session = live_session(claims.session_id, claims.user_id)
    if session is None or session.is_browser:
        raise Unauthenticated
    log_out(session=session)


def log_out_all(*, user: User, keep: DeviceSession | None = None) -> None:
    with transaction.atomic():
        revoke_sessions(user_id=user.pk, keep=keep.pk if keep else None)


def change_password(
    *, actor: User, session: DeviceSession | None, current: str, new: str, address: str | None = None
) -> None:
    """Set another password and end all other sessions. A wrong current one counts as a failed sign-in."""
    attempt = Attempt(actor.email, address)
    attempt.check()
    if not actor.check_password(current):
        attempt.failed()
        raise InvalidBody("This is not the current password.", pointer="/current")
    check_new_password(new, actor, pointer="/new")
    password = make_password(new)
    with transaction.atomic():
        user = attempt.settle(actor)
        user.password = password
        user.save(update_fields=["password"])
        revoke_sessions(user_id=user.pk, keep=session.pk if session else None)


def new_ticket(*, session: DeviceSession) -> str:
    """A pass that opens one socket within WS_TICKET_LIFETIME."""
    ticket = token_urlsafe(32)
    expires_at = timezone.now() + settings.WS_TICKET_LIFETIME
    WsTicket.objects.create(digest=_digest(ticket), session=session, expires_at=expires_at)
    return ticket


def redeem_ticket(*, ticket: str) -> DeviceSession | None:
    """The live session, with its user, that the ticket was made for. Of many who try, the one whose DELETE hits."""
    tickets = WsTicket.objects.filter(digest=_digest(ticket), expires_at__gt=timezone.now())
    found = tickets.values_list("session_id", "session__user_id").first()
    if found is None or tickets.delete()[0] != 1:
        return None
    return live_session(*found)


def _claims(token: str) -> Claims:
    try:
        return read_refresh(token)
    except BadToken as error:
        raise Unauthenticated from error


def _next_pair(claims: Claims) -> dict[str, str] | None:
    session = _locked(claims.session_id, claims.user_id)
    now = timezone.now()
    if session is None or not session.user.is_active or session.expires_at <= now:
        return None
    if claims.token_id == session.refresh_id:
        session.previous_refresh_id, session.refresh_id = session.refresh_id, new_id()
        session.refreshed_at = session.last_seen_at = now
        session.expires_at = now + settings.REFRESH_TOKEN_LIFETIME
        session.save(update_fields=["previous_refresh_id", "refresh_id", "refreshed_at", "last_seen_at", "expires_at"])
        return token_pair(session)
    if claims.token_id == session.previous_refresh_id and now - session.refreshed_at <= settings.REFRESH_GRACE:
        return token_pair(session)
    end_sessions(session.user_id, (session.pk,))
    return None


def _locked(session_id: UUID, user_id: UUID) -> DeviceSession | None:
    sessions = DeviceSession.objects.select_related("user").select_for_update(of=("self",), no_key=True)
    return sessions.filter(pk=session_id, user_id=user_id, is_browser=False, revoked_at=None).first()


def _digest(ticket: str) -> str:
    return sha256(ticket.encode(errors="replace")).hexdigest()
