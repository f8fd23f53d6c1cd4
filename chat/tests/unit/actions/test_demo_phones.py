"""The demo's phones: there once, and again when their trade or their sign-in has ended."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import DeviceSession
from chat.actions import demo, demo_phones
from chat.models import Trade
from notifications.models import Device

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _people(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.ASSIGN_OFFLINE = "never"
    demo._add_people()


def names():
    return sorted(Device.objects.reachable().values_list("name", flat=True))


def test_bob_has_two_phones_and_a_trade_to_be_written_to_in():
    trade = demo_phones.add()

    assert names() == ["Alice's phone", "Bob's phone", "Bob's tablet"]
    assert (trade.customer.email, trade.reference) == ("bob@example.com", "BP-1002")
    assert trade.assignee is not None


def test_at_the_next_start_everything_stays():
    trade = demo_phones.add()

    assert demo_phones.add() == trade
    assert Device.objects.count() == 3


def test_what_has_run_out_is_made_anew():
    first = demo_phones.add()
    Trade.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))
    DeviceSession.objects.update(revoked_at=timezone.now())

    second = demo_phones.add()

    assert (first.reference, second.reference) == ("BP-1002", "BP-1003")
    assert names() == ["Alice's phone", "Bob's phone", "Bob's tablet"]
