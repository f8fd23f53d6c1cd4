"""Who is told what of a trade beside its messages, and who is not."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.ids import new_id
from accounts.models import Role
from accounts.tests.factories import UserFactory
from chat import eventlog
from chat.actions import assignment, clocks, escalations, messages, notices
from chat.actions.trades import APPROVE, CANCEL, DISPUTE, PROOF, REJECT
from chat.enums import SystemEvent, TradeStatus
from chat.models import Escalation, Trade
from chat.pushed import ChatSource
from chat.tests.factories import busy_admin, open_trade, trade_admin
from chat.tests.unit.actions.support import ago, here, move, rejected
from notifications.enums import Kind
from notifications.models import Notification, OutboxRow
from notifications.sources import Asked, Dropped
from notifications.tests.factories import phone

pytestmark = pytest.mark.django_db


def told(user):
    """What somebody was told, the latest last."""
    return [(one.kind, one.text) for one in Notification.objects.filter(user=user).order_by("id")]


@pytest.fixture
def quiet(trade):
    """A trade of which everything so far was read and forgotten."""
    Notification.objects.all().delete()
    return trade


def test_an_admin_hears_of_a_trade_that_was_given_to_them_and_not_of_one_they_took(alice, tina, tom):
    trade = open_trade(alice)
    assert told(tina) == [("trade", f"Trade {trade.reference} was given to you.")]
    assert told(alice) == told(tom) == []

    assignment.release(actor=tina, trade_id=trade.pk)
    assignment.take(actor=tom, trade_id=trade.pk)
    assert told(tom) == []
    assert [one.url for one in Notification.objects.filter(user=tina)] == [f"/trades/{trade.pk}"]


def test_available_admins_hear_of_the_queue(alice, tom, sara):
    free = busy_admin()
    trade = open_trade(alice)
    assert told(free) == told(tom) == told(sara) == []

    free.availability = "available"
    free.save()
    notices.event_said(trade, SystemEvent.TRADE_QUEUED, _said(trade), actor=None)

    assert told(free) == [("trade", f"Trade {trade.reference} waits in the queue.")]
    assert told(tom) == []


def _said(trade):
    conversation = eventlog.lock([trade.conversation_id])[trade.conversation_id]
    return eventlog.append_system(conversation, SystemEvent.TRADE_QUEUED, actor=None, body="It waits.")


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (APPROVE, "Your payment for {} was approved. The trade is completed."),
        (REJECT, "Your payment for {} was rejected."),
        (CANCEL, "Trade {} was cancelled."),
    ],
)
def test_customers_hear_what_support_decided(quiet, alice, tina, step, text):
    move(alice, quiet, PROOF)
    move(tina, quiet, step, "because")

    assert told(alice) == [("trade", text.format(quiet.reference))]
    assert told(tina) == []


def test_nobody_hears_of_what_they_did_themselves(quiet, alice):
    move(alice, quiet, PROOF)
    move(alice, quiet, CANCEL)

    assert told(alice) == []


def test_a_dispute_calls_the_super_admins_and_the_assignee(quiet, alice, tina, tom, sara):
    rejected(quiet)
    move(alice, quiet, DISPUTE, "I have paid")

    text = f"Trade {quiet.reference} is disputed."
    assert told(sara) == [("escalation", text)]
    assert told(tina)[-1] == ("escalation", text)
    assert told(tom) == []
    assert ("escalation", text) not in told(alice)


def test_an_escalation_is_told_taken_and_decided(quiet, alice, tina, sara):
    escalation = escalations.escalate(actor=tina, trade_id=quiet.pk, reason="unsure")
    assert told(sara) == [("escalation", f"Trade {quiet.reference} was escalated.")]
    assert told(tina) == []

    escalations.take(actor=sara, escalation_id=escalation.pk)
    escalations.resolve(
        actor=sara, escalation_id=escalation.pk, decision=TradeStatus.COMPLETED, reason="the money is there"
    )

    assert told(alice) == [
        ("trade", f"A super admin has stepped into trade {quiet.reference}."),
        ("trade", f"A super admin has decided about trade {quiet.reference}."),
    ]
    assert [kind for kind, _ in told(tina)] == ["escalation", "escalation"]
    assert len(told(sara)) == 1


def test_a_super_admin_with_a_stake_in_the_trade_hears_nothing_of_its_escalation(quiet, alice, tina, sara):
    alice.role = Role.SUPER_ADMIN
    alice.save()

    escalations.escalate(actor=tina, trade_id=quiet.pk, reason="unsure")

    assert told(alice) == []
    assert len(told(sara)) == 1


def test_clocks_tell_the_assignee_in_time_and_super_admins_when_it_is_too_late(quiet, tina, sara):
    late = ago(quiet, waiting_since=timedelta(minutes=4))
    Trade.objects.filter(pk=late.pk).update(waiting_on="support")

    clocks.watch()
    clocks.watch()
    assert told(tina) == [("trade", f"Trade {quiet.reference} waits: its first answer is due soon.")]
    clocks.watch(timezone.now() + timedelta(minutes=2))
    clocks.watch(timezone.now() + timedelta(minutes=3))

    assert told(sara) == [("trade", f"Trade {quiet.reference} has waited too long for its first answer.")]
    assert len(told(tina)) == 1


@pytest.mark.parametrize(
    ("proof", "text"),
    [
        (False, "Trade {} expires soon: pay, and submit your proof of payment."),
        (True, "Trade {} expires soon. Support is checking your payment."),
    ],
)
def test_a_customer_hears_once_that_the_deadline_is_near(quiet, alice, proof, text):
    if proof:
        move(alice, quiet, PROOF)
    before = timezone.now() + timedelta(hours=17)
    near = timezone.now() + timedelta(hours=19)

    assert clocks.watch_deadlines(before) == 0
    assert clocks.watch_deadlines(near) == 1
    assert clocks.watch_deadlines(near) == 0
    assert told(alice) == [("trade", text.format(quiet.reference))]


def test_the_deadline_of_a_trade_that_somebody_holds_or_ended_is_left(quiet, monkeypatch):
    monkeypatch.setattr(clocks.access, "hold_trade", lambda *_: None)

    assert clocks.watch_deadlines(timezone.now() + timedelta(hours=19)) == 0


def test_super_admins_hear_again_of_a_dispute_that_nobody_takes(quiet, alice, sara):
    rejected(quiet)
    move(alice, quiet, DISPUTE, "I have paid")
    Trade.objects.filter(pk=quiet.pk).update(disputed_at=timezone.now() - timedelta(hours=73))
    Escalation.objects.update(created_at=timezone.now() - timedelta(hours=73))

    escalations.raise_overdue()
    escalations.raise_overdue()

    assert told(sara)[-1] == ("escalation", f"The dispute of trade {quiet.reference} still waits for a super admin.")
    assert len(told(sara)) == 2


def test_a_mention_is_one_push_and_says_nothing_of_the_note(quiet, alice, tina, sara):
    phone(tina), phone(alice)
    note = messages.send_message(
        actor=sara, conversation_id=quiet.notes_conversation_id, client_id=new_id(), body="@Tina this smells of fraud"
    ).message

    assert told(tina) == [("mention", f"Sara named you in the notes on {quiet.reference}.")]
    assert told(alice) == []
    assert [(row.kind, row.cause) for row in OutboxRow.objects.filter(cause=note.id)] == [("mention", note.id)]


def test_queries_do_not_grow_with_those_who_are_told(quiet, tina, sara):
    cause = Escalation.objects.create(trade=quiet, reason="x")
    with CaptureQueriesContext(connection) as one:
        notices.escalation_overdue(cause)
    for _ in range(3):
        phone(UserFactory.create(role=Role.SUPER_ADMIN))
    Notification.objects.all().delete()
    with CaptureQueriesContext(connection) as many:
        notices.escalation_overdue(cause)

    assert len(many) <= len(one) + 1  # the rows of those who have phones now


# -- What is still news when the push goes out -----------------------------------------------------------------------


def asked(user, *, waits=False, **which):
    note = Notification.objects.filter(user=user, **which).latest("id")
    thread = notices.QUEUE if note.url == "/queue" else Trade.objects.get().conversation_id
    if note.kind == "mention":
        thread = Trade.objects.get().notes_conversation_id
    return Asked(1, user.pk, Kind(note.kind), note.cause, thread, waits, note.created_at)


def answer(user, **fields):
    return ChatSource().answer([asked(user, **fields)], timezone.now())[1]


def test_a_notice_says_which_trade_and_where_and_hides_no_more_than_that(quiet, alice, tina):
    move(alice, quiet, PROOF)
    move(tina, quiet, APPROVE)

    said = answer(alice)

    assert (said.title, said.generic) == (f"Trade {quiet.reference}", "There is news for you")
    assert said.text == f"Your payment for {quiet.reference} was approved. The trade is completed."
    assert said.data["url"] == f"/trades/{quiet.pk}"
    assert said.data["conversation"] == str(quiet.conversation_id)


def test_what_was_read_in_the_list_or_in_the_chat_is_no_news(quiet, alice, tina):
    move(alice, quiet, PROOF)
    move(tina, quiet, APPROVE)
    place = quiet.conversation.participants.filter(user=alice)
    head = type(quiet.conversation).objects.get(pk=quiet.conversation_id).head

    place.update(delivered_seq=head)
    assert answer(alice, waits=True) is Dropped.DELIVERED
    assert answer(alice).text
    place.update(read_seq=head)
    assert answer(alice) is Dropped.READ
    place.update(read_seq=0, muted_until=timezone.now() + timedelta(hours=1))
    assert answer(alice) is Dropped.MUTED
    place.update(muted_until=None)
    Notification.objects.filter(user=alice).update(read_at=timezone.now())
    assert answer(alice) is Dropped.READ


def test_what_does_not_concern_somebody_any_more_is_not_pushed(alice, tina, tom, sara):
    trade = open_trade(alice)
    assert answer(tina).text
    assignment.hand_over(actor=tina, trade_id=trade.pk, admin_id=tom.pk)
    assert answer(tina) is Dropped.GONE

    escalations.escalate(actor=tom, trade_id=trade.pk, reason="unsure")
    assert answer(sara).data["url"] == f"/trades/{trade.pk}"
    sara.role = Role.CUSTOMER
    sara.save()
    assert answer(sara) is Dropped.GONE
    sara.is_active = False
    sara.save()
    assert answer(sara) is Dropped.GONE
    row = asked(tom)
    Notification.objects.all().delete()
    assert ChatSource().answer([row], timezone.now())[1] is Dropped.GONE


def test_the_queue_is_news_while_the_trade_waits_in_it(alice, settings):
    settings.ASSIGN_OFFLINE = "never"
    free = trade_admin()
    trade = open_trade(alice)
    assert told(free) == [("trade", f"Trade {trade.reference} waits in the queue.")]
    assert answer(free).data["url"] == "/queue"

    here(free)
    assignment.take(actor=free, trade_id=trade.pk)

    assert answer(free, url="/queue") is Dropped.GONE


def test_a_mention_is_news_to_whoever_follows_the_notes(quiet, tina, sara):
    messages.send_message(
        actor=sara, conversation_id=quiet.notes_conversation_id, client_id=new_id(), body="@Tina look"
    )
    assert answer(tina, kind="mention").text.startswith("Sara named you")

    quiet.notes_conversation.participants.filter(user=tina).update(read_seq=1, delivered_seq=1)
    assert answer(tina, kind="mention") is Dropped.READ


def test_a_customer_promoted_to_staff_hears_no_escalation_of_their_own_trade(quiet, alice, tina):
    row = Asked(1, alice.pk, Kind.ESCALATION, new_id(), quiet.conversation_id, False, timezone.now())
    Notification.objects.create(user=alice, kind="escalation", cause=row.cause, text="x")

    assert ChatSource().answer([row], timezone.now())[1] is Dropped.GONE
    assert ChatSource().summary(Kind.TRADE, 3) == "3 new notifications"
