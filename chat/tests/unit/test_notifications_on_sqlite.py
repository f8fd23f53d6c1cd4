"""Devices, preferences and the in-app list mean the same on SQLite."""

from datetime import time, timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import DeviceSessionFactory, UserFactory
from notifications.actions import centre, devices, housekeeping, preferences
from notifications.actions.preferences import QuietHours
from notifications.models import Device, Notification
from notifications.tests.factories import phone, told

pytestmark = pytest.mark.usefixtures("on_sqlite")


@pytest.fixture
def alice() -> User:
    return UserFactory.create(display_name="Alice")


def test_a_token_has_one_owner(alice):
    session = DeviceSessionFactory.create(user=alice)
    first = phone(alice, session=session)
    assert phone(alice, first.token, session=session) == first

    second = phone(UserFactory.create(), first.token)

    assert list(Device.objects.reachable()) == [second]
    devices.remove(actor=second.user, device_id=second.pk)
    assert not Device.objects.active().exists()


def test_a_device_ends_with_its_sign_in(alice):
    device = phone(alice)
    device.session.revoked_at = timezone.now()
    device.session.save(update_fields=["revoked_at"])

    assert not Device.objects.reachable().exists()
    assert devices.end_signed_out() == 1


def test_notifications_are_read_and_forgotten(alice):
    first, _ = told(alice), told(alice)

    assert centre.mark_read(actor=alice, ids=[first.pk]) == 1
    assert centre.mark_read(actor=alice) == 0
    assert housekeeping.forget() == 0
    assert housekeeping.forget(now=timezone.now() + timedelta(days=31)) == 2
    assert not Notification.objects.exists()


def test_preferences_are_kept(alice):
    night = QuietHours(time(22), time(7), "Europe/Berlin")

    preferences.change(actor=alice, switches={"trade": False}, hours=night)

    wanted = preferences.of(alice)
    assert (wanted.trade, wanted.quiet_from, wanted.time_zone) == (False, time(22), "Europe/Berlin")
