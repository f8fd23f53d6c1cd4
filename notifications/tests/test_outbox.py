"""Telling people something: the in-app list, the live word, and the rows for their phones."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone

from notifications import announcing
from notifications.actions import outbox
from notifications.enums import Kind
from notifications.models import Notification, OutboxRow
from notifications.tests.factories import phone

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard(monkeypatch):
    found = []
    monkeypatch.setattr(announcing, "_listeners", [])
    announcing.on_created(found.extend)
    return found


def notify(*users, cause=None, **fields):
    outbox.notify(
        user_ids=[user.pk for user in users],
        kind=Kind.TRADE,
        cause=cause or uuid4(),
        thread=uuid4(),
        text="Trade BP-1 was given to you.",
        url="/trades/1",
        **fields,
    )


def test_each_is_told_in_the_list_live_and_on_their_phones(heard, alice, bob, django_capture_on_commit_callbacks):
    phones = {phone(alice).pk, phone(bob).pk, phone(bob).pk}

    with django_capture_on_commit_callbacks(execute=True):
        notify(alice, bob, open_apps={bob.pk})

    assert {one.user_id for one in heard} == {alice.pk, bob.pk} == {one.user_id for one in Notification.objects.all()}
    rows = OutboxRow.objects.all()
    assert {row.device_id for row in rows} == phones
    assert {(row.user_id, row.waits) for row in rows} == {(alice.pk, False), (bob.pk, True)}


def test_the_same_cause_tells_the_same_person_once(heard, alice, bob, django_capture_on_commit_callbacks):
    phone(alice)
    cause = uuid4()

    with django_capture_on_commit_callbacks(execute=True):
        notify(alice, cause=cause)
        notify(alice, alice, bob, cause=cause)
        notify(alice, bob, cause=cause)

    assert [one.user_id for one in heard] == [alice.pk, bob.pk]
    assert OutboxRow.objects.count() == 1


def test_the_time_can_be_given(alice):
    phone(alice)
    at = timezone.now() - timedelta(hours=1)

    notify(alice, now=at)

    assert Notification.objects.get().created_at == at
    assert OutboxRow.objects.get().due_at == at + settings.PUSH_GATHER


def test_many_take_as_many_queries_as_one(heard, alice, bob, sara, django_assert_num_queries):
    for user in (alice, bob, sara):
        phone(user)

    with django_assert_num_queries(5):
        notify(alice)
    with django_assert_num_queries(5):
        notify(alice, bob, sara)
