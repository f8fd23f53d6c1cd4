"""Leases, grace, and who is told: once, by whichever server is first."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.ids import new_id
from accounts.tests.factories import UserFactory
from chat import presence
from chat.actions import people
from chat.models import Connection, Presence
from chat.presence import Change
from chat.tests.factories import group
from chat.tests.parallel import together


def came(user, connection_id=None, **fields):
    change = Change(connection_id or new_id(), user.pk, **fields)
    presence.note([change])
    return change.connection_id


def went(user, connection_id):
    presence.note([Change(connection_id, user.pk, ended=True)])


def lapse(*connection_ids):
    """As if their grace, or their lease, had run out."""
    Connection.objects.filter(pk__in=connection_ids).update(expires_at=timezone.now() - timedelta(seconds=1))


def told(ears):
    """(status, of whom, to whom) of every announcement."""
    frames = ears.frames("presence.update")
    assert all(item[2] for item in ears.of("users"))
    return [
        (frame["status"], frame["user"], set(item[0])) for frame, item in zip(frames, ears.of("users"), strict=True)
    ]


@pytest.fixture
def room(alice, bob):
    """Both are online."""
    conversation = group(alice, bob)
    came(bob)
    return conversation


def test_a_socket_leaves_a_lease_and_its_person_is_online(alice):
    connection_id = came(alice, idle=False, foreground=False)

    lease = Connection.objects.get()
    assert (lease.pk, lease.user, lease.idle, lease.foreground) == (connection_id, alice, False, False)
    assert timedelta(seconds=55) < lease.expires_at - timezone.now() <= timedelta(seconds=60)
    assert Presence.objects.get().status == "online"


def test_coming_is_announced_to_the_company_that_may_be_here(alice, bob, room, ears):
    gone = UserFactory.create()
    over = group(alice, gone)
    over.closed_at = timezone.now()
    over.save(update_fields=["closed_at"])

    with ears.listening():
        came(alice)

    [frame] = ears.frames("presence.update")
    assert told(ears) == [("online", str(alice.pk), {str(bob.pk)})]
    assert set(frame) == {"type", "user", "status", "last_active"}


def test_a_second_socket_and_a_renewed_one_are_not_announced(alice, room, ears):
    first = came(alice)

    with ears.listening():
        came(alice)
        came(alice, first)
        presence.renew({first: alice.pk})

    assert (ears.items, Connection.objects.filter(user=alice).count()) == ([], 2)


def test_who_is_idle_on_all_sockets_is_idle(alice, bob, room, ears):
    one, two = came(alice), came(alice)

    with ears.listening():
        came(alice, one, idle=True)
        assert ears.items == []
        came(alice, two, idle=True)

    assert told(ears) == [("idle", str(alice.pk), {str(bob.pk)})]


def test_activity_on_one_socket_is_enough_to_be_online(alice, bob, room, ears):
    came(alice, idle=True)

    with ears.listening():
        came(alice)

    assert told(ears) == [("online", str(alice.pk), {str(bob.pk)})]


def test_a_socket_that_ends_has_its_grace_and_a_reconnect_goes_unnoticed(alice, room, ears):
    connection_id = came(alice)

    with ears.listening():
        went(alice, connection_id)
        presence.sweep()
        came(alice)
        lapse(connection_id)
        presence.sweep()

    lease = Connection.objects.get(pk=connection_id)
    assert lease.expires_at - timezone.now() <= timedelta(seconds=20)
    assert (ears.items, Presence.objects.get(user=alice).status) == ([], "online")


def test_who_does_not_come_back_is_announced_as_offline_with_their_last_activity(alice, bob, room, ears):
    connection_id = came(alice)
    went(alice, connection_id)
    lapse(connection_id)

    with ears.listening():
        presence.sweep()
        presence.sweep()

    last_active = Presence.objects.get(user=alice).last_active
    assert told(ears) == [("offline", str(alice.pk), {str(bob.pk)})]
    assert timezone.now() - last_active < timedelta(seconds=10)


def test_the_leases_of_a_server_that_died_run_out_by_themselves(alice, room):
    lapse(came(alice))

    presence.sweep()

    assert Presence.objects.get(user=alice).status == "offline"


def test_an_end_does_not_lengthen_a_lease(alice):
    connection_id = came(alice)
    Connection.objects.update(expires_at=timezone.now() + timedelta(seconds=3))

    went(alice, connection_id)

    assert Connection.objects.get().expires_at - timezone.now() <= timedelta(seconds=3)


def test_of_many_changes_of_one_socket_the_last_counts(alice):
    connection_id = new_id()

    outcomes = presence.note(
        [Change(connection_id, alice.pk), Change(connection_id, alice.pk, idle=True, foreground=False)]
    )

    lease = Connection.objects.get()
    assert (outcomes, lease.idle, lease.foreground) == ([None, None], True, False)


def test_a_crowd_does_not_hear_of_each_other(alice, bob, ears):
    conversation = group(alice, bob)
    came(bob)
    for _ in range(presence.MAX_SHARED - 2):
        people.enter(conversation, UserFactory.create())
    with ears.listening():
        came(alice)
    [(_, _, audience)] = told(ears)
    assert len(audience) == presence.MAX_SHARED - 1
    people.enter(conversation, UserFactory.create())

    with ears.listening():
        lapse(*Connection.objects.filter(user=alice).values_list("pk", flat=True))
        presence.sweep()

    assert (Presence.objects.get(user=alice).status, told(ears)) == ("offline", [])


def test_staff_hear_of_staff_wherever_they_are(alice, tina, tom, sara, ears):
    with ears.listening():
        came(tina)

    assert told(ears) == [("online", str(tina.pk), {str(tom.pk), str(sara.pk)})]


def test_who_left_a_conversation_is_no_company(alice, bob, room, ears):
    people.leave(room, bob.pk)

    with ears.listening():
        came(alice)

    assert all(str(bob.pk) not in to for _, _, to in told(ears))


@pytest.mark.django_db(transaction=True)
def test_two_servers_that_sweep_at_once_announce_once(alice, bob, ears):
    group(alice, bob)
    came(bob)
    lapse(came(alice))

    with ears.listening():
        together([presence.sweep] * 4)

    assert told(ears) == [("offline", str(alice.pk), {str(bob.pk)})]


@pytest.mark.django_db(transaction=True)
def test_many_sockets_that_come_at_once_are_announced_once(alice, bob, ears):
    group(alice, bob)
    came(bob)

    with ears.listening():
        together([lambda: came(alice)] * 6)

    assert told(ears) == [("online", str(alice.pk), {str(bob.pk)})]
    assert Connection.objects.filter(user=alice).count() == 6


def test_a_renewal_after_an_outage_puts_leases_and_announcements_right(alice, bob, room, ears):
    lapsed, lost = came(alice), new_id()
    lapse(lapsed)
    Presence.objects.filter(user=alice).update(status="offline")

    with ears.listening():
        presence.renew({lapsed: alice.pk, lost: alice.pk})

    live = Connection.objects.filter(user=alice, expires_at__gt=timezone.now())
    assert set(live.values_list("pk", flat=True)) == {lapsed, lost}
    assert told(ears) == [("online", str(alice.pk), {str(bob.pk)})]
