"""An admin who becomes available, connects or gets more room moves the queue; what super admins change is recorded."""

import pytest

from accounts.actions import people
from accounts.models import User
from accounts.tests.factories import DeviceSessionFactory
from chat.models import AuditEntry, Trade
from chat.tests.factories import busy_admin, open_trade
from chat.tests.unit.actions.support import gone, here


@pytest.fixture
def queued(alice, tom):
    return open_trade(alice)


def assignee(trade):
    return Trade.objects.get(pk=trade.pk).assignee


def test_an_admin_who_becomes_available_gets_what_waits(tom, queued, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        people.update_profile(actor=tom, display_name="Thomas")
    assert assignee(queued) is None

    with django_capture_on_commit_callbacks(execute=True):
        people.update_profile(actor=tom, availability="available")

    assert assignee(queued) == tom
    assert not AuditEntry.objects.filter(action__startswith="account").exists()


def test_more_capacity_is_used_at_once_and_recorded(alice, sara, django_capture_on_commit_callbacks):
    admin = busy_admin(capacity=0)
    User.objects.filter(pk=admin.pk).update(availability="available")
    waiting = open_trade(alice)

    with django_capture_on_commit_callbacks(execute=True):
        people.administer(actor=sara, user_id=admin.pk, capacity=1)

    entry = AuditEntry.objects.get(action="account.changed")
    assert (entry.actor, entry.subject, entry.detail) == (sara, admin, {"capacity": [0, 1]})
    assert assignee(waiting) == admin


def test_what_changes_nothing_is_not_recorded(sara, tom):
    people.administer(actor=sara, user_id=tom.pk, capacity=tom.capacity, is_active=True)

    assert not AuditEntry.objects.exists()


def test_a_customers_account_is_recorded_too(alice, sara):
    people.administer(actor=sara, user_id=alice.pk, is_active=False)

    assert AuditEntry.objects.get().detail == {"is_active": [True, False]}


def test_who_is_logged_out_by_a_super_admin_is_recorded(alice, bob, sara):
    DeviceSessionFactory.create(user=alice)
    mine = DeviceSessionFactory.create(user=alice)

    people.log_out_devices(actor=sara, chosen=[mine])
    people.log_out_people(actor=sara, user_ids=[alice.pk, bob.pk])

    found = AuditEntry.objects.order_by("id").values_list("action", "subject", "detail")
    assert list(found) == [
        ("account.logged_out", alice.pk, {"sessions": [1, 0]}),
        ("account.logged_out", alice.pk, {"sessions": [1, 0]}),
    ]


def test_an_admin_who_connects_gets_what_waits(alice, settings, django_capture_on_commit_callbacks):
    settings.ASSIGN_OFFLINE = "never"
    admin = busy_admin()
    User.objects.filter(pk=admin.pk).update(availability="available")
    waiting = open_trade(alice)
    with django_capture_on_commit_callbacks(execute=True):
        here(alice)
    assert assignee(waiting) is None

    with django_capture_on_commit_callbacks(execute=True):
        here(admin)

    assert assignee(waiting) == admin


def test_coming_back_counts_as_coming(alice, settings, django_capture_on_commit_callbacks):
    settings.ASSIGN_OFFLINE = "never"
    admin = busy_admin()
    here(admin)
    gone(admin)
    User.objects.filter(pk=admin.pk).update(availability="available")
    waiting = open_trade(alice)

    with django_capture_on_commit_callbacks(execute=True):
        here(admin)

    assert assignee(waiting) == admin
