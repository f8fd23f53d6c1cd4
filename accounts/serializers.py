"""The JSON shapes of people. The staff mark comes from the role alone; others see no more than `person`."""

from typing import Any, TypedDict

from accounts.identity import Sender
from accounts.models import DeviceSession, User
from accounts.text import timestamp
from accounts.tokens import token_pair


class PersonShape(TypedDict):
    id: str
    display_name: str
    role: str
    staff: bool


def person(user: User | Sender) -> PersonShape:
    """Somebody as everybody may see them."""
    return {"id": str(user.pk), "display_name": user.display_name, "role": str(user.role), "staff": user.is_staff}


def profile(user: User) -> dict[str, Any]:
    """Somebody as they themselves and super admins see them."""
    shape: dict[str, Any] = dict(person(user)) | {"email": user.email, "created_at": timestamp(user.created_at)}
    if user.is_staff:
        shape |= {"availability": str(user.availability), "capacity": user.capacity}
    return shape


def administered(user: User) -> dict[str, Any]:
    return profile(user) | {"is_active": user.is_active, "capacity": user.capacity}


def signed_in(user: User, session: DeviceSession) -> dict[str, Any]:
    return token_pair(session) | {"user": profile(user)}
