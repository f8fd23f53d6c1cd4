"""Several registrations of one token, and a sign-in that ends, at the same instant."""

from threading import Thread

import pytest
from django.db import connection, transaction

from accounts.actions import sessions
from accounts.errors import Conflict, Unauthenticated
from accounts.tests.factories import DeviceSessionFactory, UserFactory
from chat.tests.parallel import on_its_own_connection, together, wait_until_blocked
from notifications.actions import devices
from notifications.models import Device
from notifications.tests.factories import new_token, phone

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time"),
]


def registration(user, token, session=None):
    session = session or DeviceSessionFactory.create(user=user)
    return lambda: phone(user, token, session=session)


def test_of_many_people_with_one_token_one_owns_it_in_the_end():
    token = new_token()

    made = together([registration(UserFactory.create(), token) for _ in range(6)])

    [owner] = Device.objects.active()
    assert owner in made
    ended = Device.objects.exclude(pk=owner.pk)
    assert (ended.count(), set(ended.values_list("end_reason", flat=True))) == (5, {"re_owned"})


def test_one_app_that_registers_several_times_at_once_is_one_device(alice):
    token, session = new_token(), DeviceSessionFactory.create(user=alice)

    made = together([registration(alice, token, session)] * 4)

    assert len({device.pk for device in made}) == Device.objects.count() == 1


def test_several_phones_of_one_person_at_once_are_no_more_than_allowed(alice, settings):
    settings.DEVICES_PER_USER = 2

    made = together([registration(alice, new_token()) for _ in range(5)])

    kept = set(Device.objects.active())
    assert (len(kept), kept < set(made)) == (2, True)
    assert set(Device.objects.exclude(ended_at=None).values_list("end_reason", flat=True)) == {"too_many"}


def test_two_who_swap_their_phones_do_not_wait_for_each_other_for_ever(alice, bob):
    hers, his = DeviceSessionFactory.create(user=alice), DeviceSessionFactory.create(user=bob)
    first, second = new_token(), new_token()
    for _ in range(5):
        together([registration(alice, first, hers), registration(bob, second, his)])
        together([registration(alice, second, hers), registration(bob, first, his)])

    owners = dict(Device.objects.active().values_list("token", "user"))

    assert owners == {second: alice.pk, first: bob.pk}


@pytest.fixture
def attempt():
    """Registers on a thread, which has to wait, and keeps what came of it."""
    threads, results = [], []

    def start(call):
        def run():
            try:
                results.append(on_its_own_connection(call))
            except Exception as error:
                results.append(error)

        threads.append(Thread(target=run))
        threads[-1].start()
        wait_until_blocked()

    def result():
        for thread in threads:
            thread.join(10)
        return results

    start.result = result
    return start


def test_the_later_of_two_sees_the_earlier_and_ends_it(alice, bob, attempt):
    token = new_token()
    his = registration(bob, token)
    with transaction.atomic():
        earlier = phone(alice, token)
        attempt(his)

    [later] = attempt.result()

    assert list(Device.objects.active()) == [later]
    earlier.refresh_from_db()
    assert earlier.end_reason == "re_owned"


def test_who_loses_every_time_is_told_so(alice, bob, attempt, monkeypatch):
    monkeypatch.setattr(devices, "ATTEMPTS", 1)
    token = new_token()
    his = registration(bob, token)
    with transaction.atomic():
        hers = phone(alice, token)
        attempt(his)

    [refusal] = attempt.result()

    assert isinstance(refusal, Conflict)
    assert list(Device.objects.active()) == [hers]


def test_a_sign_in_that_is_ending_registers_nothing(alice, attempt):
    session = DeviceSessionFactory.create(user=alice)
    with transaction.atomic():
        sessions.log_out(session=session)
        attempt(registration(alice, new_token(), session))

    [refusal] = attempt.result()

    assert isinstance(refusal, Unauthenticated)
    assert not Device.objects.exists()


def test_the_end_of_a_sign_in_finds_what_was_registered_just_before(alice, attempt):
    session = DeviceSessionFactory.create(user=alice)
    with transaction.atomic():
        device = phone(alice, session=session)
        attempt(lambda: sessions.log_out(session=session))

    assert attempt.result() == [None]
    device.refresh_from_db()
    assert (device.active, device.end_reason) == (False, "signed_out")
