"""The JSON shapes of devices, preferences and notifications, for their own person alone."""

from datetime import time
from uuid import UUID

from msgspec import Struct, field

from accounts.text import timestamp
from notifications.models import Device, Notification, Preferences


class DeviceShape(Struct):
    id: UUID
    token: str
    platform: str
    name: str
    active: bool


class QuietHoursShape(Struct):
    begin: str = field(name="from")
    end: str = field(name="to")
    time_zone: str


class PreferencesShape(Struct):
    message: bool
    trade: bool
    escalation: bool
    mention: bool
    hide_content: bool
    quiet_hours: QuietHoursShape | None


class NotificationShape(Struct):
    id: UUID
    kind: str
    text: str
    url: str
    created_at: str
    read_at: str | None


class UnreadShape(Struct):
    unread: int


def device_shape(device: Device) -> DeviceShape:
    return DeviceShape(device.pk, device.token, device.platform, device.name, device.active)


def preferences_shape(wanted: Preferences) -> PreferencesShape:
    return PreferencesShape(
        message=wanted.message,
        trade=wanted.trade,
        escalation=wanted.escalation,
        mention=wanted.mention,
        hide_content=wanted.hide_content,
        quiet_hours=_quiet_hours(wanted.quiet_from, wanted.quiet_to, wanted.time_zone),
    )


def _quiet_hours(begin: time | None, end: time | None, time_zone: str) -> QuietHoursShape | None:
    if begin is None or end is None:
        return None
    return QuietHoursShape(f"{begin:%H:%M}", f"{end:%H:%M}", time_zone)


def notification_shape(notification: Notification) -> NotificationShape:
    return NotificationShape(
        id=notification.pk,
        kind=notification.kind,
        text=notification.text,
        url=notification.url,
        created_at=timestamp(notification.created_at),
        read_at=timestamp(notification.read_at) if notification.read_at else None,
    )
