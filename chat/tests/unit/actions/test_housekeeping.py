"""What has run out is forgotten, and what tells of somebody now is not."""

from datetime import timedelta

from django.utils import timezone

from accounts.ids import new_id
from accounts.models import DeviceSession
from accounts.tests.factories import DeviceSessionFactory
from chat.actions.housekeeping import KEPT_FOR_READING, forget_expired
from chat.models import Connection


def test_leases_that_ran_out_long_ago_are_forgotten(alice):
    now = timezone.now()
    for age in (
        KEPT_FOR_READING + timedelta(minutes=1),
        KEPT_FOR_READING - timedelta(minutes=1),
        -timedelta(minutes=1),
    ):
        Connection.objects.create(id=new_id(), user=alice, expires_at=now - age)
    DeviceSessionFactory.create(user=alice)

    assert forget_expired() == 1

    assert (Connection.objects.count(), DeviceSession.objects.count()) == (2, 1)
    assert forget_expired() == 0
