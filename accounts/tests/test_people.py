"""What people change about themselves, and super admins about others."""

from threading import Barrier, Thread
from uuid import uuid4

import pytest
from django.db import connection

from accounts.actions import people
from accounts.errors import Conflict, Forbidden, InvalidBody, NotFound
from accounts.models import Availability, DeviceSession, Role, User
from accounts.revocation import Reason, Revoked
from accounts.tests.factories import DeviceSessionFactory, SuperAdminFactory


def test_people_rename_themselves(alice):
    people.update_profile(actor=alice, display_name="Alicia")

    alice.refresh_from_db()
    assert alice.display_name == "Alicia"


def test_admins_say_whether_they_are_available(bob):
    people.update_profile(actor=bob, availability="away")

    bob.refresh_from_db()
    assert bob.availability == Availability.AWAY
    with pytest.raises(InvalidBody):
        people.update_profile(actor=bob, availability="asleep")


def test_customers_have_no_availability(alice):
    people.update_profile(actor=alice, availability="away")

    alice.refresh_from_db()
    assert alice.availability == Availability.AVAILABLE


def test_a_name_of_staff_is_for_staff(alice, bob):
    people.update_profile(actor=bob, display_name="Trade Support")

    with pytest.raises(InvalidBody):
        people.update_profile(actor=alice, display_name="Trade Support")


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"role": "trade_admin"}, {"is_active": False, "role": "customer"}]
)
def test_a_closed_account_or_a_new_role_ends_every_session_at_once(
    root, alice, phone, revoked, change, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        people.administer(actor=root, user_id=alice.pk, **change)

    assert revoked == [Revoked(alice.pk, Reason.ACCOUNT, None)]
    assert not DeviceSession.objects.filter(revoked_at=None).exists()


def test_a_closed_account_is_not_closed_again(root, alice, revoked, django_capture_on_commit_callbacks):
    people.administer(actor=root, user_id=alice.pk, is_active=False)

    with django_capture_on_commit_callbacks(execute=True):
        people.administer(actor=root, user_id=alice.pk, is_active=False, capacity=3)
        people.administer(actor=root, user_id=alice.pk, is_active=True)

    assert revoked == []


def test_what_changes_neither_access_nor_role_ends_nothing(root, bob, revoked, django_capture_on_commit_callbacks):
    session = DeviceSessionFactory(user=bob)

    with django_capture_on_commit_callbacks(execute=True):
        user = people.administer(actor=root, user_id=bob.pk, is_active=True, role="trade_admin", capacity=3)

    assert (user.capacity, revoked, list(DeviceSession.objects.live())) == (3, [], [session])


@pytest.mark.parametrize("change", [{"role": "boss"}, {"capacity": -1}, {"capacity": 1001}])
def test_nonsense_is_refused_where_it_stands(root, bob, change):
    with pytest.raises(InvalidBody) as refusal:
        people.administer(actor=root, user_id=bob.pk, **change)

    assert [error["pointer"] for error in refusal.value.errors] == [f"/{next(iter(change))}"]


def test_only_super_admins_administer(alice, bob, root):
    for actor in (alice, bob):
        with pytest.raises(Forbidden):
            people.administer(actor=actor, user_id=actor.pk, role="super_admin")
        with pytest.raises(Forbidden):
            people.administer(actor=actor, user_id=uuid4(), role="super_admin")
        with pytest.raises(Forbidden):
            people.look_up(actor=actor, user_id=actor.pk)
    with pytest.raises(NotFound):
        people.administer(actor=root, user_id=uuid4(), is_active=False)


def test_somebody_who_was_demoted_meanwhile_administers_nobody(root, bob):
    User.objects.filter(pk=root.pk).update(role=Role.TRADE_ADMIN)

    with pytest.raises(Forbidden):
        people.administer(actor=root, user_id=bob.pk, is_active=False)


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "customer"}])
def test_the_last_super_admin_stays(root, change):
    SuperAdminFactory(is_active=False)

    with pytest.raises(Conflict):
        people.administer(actor=root, user_id=root.pk, **change)

    root.refresh_from_db()
    assert (root.is_active, root.role) == (True, Role.SUPER_ADMIN)


def test_one_of_two_super_admins_may_go(root):
    SuperAdminFactory()

    assert people.administer(actor=root, user_id=root.pk, role="trade_admin").role == Role.TRADE_ADMIN


@pytest.mark.django_db(transaction=True)
def test_of_super_admins_who_demote_each_other_at_once_one_stays(root):
    admins = [root, *SuperAdminFactory.create_batch(3)]
    start = Barrier(4)

    def demote(actor: User, victim: User) -> None:
        start.wait()
        try:
            people.administer(actor=actor, user_id=victim.pk, role="customer")
        except (Conflict, Forbidden):
            pass
        finally:
            connection.close()

    pairs = zip(admins, admins[1:] + admins[:1], strict=True)
    threads = [Thread(target=demote, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert User.objects.filter(role=Role.SUPER_ADMIN, is_active=True).count() >= 1
