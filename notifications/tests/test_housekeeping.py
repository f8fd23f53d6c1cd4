"""What is forgotten, and what has to stay."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.ids import new_id
from notifications.actions import devices, housekeeping
from notifications.enums import Kind, PushState, RowState
from notifications.models import Device, Notification, OutboxRow, Push
from notifications.tests.factories import phone, told

pytestmark = pytest.mark.django_db
NOW = timezone.now()
OLD = NOW - housekeeping.KEPT - timedelta(minutes=1)
YOUNG = NOW - housekeeping.KEPT + timedelta(minutes=1)


def push(device, at, **fields):
    return Push.objects.create(device=device, thread=new_id(), kind=Kind.MESSAGE, created_at=at, **fields)


def row(device, at, **fields):
    return OutboxRow.objects.create(
        device=device, user=device.user, kind=Kind.MESSAGE, cause=new_id(), thread=new_id(), created_at=at, due_at=at,
        **fields,
    )  # fmt: skip


def test_what_is_settled_and_old_goes_with_its_rows(alice):
    device = phone(alice)
    gone = push(device, OLD, state=PushState.DELIVERED, settled_at=OLD)
    kept = push(device, OLD, state=PushState.DELIVERED, settled_at=YOUNG)
    open_one = push(device, OLD, state=PushState.SENT)
    row(device, OLD, state=RowState.TAKEN, push=gone)
    row(device, OLD, state=RowState.DROPPED, reason="read")
    row(device, OLD, state=RowState.TAKEN)
    rows = [
        row(device, OLD, state=RowState.TAKEN, push=kept),
        row(device, OLD, state=RowState.TAKEN, push=open_one),
        row(device, OLD),
        row(device, YOUNG, state=RowState.DROPPED, reason="read"),
    ]

    assert housekeeping.forget(now=NOW) == 4
    assert set(Push.objects.all()) == {kept, open_one}
    assert list(OutboxRow.objects.order_by("pk")) == rows
    assert housekeeping.forget(now=NOW) == 0


def test_a_dead_letter_is_kept_as_long(alice):
    device = phone(alice)
    push(device, OLD, state=PushState.FAILED, settled_at=OLD)
    kept = push(device, YOUNG, state=PushState.FAILED, settled_at=YOUNG)

    housekeeping.forget(now=NOW)

    assert list(Push.objects.all()) == [kept]


def test_old_notifications_go_once_they_were_read(alice):
    told(alice, created_at=OLD, read_at=OLD)
    kept = [
        told(alice, created_at=OLD, read_at=YOUNG),
        told(alice, created_at=OLD),
        told(alice, created_at=YOUNG, read_at=YOUNG),
    ]

    assert housekeeping.forget(now=NOW) == 1
    assert list(Notification.objects.order_by("pk")) == kept


def test_ended_devices_go_when_nothing_speaks_of_them(alice):
    gone, of_a_row, of_a_push, ended_lately, still_there = (phone(alice) for _ in range(5))
    row(of_a_row, YOUNG)
    push(of_a_push, YOUNG)
    for device in (gone, of_a_row, of_a_push):
        devices.remove(actor=alice, device_id=device.pk, now=OLD)
    devices.remove(actor=alice, device_id=ended_lately.pk, now=YOUNG)

    assert housekeeping.forget(now=NOW) == 1
    assert set(Device.objects.all()) == {of_a_row, of_a_push, ended_lately, still_there}


def test_devices_of_a_sign_in_that_ran_out_end_by_the_clock(alice):
    device = phone(alice)
    device.session.expires_at = NOW
    device.session.save(update_fields=["expires_at"])

    assert housekeeping.forget(now=NOW) == 0
    assert not Device.objects.active().exists()


@pytest.mark.parametrize("batch", [1, 2, 5, 6, 7])
def test_however_large_the_batches_all_that_is_over_goes(alice, monkeypatch, batch):
    monkeypatch.setattr(housekeeping, "BATCH", batch)
    device = phone(alice)
    for _ in range(3):
        row(device, OLD, state=RowState.DROPPED)
        kept = row(device, OLD)
    row(device, YOUNG, state=RowState.DROPPED)
    for _ in range(3):
        devices.remove(actor=alice, device_id=phone(alice).pk, now=OLD)

    assert housekeeping.forget(now=NOW) == 6
    assert (OutboxRow.objects.count(), kept in OutboxRow.objects.all()) == (4, True)
