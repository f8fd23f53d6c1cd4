"""Receipts: asked for a while after the push, and what they mean."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from notifications.actions import receipts, sending
from notifications.models import Device, Push
from notifications.tests.factories import phone as registered
from notifications.tests.words import want

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(words, stub, bob):
    """Pushes to phones whose tokens hold these words, handed to Expo."""

    def send(*patterns):
        for pattern in patterns:
            registered(bob, f"ExponentPushToken[{pattern}-{uuid4().hex}]")
        want(bob)
        sending.send_due(timezone.now() + timedelta(seconds=2))

    return send


def after(minutes):
    return timezone.now() + timedelta(minutes=minutes)


def outcome():
    return [(push.state, push.error) for push in Push.objects.order_by("device__registered_at")]


def test_receipts_are_asked_for_after_a_quarter_of_an_hour(sent):
    sent("well")

    assert receipts.read_due(after(14)) == 0
    assert receipts.read_due(after(16)) == 1
    assert outcome() == [("delivered", "")]
    assert receipts.read_due(after(60)) == 0


def test_an_error_in_the_receipt_ends_only_the_dead_device(sent):
    sent("late-dead", "late-creds", "late-rate", "well")

    assert receipts.read_due(after(16)) == 4

    assert outcome() == [
        ("failed", "DeviceNotRegistered"),
        ("failed", "InvalidCredentials"),
        ("ready", "MessageRateExceeded"),
        ("delivered", ""),
    ]
    assert [device.end_reason for device in Device.objects.exclude(ended_at=None)] == ["not_registered"]


def test_a_receipt_that_does_not_come_is_asked_for_again_for_a_day(sent):
    sent("noreceipt")

    assert receipts.read_due(after(16)) == 0
    assert receipts.read_due(after(16)) == 0
    assert outcome() == [("sent", "")]
    assert receipts.read_due(after(60 * 25)) == 0
    assert outcome() == [("sent", "no receipt")]
    assert Push.objects.get().settled_at


def test_an_expo_that_fails_is_asked_again(sent, stub):
    sent("well")
    stub.stop()

    assert receipts.read_due(after(16)) == 0
    stub.start()
    assert receipts.read_due(after(32)) == 1


def test_a_run_takes_so_many_batches_and_no_more(sent, monkeypatch):
    sent("well")
    monkeypatch.setattr(receipts, "MAX_BATCHES", 0)

    assert receipts.read_due(after(16)) == 0
