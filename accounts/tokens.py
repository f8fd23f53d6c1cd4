"""Access and refresh tokens: what they hold, and reading them strictly. Whether a session lives is asked elsewhere."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from django.conf import settings
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from accounts.models import DeviceSession


class BadToken(Exception):
    """Not one of our tokens, altered, or of the wrong kind. `expired` tells the one case a client can mend itself."""

    def __init__(self, *, expired: bool = False) -> None:
        super().__init__("token expired" if expired else "bad token")
        self.expired = expired


@dataclass(frozen=True, slots=True)
class Claims:
    user_id: UUID
    session_id: UUID
    token_id: UUID
    expires_at: datetime


def token_pair(session: DeviceSession) -> dict[str, str]:
    """
    The latest `{"access", "refresh"}` of the session. It follows from the session's row alone, so whoever repeats a
    refresh gets the very same pair.
    """
    return {
        "access": _encode(AccessToken, session, uuid5(session.refresh_id, "access"), settings.ACCESS_TOKEN_LIFETIME),
        "refresh": _encode(RefreshToken, session, session.refresh_id, settings.REFRESH_TOKEN_LIFETIME),
    }


def read_access(encoded: str) -> Claims:
    """The claims of an access token. Raises BadToken."""
    return _decode(AccessToken, encoded)


def read_refresh(encoded: str) -> Claims:
    """The claims of a refresh token. Raises BadToken."""
    return _decode(RefreshToken, encoded)


def _encode(kind: type[Token], session: DeviceSession, token_id: UUID, lifetime: timedelta) -> str:
    issued = int(session.refreshed_at.timestamp())
    token = kind()
    token.payload = {
        "token_type": kind.token_type,
        "sub": str(session.user_id),
        "sid": str(session.id),
        "jti": str(token_id),
        "iat": issued,
        "exp": issued + int(lifetime.total_seconds()),
    }
    return str(token)


def _decode(kind: type[Token], encoded: str) -> Claims:
    try:
        payload = kind(encoded).payload  # type: ignore[arg-type]  # the stubs want a Token, the code takes the text
    except ExpiredTokenError as error:
        raise BadToken(expired=True) from error
    except (TokenError, ValueError, TypeError, OverflowError, OSError, RecursionError) as error:  # absurd claims too
        raise BadToken from error
    return _claims(payload)


def _claims(payload: dict[str, object]) -> Claims:
    ids = [payload.get(name) for name in ("sub", "sid", "jti")]
    expires = payload.get("exp")
    if type(expires) is not int or not all(isinstance(value, str) for value in ids):
        raise BadToken
    try:
        user_id, session_id, token_id = (UUID(value) for value in ids if isinstance(value, str))
        return Claims(user_id, session_id, token_id, datetime.fromtimestamp(expires, UTC))
    except (ValueError, OverflowError, OSError) as error:
        raise BadToken from error
