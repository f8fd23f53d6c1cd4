"""What runs by the clock: named where beat finds it, and twice at once the same as once."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.ids import new_id
from accounts.models import User
from accounts.tests.factories import UserFactory
from chat.models import AuditEntry, Connection, Message, Trade
from chat.tests.factories import open_trade, trade_admin
from chat.tests.parallel import together
from config.celery import app
from notifications.tests.factories import told

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _tasks_are_known():
    app.loader.import_default_modules()  # what a worker does when it starts


@pytest.fixture
def customer():
    return UserFactory.create()


def run(name: str) -> list[int]:
    """The results of a task that three workers run at once."""
    return together([app.tasks[name]] * 3)


def test_every_task_of_the_schedule_is_known():
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= set(app.tasks)


def test_trades_expire_once(customer):
    for _ in range(2):
        open_trade(customer)
    Trade.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))

    assert sum(run("chat.tasks.expire_trades")) == 2
    assert sum(run("chat.tasks.expire_trades")) == 0
    assert set(Trade.objects.values_list("status", flat=True)) == {"expired"}
    assert Message.objects.filter(data__event="trade.expired").count() == 2


def test_the_queue_is_given_out_once(customer):
    for _ in range(3):
        open_trade(customer)
    trade_admin(capacity=2)

    assert sum(run("chat.tasks.drain_queue")) == 2
    assert sum(run("chat.tasks.drain_queue")) == 0
    assert Message.objects.filter(data__event="trade.assigned").count() == 2


def test_what_waits_too_long_is_missed_and_escalated_once(customer):
    trade = open_trade(customer)
    Trade.objects.update(waiting_on="support", waiting_since=timezone.now() - timedelta(hours=2))

    assert sum(run("chat.tasks.watch_clocks")) == 2
    assert sum(run("chat.tasks.watch_clocks")) == 0
    actions = AuditEntry.objects.filter(trade=trade).values_list("action", flat=True)
    assert {"sla.first_response_missed", "escalation.opened"} <= set(actions)


def test_who_does_not_answer_loses_a_trade_once(customer):
    away, here = trade_admin(), trade_admin(availability="busy")
    trade = open_trade(customer)
    long_ago = timezone.now() - timedelta(minutes=5)
    Trade.objects.update(waiting_on="support", waiting_since=long_ago, assigned_at=long_ago)
    Connection.objects.create(id=new_id(), user=here, expires_at=timezone.now() + timedelta(minutes=1))
    User.objects.filter(pk=here.pk).update(availability="available")
    assert trade.assignee == away

    assert sum(run("chat.tasks.reassign")) == 1
    assert sum(run("chat.tasks.reassign")) == 0
    assert Trade.objects.get().assignee == here


def test_what_has_run_out_is_forgotten_once(customer):
    Connection.objects.create(id=new_id(), user=customer, expires_at=timezone.now() - timedelta(days=1))

    assert sum(run("chat.tasks.forget_expired")) == 1
    assert not Connection.objects.exists()


def test_old_news_is_forgotten_once(customer):
    long_ago = timezone.now() - timedelta(days=31)
    for _ in range(2):
        told(customer, created_at=long_ago, read_at=long_ago)

    assert sum(run("notifications.tasks.forget")) == 2
    assert sum(run("notifications.tasks.forget")) == 0
