"""Who is next for a trade: online first, with room, fewest, longest without a new one, better rated."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import Role, User
from chat.actions import assignment, candidates
from chat.models import Trade
from chat.tests.factories import busy_admin, open_trade, trade_admin
from chat.tests.unit.actions.support import gone, here, said


def rated(admin, customer, *stars):
    for rating in stars:
        over = open_trade(customer)
        now = timezone.now()
        Trade.objects.filter(pk=over.pk).update(
            assignee=admin, rating=rating, status="completed", closed_at=now, queued_at=None
        )


def test_who_is_online_comes_before_who_has_less_to_do(alice):
    away, online = trade_admin(), trade_admin()
    here(online)
    assignment.hand_over(actor=online, trade_id=open_trade(alice).pk, admin_id=online.pk)

    assert open_trade(alice).assignee == online
    assert not Trade.objects.filter(assignee=away).exists()


def test_where_nobody_is_online_those_who_are_away_are_given_trades_by_default(alice, tina):
    gone(tina)

    assert open_trade(alice).assignee == tina


def test_where_that_is_not_wanted_the_trade_waits(alice, tina, settings):
    settings.ASSIGN_OFFLINE = "never"

    assert open_trade(alice).assignee is None
    here(tina)
    assert (assignment.drain_queue(), Trade.objects.get().assignee) == (1, tina)


def test_where_those_who_are_online_are_full_the_trade_waits_for_them(alice, tina):
    here(trade_admin(capacity=0))

    assert open_trade(alice).assignee is None


def test_an_online_admin_who_is_busy_does_not_count(alice, tina):
    here(busy_admin())

    assert open_trade(alice).assignee == tina


def test_among_equals_it_goes_to_the_better_rated(alice, bob):
    unrated, good, better = (trade_admin() for _ in range(3))
    rated(good, bob, 5, 3)
    rated(better, bob, 5, 4)
    User.objects.update(last_assigned_at=None)

    assert [open_trade(alice).assignee for _ in range(3)] == [better, good, unrated]


def test_among_all_equals_it_goes_to_who_has_been_there_longest(alice):
    first, second = trade_admin(), trade_admin()

    assert [open_trade(alice).assignee, open_trade(alice).assignee] == [first, second]


def test_ratings_decide_among_equals_only(alice, bob):
    first, better = (trade_admin() for _ in range(2))
    rated(better, bob, 5)
    User.objects.filter(pk=first.pk).update(last_assigned_at=timezone.now() - timedelta(hours=1))
    User.objects.filter(pk=better.pk).update(last_assigned_at=timezone.now())

    assert open_trade(alice).assignee == first


def test_nobody_overtakes_those_who_wait(alice, bob, django_capture_on_commit_callbacks):
    waiting = open_trade(alice)
    trade_admin(capacity=1)

    with django_capture_on_commit_callbacks(execute=True):
        later = open_trade(bob)

    assert Trade.objects.get(pk=waiting.pk).assignee is not None
    assert Trade.objects.get(pk=later.pk).assignee is None
    assert said(later.conversation) == ["trade.opened", "trade.queued"]


def test_who_waits_behind_only_for_somebody_else_is_not_in_the_way(alice, bob, tina, trade):
    assignment.release(actor=tina, trade_id=trade.pk)

    assert open_trade(bob).assignee == tina


def test_a_customer_who_became_an_admin_is_not_waited_for_by_their_own_trade(alice, bob):
    open_trade(alice)
    User.objects.filter(pk=alice.pk).update(role=Role.TRADE_ADMIN)

    assert open_trade(bob).assignee == alice


def test_a_full_team_is_asked_once_whatever_waits(alice, tom, django_assert_max_num_queries):
    for _ in range(5):
        open_trade(alice)

    with django_assert_max_num_queries(4):
        assert assignment.drain_queue() == 0


def test_an_empty_queue_asks_nothing_of_admins(tina, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert assignment.drain_queue() == 0


def test_the_queue_says_how_long_it_takes_at_the_pace_of_the_last_hour(alice, bob, tina, tom):
    User.objects.filter(pk=tina.pk).update(availability="busy")
    rated(tom, bob, 5, 5)
    unknown = open_trade(alice)
    rated(tom, bob, 5)
    Trade.objects.filter(rating=5).update(closed_at=timezone.now() - timedelta(minutes=59))
    known = open_trade(alice)

    assert (unknown.expected_wait, known.expected_wait) == (None, timedelta(minutes=2 * 60 / 3))
    assert unknown.conversation.messages.last().body.endswith(
        "You are number 1 in the queue and will be answered as soon as somebody is free."
    )
    assert known.conversation.messages.last().body.endswith(
        "You are number 2 in the queue; at the pace of the last hour that takes about 40 min."
    )


def test_what_ended_long_ago_or_without_an_admin_says_nothing_of_the_pace(alice, bob, tom):
    rated(tom, bob, 5, 5, 5)
    Trade.objects.filter(rating=5).update(closed_at=timezone.now() - timedelta(minutes=61))
    rated(None, bob, 4, 4, 4)

    assert open_trade(alice).expected_wait is None


def test_a_trade_that_somebody_has_waits_for_nothing(alice, bob, tina):
    rated(tina, bob, 5, 5, 5)

    assert open_trade(alice).expected_wait is None


def test_somebody_is_soon_there_if_anybody_else_is_online(alice, tina, trade):
    assert not candidates.is_anybody_online(trade)
    here(tina)

    assert candidates.is_anybody_online(trade)
    assert not candidates.is_anybody_online(trade, but=[tina.pk])
