"""Who is asking: the live session behind a token or a cookie. Reads only; signing in and out are actions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from accounts.models import DeviceSession, Role, User
from accounts.models.user import STAFF_ROLES
from accounts.tokens import Claims

SEEN_EVERY = timedelta(minutes=5)  # last_seen_at is for people to read; a write per request would not pay


@dataclass(frozen=True, slots=True)
class Sender:
    """What others see of somebody, as a plain value with a User's names: a model would cost more than the rest."""

    id: UUID
    display_name: str
    role: str

    @property
    def pk(self) -> UUID:
        return self.id

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF_ROLES


@dataclass(frozen=True, slots=True)
class Identity:
    """A person on one device, as live connections hold it. `expires_at` is the token's; None for a staff cookie."""

    user_id: UUID
    session_id: UUID
    display_name: str
    role: Role
    expires_at: datetime | None

    @property
    def staff(self) -> bool:
        return self.role in STAFF_ROLES


def identity_of(session: DeviceSession, expires_at: datetime | None) -> Identity:
    """The identity of a session that was read with its user."""
    user = session.user
    return Identity(user.id, session.id, user.display_name, Role(user.role), expires_at)


def live_session(session_id: UUID, user_id: UUID) -> DeviceSession | None:
    """The session with its user, in one query; None when it ended, is another's, or the person may not sign in."""
    return DeviceSession.objects.live().select_related("user").filter(pk=session_id, user_id=user_id).first()


def identify(claims: Claims) -> User | None:
    """The person an access token stands for, if its session still lives."""
    session = live_session(claims.session_id, claims.user_id)
    return session.user if session else None


def mark_seen(session: DeviceSession) -> None:
    """Note that the device was heard of, at most once in SEEN_EVERY."""
    now = timezone.now()
    if now - session.last_seen_at > SEEN_EVERY:
        DeviceSession.objects.filter(pk=session.pk).update(last_seen_at=now)
