"""The in-app list: counting and reading one's own."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from accounts.ids import new_id
from chat.tests.parallel import together
from notifications.actions import centre
from notifications.models import Notification
from notifications.tests.factories import told

pytestmark = pytest.mark.django_db


def read_by(user):
    return set(Notification.objects.of(user.pk).exclude(read_at=None))


def test_some_are_read_and_the_rest_counted(alice):
    first, second, third = (told(alice) for _ in range(3))

    assert centre.mark_read(actor=alice, ids=[first.pk, third.pk]) == 1
    assert read_by(alice) == {first, third}
    assert second in Notification.objects.unread()


def test_all_are_read_and_nobody_elses(alice, bob):
    told(alice), told(alice)
    his = told(bob)

    assert centre.mark_read(actor=alice) == 0
    assert (len(read_by(alice)), read_by(bob)) == (2, set())
    assert list(Notification.objects.unread()) == [his]


def test_ids_of_others_and_of_nothing_change_nothing(alice, bob, sara):
    his, hers = told(bob), told(alice)

    for actor in (alice, sara):
        centre.mark_read(actor=actor, ids=[his.pk, new_id()])

    assert centre.mark_read(actor=alice, ids=[]) == 1
    assert set(Notification.objects.unread()) == {his, hers}


def test_what_was_read_keeps_its_time(alice):
    one, at = told(alice), timezone.now()
    centre.mark_read(actor=alice, ids=[one.pk], now=at)

    for ids in ([one.pk], None):
        centre.mark_read(actor=alice, ids=ids, now=at + timedelta(hours=1))

    one.refresh_from_db()
    assert one.read_at == at


def test_the_unread_of_several_people_are_counted_at_once(alice, bob, sara, django_assert_num_queries):
    told(alice), told(alice), told(bob)
    told(bob, read_at=timezone.now())

    with django_assert_num_queries(1):
        assert centre.unread([alice.pk, bob.pk, sara.pk]) == {alice.pk: 2, bob.pk: 1, sara.pk: 0}


@pytest.mark.django_db(transaction=True)
def test_phones_that_read_the_same_at_once_read_it_once(alice):
    ids = [told(alice).pk for _ in range(20)]

    left = together([partial(centre.mark_read, actor=alice, ids=some) for some in (ids, ids[::-1], None, ids[:10])])

    assert min(left) == 0
    assert not Notification.objects.unread().exists()
