"""Devices are locked by id, by everybody: what Expo said is stored, whoever registers or signs out meanwhile."""

from threading import Thread

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.ids import new_id
from chat.tests.parallel import on_its_own_connection, wait_until_blocked
from notifications.actions import settling
from notifications.actions.composing import Composed
from notifications.enums import Kind, PushState
from notifications.expo import DEVICE_NOT_REGISTERED, Outcome
from notifications.models import Device, Push
from notifications.tests.factories import phone

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time"),
]


def sending(device, until):
    pk = new_id()
    fields = {"state": PushState.SENDING, "claimed_until": until, "ticket": str(pk)}
    return Push.objects.create(pk=pk, device=device, thread=new_id(), kind=Kind.MESSAGE, **fields)


def tickets(pushes, now):
    """The dead one first, then the one that Expo took."""
    outcomes = Outcome(error=DEVICE_NOT_REGISTERED), Outcome(ticket="t")
    settling.settle(list(zip(map(Composed, pushes), outcomes, strict=True)), now, now)


def receipts(pushes, now):
    Push.objects.update(state=PushState.SENT)
    found = {str(push.pk): Outcome(error=DEVICE_NOT_REGISTERED) for push in pushes}
    settling.settle_receipts({str(push.pk): push for push in pushes}, found, now)


@pytest.mark.parametrize("store", [tickets, receipts])
def test_an_answer_of_expo_waits_for_who_holds_devices_and_never_in_a_circle(alice, store):
    low, high = sorted((phone(alice), phone(alice)), key=lambda device: device.pk)
    now, failures = timezone.now(), []
    pushes = [sending(high, now), sending(low, now)]

    def work():
        try:
            on_its_own_connection(lambda: store(pushes, now))
        except Exception as error:
            failures.append(error)

    answer = Thread(target=work)
    with transaction.atomic():
        devices = Device.objects.order_by("pk").select_for_update(no_key=True)
        devices.get(pk=low.pk)
        answer.start()
        wait_until_blocked()
        devices.get(pk=high.pk)
    answer.join(10)

    assert failures == []
    assert low.pk not in Device.objects.active() or store is tickets
    assert not Device.objects.active().filter(pk=high.pk).exists()
    assert not Push.objects.filter(state=PushState.SENDING).exists()
