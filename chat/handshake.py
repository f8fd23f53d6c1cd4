"""Who opens a socket, from the request alone: the credential that counts, and whether its Origin may use a cookie."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from django.conf import settings
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host

from accounts import tokens
from accounts.identity import Identity, identity_of
from accounts.middleware import browser_session
from accounts.models import DeviceSession, Role
from chat.errors import Forbidden, TokenExpired, Unauthenticated
from chat.protocol import SUBPROTOCOL


class Way(Enum):
    """How a client says who it is; the first that is there counts."""

    TOKEN = auto()
    TICKET = auto()
    COOKIE = auto()
    FIRST_FRAME = auto()


@dataclass(frozen=True, slots=True)
class Handshake:
    way: Way
    secret: str  # token, ticket or session key
    subprotocol: str | None


def read(scope: Mapping[str, Any]) -> Handshake:
    """What the request offers. Raises Forbidden for a foreign Origin or host, Unauthenticated for a bad header."""
    headers = _headers(scope)
    host, origin = headers.get("host", ""), headers.get("origin")
    if not _is_our_host(host):
        raise Forbidden("This host is not served here.")
    if origin is not None and not _is_allowed(origin, host, scope.get("scheme", "ws")):
        raise Forbidden("This origin may not connect.")
    way, secret = _credential(scope, headers, origin)
    return Handshake(way, secret, subprotocol_of(scope))


def subprotocol_of(scope: Mapping[str, Any]) -> str | None:
    return SUBPROTOCOL if SUBPROTOCOL in scope.get("subprotocols", ()) else None


def _credential(scope: Mapping[str, Any], headers: Mapping[str, str], origin: str | None) -> tuple[Way, str]:
    if "authorization" in headers:
        return Way.TOKEN, _bearer(headers["authorization"])
    offered = [name.removeprefix("bearer.") for name in scope.get("subprotocols", ()) if name.startswith("bearer.")]
    if offered:
        return Way.TOKEN, offered[0]
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    if "ticket" in query:
        return Way.TICKET, query["ticket"][0]
    if "token" in query and settings.WS_QUERY_TOKEN:
        return Way.TOKEN, query["token"][0]
    cookie = parse_cookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME, "")
    if cookie and origin is not None:
        return Way.COOKIE, cookie
    return Way.FIRST_FRAME, ""


def claimed_by_token(token: str) -> Identity:
    """What a token claims; whether its session still lives is asked of the database next."""
    try:
        claims = tokens.read_access(token)
    except tokens.BadToken as error:
        raise (TokenExpired() if error.expired else Unauthenticated()) from error
    return _claimed(claims.user_id, claims.session_id, claims.expires_at)


def claimed_by_session(session: DeviceSession | None) -> Identity:
    """For a redeemed ticket."""
    if session is None:
        raise Unauthenticated
    return identity_of(session, session.expires_at)


def claimed_by_cookie(session_key: str) -> Identity:
    """The staff page's session. Asks the database."""
    session = browser_session(session_key)
    if session is None:
        raise Unauthenticated
    return identity_of(session, None)


def _claimed(user_id: UUID, session_id: UUID, expires_at: datetime) -> Identity:
    return Identity(user_id, session_id, "", Role.CUSTOMER, expires_at)


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    """By lower-case name; what is sent twice is joined, which no credential survives."""
    joined: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        joined[key] = f"{joined[key]},{text}" if key in joined else text
    return joined


def _bearer(value: str) -> str:
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or not token or " " in token or "," in token:
        raise Unauthenticated
    return token


def _is_our_host(host: str) -> bool:
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def _is_allowed(origin: str, host: str, scheme: str) -> bool:
    """Our own pages, and the apps named in CORS_ORIGINS. Scheme, host and port must all be the same."""
    secure = settings.HTTPS_ONLY or scheme in ("wss", "https")
    own = f"{'https' if secure else 'http'}://{host}"
    return origin.lower() in {own.lower(), *(allowed.lower() for allowed in settings.CORS_ALLOWED_ORIGINS)}
