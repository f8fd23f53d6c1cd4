"""Devices and notifications for tests."""

from itertools import count
from typing import Any

from accounts.ids import new_id
from accounts.models import User
from accounts.tests.factories import DeviceSessionFactory
from notifications.actions import devices
from notifications.enums import Kind, Platform
from notifications.models import Device, Notification

_numbers = count()


def new_token(spelling: str = "ExponentPushToken") -> str:
    return f"{spelling}[phone-{next(_numbers)}]"


def phone(user: User, token: str | None = None, **fields: Any) -> Device:
    """A device that somebody registered, in a sign-in of its own unless a session is given."""
    session = fields.pop("session", None) or DeviceSessionFactory.create(user=user)
    said = {"token": new_token() if token is None else token, "platform": Platform.IOS, "name": "Phone", **fields}
    return devices.register(actor=user, session=session, **said)[0]


def told(user: User, **fields: Any) -> Notification:
    return Notification.objects.create(
        **{"user": user, "kind": Kind.TRADE, "cause": new_id(), "text": "BP-1 waits.", "url": "/x", **fields}
    )
