"""Bearer tokens on REST. No cookie counts here, so there is nothing that a foreign page could make a browser send."""

import re

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.errors import TokenExpired, Unauthenticated
from accounts.identity import live_session, mark_seen
from accounts.models import DeviceSession, User
from accounts.tokens import BadToken, Claims, read_access

# Exactly one token: two headers arrive joined by a comma, which no token holds.
BEARER = re.compile(r"bearer +([\w-]+\.[\w-]+\.[\w-]+)", re.IGNORECASE | re.ASCII)


class SessionTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access>` of a live session: request.user, and the DeviceSession as request.auth."""

    def authenticate(self, request: Request) -> tuple[User, DeviceSession] | None:
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        claims = bearer_claims(header)
        session = live_session(claims.session_id, claims.user_id)
        if session is None:
            raise Unauthenticated
        mark_seen(session)
        return session.user, session

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def bearer_claims(header: str) -> Claims:
    """The claims in an Authorization header. Raises Unauthenticated or TokenExpired."""
    match = BEARER.fullmatch(header.strip())
    if match is None:
        raise Unauthenticated
    try:
        return read_access(match[1])
    except BadToken as error:
        raise (TokenExpired if error.expired else Unauthenticated) from error
