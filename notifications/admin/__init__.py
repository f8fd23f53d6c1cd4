"""Pushes and the devices they go to in Django admin: for super admins only, to look at and to send again."""

from notifications.admin.devices import DeviceAdmin
from notifications.admin.pushes import PushAdmin

__all__ = ["DeviceAdmin", "PushAdmin"]
