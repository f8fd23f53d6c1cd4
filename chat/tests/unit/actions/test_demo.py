"""What the demo holds: its people, the trade to begin with, and a day in which there is something of everything."""

import json
from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Role, User
from accounts.text import timestamp
from chat import reporting
from chat.actions import demo
from chat.actions.demo_story import STORIES
from chat.enums import OPEN_STATUSES, TradeStatus
from chat.models import (
    AuditEntry,
    Block,
    CannedReply,
    Connection,
    Conversation,
    Escalation,
    Event,
    Mention,
    Message,
    Participant,
    Trade,
)
from chat.tests.factories import open_trade

DAY = timedelta(hours=24)
TABLES = (User, Conversation, Message, Participant, Trade, AuditEntry, Escalation, CannedReply, Block, Mention)


@pytest.fixture(scope="module")
def begun(django_db_setup, django_db_blocker):
    """The demo, filled once for all tests that only look. When that began."""
    with django_db_blocker.unblock(), transaction.atomic():
        began = timezone.now()
        demo.fill()
        yield began
        transaction.set_rollback(True)


def story():
    """All that is the same on every fresh start: everything but ids and BP-1001's times, which begin with the start."""
    start = Trade.objects.get(reference=STORIES[0].details.reference).opened_at
    trades = Trade.objects.select_related("customer", "assignee").order_by("reference")
    said = Message.objects.select_related("conversation", "sender")
    return (
        [
            (trade.reference, trade.customer.email, trade.assignee and trade.assignee.email, trade.status, trade.rating,
             trade.waiting_on, trade.reassignments, *_told(start, trade, trade.opened_at, trade.closed_at))
            for trade in trades
        ],
        [
            (message.conversation.title, message.seq, message.sender and message.sender.email, message.body,
             *_told(start, message.conversation, message.created_at))
            for message in said.order_by("conversation__created_at", "conversation__title", "conversation__kind", "seq")
        ],
        Counter(AuditEntry.objects.values_list("action", flat=True)),
    )  # fmt: skip


def _told(start, named, *times):
    """Times from the start of the story on, except where it is not part of it."""
    if "BP-1001" in str(named):
        return []
    return [at and at - start for at in times]


def test_the_trade_to_begin_with_is_alices_and_tina_looks_after_it(begun):
    trade = Trade.objects.get(reference="BP-1001")

    said = Message.objects.filter(conversation=trade.conversation).order_by("seq")
    assert (trade.customer.email, trade.assignee.email) == ("alice@example.com", "tina@example.com")
    assert (trade.status, trade.opened_at >= begun) == ("pending", True)
    assert [message.data["event"] for message in said if message.data] == ["trade.opened", "trade.assigned"]
    assert [message.body for message in said if message.sender] == [text for _, text in demo.CHAT]


def test_alice_and_bob_have_nothing_else(begun):
    mine = Conversation.objects.filter(participants__user__email__in=["alice@example.com", "bob@example.com"])

    assert [conversation.title for conversation in mine] == ["BP-1001"]


def test_everybody_has_the_same_password_and_admins_are_free(begun, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]  # as when it was made
    everybody = User.objects.all()

    assert {user.email for user in everybody} == {email for email, _, _ in demo.PEOPLE}
    assert everybody.get(email="tara@example.com").check_password(demo.PASSWORD)
    assert Counter(everybody.values_list("role", flat=True)) == {"customer": 10, "trade_admin": 3, "super_admin": 1}
    assert set(everybody.filter(role=Role.TRADE_ADMIN).values_list("availability", "capacity")) == {("available", 10)}
    assert not Connection.objects.exists()


def test_there_is_a_trade_in_every_state(begun):
    states = Counter(Trade.objects.values_list("status", flat=True))

    assert Trade.objects.count() == 20
    assert set(states) == set(TradeStatus)
    assert Trade.objects.queued().count() == 2
    assert Trade.objects.filter(reassignments=1).count() == 1
    assert Trade.objects.filter(rating__isnull=False).exclude(rating_comment="").count() >= 6


def test_one_escalation_is_open_and_one_is_decided(begun):
    found = {
        escalation.status: escalation.decision for escalation in Escalation.objects.select_related("trade", "taken_by")
    }

    assert found == {"open": None, "resolved": "completed"}


def test_there_are_notes_a_mention_canned_replies_a_group_a_direct_chat_and_a_block(begun):
    kinds = Counter(Message.objects.filter(sender__isnull=False).values_list("conversation__kind", flat=True))

    assert set(kinds) == {"trade", "staff_notes", "group", "direct"}
    assert (CannedReply.objects.filter(owner=None).count(), CannedReply.objects.exclude(owner=None).count()) == (4, 2)
    assert set(Block.objects.values_list("blocker__email", "blocked__email")) == {
        ("tom@example.com", "jonas@example.com")
    }
    assert [mention.user.email for mention in Mention.objects.select_related("user")] == ["sara@example.com"]
    assert "@Sara" in "".join(Message.objects.filter(conversation__kind="staff_notes").values_list("body", flat=True))


def test_every_figure_of_the_dashboard_has_something_to_show(begun):
    found = reporting.dashboard(timezone.now())

    day, week = found.periods["24h"], found.periods["7d"]
    assert found.waiting == 2
    assert timedelta(minutes=10) < found.oldest_wait < timedelta(minutes=30)
    assert [admin.name for admin in found.open_by_admin] == ["Tara", "Tina", "Tom"]
    assert all(admin.open for admin in found.open_by_admin)
    assert 10 <= day.opened < week.opened == 20
    assert 5 <= day.closed < week.closed
    assert sum(1 for hour in found.messages_per_hour if hour.messages) > 12
    assert timedelta(minutes=10) < day.resolution_median < timedelta(hours=1)
    assert timedelta(minutes=1) < day.response_median < day.response_p90 < timedelta(minutes=30)
    assert all(week.missed.values())


def test_times_follow_the_numbers_and_none_lies_ahead(begun):
    now = timezone.now()
    for conversation in Conversation.objects.prefetch_related("messages"):
        times = [message.created_at for message in sorted(conversation.messages.all(), key=lambda one: one.seq)]
        assert times == sorted(times)
        assert not times or times[-1] <= conversation.last_activity_at <= now
    assert set(Event.objects.values_list("message", "created_at")) == set(
        Message.objects.values_list("pk", "created_at")
    )


def test_what_a_trade_went_through_lies_in_order(begun):
    for trade in Trade.objects.filter(reference__in=[story.details.reference for story in STORIES]):
        assert trade.opened_at < begun
        assert trade.deadline_at == trade.opened_at + DAY
        steps = [trade.opened_at, trade.first_response_at, trade.closed_at, trade.rated_at]
        known = [step for step in steps if step]
        assert known == sorted(known)
        entries = list(AuditEntry.objects.filter(trade=trade).order_by("pk").values_list("at", flat=True))
        assert entries == sorted(entries)
        assert entries[0] == trade.opened_at
        if trade.status in OPEN_STATUSES:
            assert trade.deadline_at > timezone.now()


def test_system_messages_tell_the_same_times(begun):
    told = Message.objects.filter(data__event="trade.approved", conversation__trade__reference="BP-0982").get()
    trade = Trade.objects.get(reference="BP-0982")

    shape = told.data["trade"]
    assert told.created_at == trade.closed_at
    for name in ("opened_at", "deadline_at", "closed_at"):
        assert shape[name] == timestamp(getattr(trade, name))


def test_nothing_that_was_said_is_in_the_audit_log(begun):
    told = "".join(json.dumps(detail) for detail in AuditEntry.objects.values_list("detail", flat=True))

    said = Message.objects.filter(sender__isnull=False).values_list("body", flat=True)
    comments = Trade.objects.exclude(rating_comment="").values_list("rating_comment", flat=True)
    assert [text for text in (*said, *comments) if text in told] == []
    assert "Sole owner proven" in told


def test_what_is_over_has_been_read(begun):
    closed = Participant.objects.current().filter(conversation__trade__closed_at__isnull=False)

    assert closed.exists()
    assert all(place.read_seq == place.conversation.head for place in closed.select_related("conversation"))


@pytest.mark.django_db
def test_a_reference_that_somebody_has_used_keeps_the_day_from_being_told(bob):
    open_trade(bob, reference="BP-0990")

    demo.fill()

    assert set(Trade.objects.values_list("reference", flat=True)) == {"BP-0990", "BP-1001"}
    assert Trade.objects.get(reference="BP-1001").assignee.email == "tina@example.com"


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"is_active": False}, {"role": Role.CUSTOMER}])
def test_where_somebody_of_the_story_is_not_who_they_were_it_is_not_told(change):
    User.objects.create_user("tom@example.com", display_name="Tom", **({"role": Role.TRADE_ADMIN} | change))

    demo.fill()

    assert [trade.reference for trade in Trade.objects.all()] == ["BP-1001"]
    assert demo.is_filled()


def test_it_is_the_same_on_every_first_start_and_a_second_one_adds_nothing(begun, request, settings):
    """On the other database, with the other rule about admins who are away, and after what an earlier version made."""
    on_postgres = story()
    request.getfixturevalue("on_sqlite")
    settings.ASSIGN_OFFLINE = "never"
    for email, name, role in demo.PEOPLE[:5]:
        User.objects.create_user(email, "their own password", display_name=name, role=role)
    User.objects.filter(email="tina@example.com").update(availability="away", capacity=1)

    first = demo.fill()
    rows = [set(table.objects.values_list("pk", flat=True)) for table in TABLES]
    again = demo.fill()

    assert story() == on_postgres
    assert again == first
    assert [set(table.objects.values_list("pk", flat=True)) for table in TABLES] == rows
    tina = User.objects.get(email="tina@example.com")
    assert (tina.availability, tina.capacity, first.assignee) == ("away", 1, tina)
    assert User.objects.get(email="alice@example.com").check_password("their own password")
    assert not Connection.objects.exists()
