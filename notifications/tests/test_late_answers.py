"""What comes too late must not undo what is known by then; and a long outage must not stop the sender."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from notifications.actions import claiming, sending, settling
from notifications.enums import PushState
from notifications.expo import DEVICE_NOT_REGISTERED, RATE_EXCEEDED, Outcome, RequestFailed, Trouble
from notifications.models import Device, Push, Service
from notifications.tests.factories import phone
from notifications.tests.words import want

pytestmark = pytest.mark.django_db


@pytest.fixture
def at():
    return timezone.now() + timedelta(seconds=2)


@pytest.fixture
def slow(words, stub, bob, at):
    """A worker that has claimed a push and composed it, and is held up until its claim has lapsed."""
    phone(bob, f"ExponentPushToken[{uuid4().hex}]")
    want(bob)
    claimed = claiming.claim(at)
    return claimed, sending._compose(claimed.pushes, at)


@pytest.mark.parametrize(("fault", "options"), [("503", {}), ("400", {}), ("badjson", {}), ("429", {})])
def test_a_late_failure_does_not_touch_a_push_that_another_worker_has_sent(slow, stub, at, fault, options):
    claimed, composed = slow
    assert sending.send_due(at + timedelta(seconds=31)) == 1
    stub.fault(fault, **options)

    sending._send(composed, claimed, at)

    assert Push.objects.get().state == PushState.SENT
    assert Push.objects.get().unanswered == 1  # of the lapse


def test_a_late_failure_does_not_take_a_push_from_the_worker_that_has_it_now(slow, stub, at):
    claimed, composed = slow
    claiming.claim(at + timedelta(seconds=31))
    stub.fault("503")

    sending._send(composed, claimed, at)

    assert Push.objects.get().state == PushState.SENDING


def test_what_a_late_worker_finds_unwanted_stays_sent(slow, at):
    _, composed = slow
    sending.send_due(at + timedelta(seconds=31))

    settling.drop([composed[0].push], at)

    assert Push.objects.get().state == PushState.SENT


def test_a_worker_whose_claim_is_about_to_lapse_sends_no_more(slow, stub, at):
    claimed, composed = slow

    assert sending._send(composed, claimed, claimed.until - timedelta(seconds=1)) == 0

    assert stub.pushes == []
    assert Push.objects.get().state == PushState.READY


@pytest.mark.parametrize("error", [None, RATE_EXCEEDED, DEVICE_NOT_REGISTERED])
def test_an_old_receipt_says_nothing_of_a_push_on_its_way_again(words, stub, bob, at, error):
    phone(bob, f"ExponentPushToken[{uuid4().hex}]")
    want(bob)
    sending.send_due(at)
    push = Push.objects.get()
    settling.settle_receipts({push.ticket: push}, {push.ticket: Outcome(error=RATE_EXCEEDED)}, at)
    again = claiming.claim(at + timedelta(hours=1))
    assert len(again.pushes) == 1

    settling.settle_receipts({push.ticket: push}, {push.ticket: Outcome(error=error)}, at)

    assert Push.objects.get().state == PushState.SENDING
    assert Device.objects.active().exists()


def test_an_outage_of_a_month_ends_like_one_of_a_minute(words, stub, bob, at):
    phone(bob, f"ExponentPushToken[{uuid4().hex}]")
    want(bob)
    Service.objects.update_or_create(pk=1, defaults={"failures": 32767})

    paused_until = claiming.note_failure(RequestFailed(Trouble.DENIED, "401"), at)

    assert timedelta(seconds=48) <= paused_until - at <= timedelta(seconds=72)
    assert sending.send_due(paused_until) == 1
    assert Service.objects.get().failures == 0
