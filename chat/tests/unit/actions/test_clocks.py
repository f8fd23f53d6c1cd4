"""Whose turn it is, moved by messages and moves; the limits of support, warned of and missed once each."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from chat.actions import breakglass, clocks, escalations
from chat.actions.messages import Draft, send_message, send_messages
from chat.actions.trades import CANCEL, DISPUTE, PROOF
from chat.models import AuditEntry, Escalation, Trade
from chat.tests.factories import group, open_trade
from chat.tests.parallel import together
from chat.tests.unit.actions.support import ago, move, said, trail

MINUTE = timedelta(minutes=1)


def say(actor, trade, body="hi"):
    send_message(actor=actor, conversation_id=trade.conversation_id, client_id=uuid4(), body=body)
    return Trade.objects.get(pk=trade.pk)


def say_at_once(trade, *actors):
    send_messages([Draft(actor.pk, trade.conversation_id, uuid4(), "hi") for actor in actors])
    return Trade.objects.get(pk=trade.pk)


def told(ears):
    """(clock, state, to whom) of every warning."""
    people = [set(item[0]) for item in ears.of("users") if '"trade.warning"' in item[1]]
    frames = ears.frames("trade.warning")
    return [(frame["clock"], frame["state"], who) for frame, who in zip(frames, people, strict=True)]


def test_a_customers_message_makes_it_supports_turn_and_an_answer_the_customers(alice, tina, trade):
    assert (trade.waiting_on, trade.first_response_at) == ("customer", None)

    asked = say(alice, trade)
    assert (asked.waiting_on, asked.first_response_at) == ("support", None)
    again = say(alice, trade)
    assert again.waiting_since == asked.waiting_since
    answered = say(tina, trade)
    assert answered.waiting_on == "customer"
    assert answered.first_response_at == answered.waiting_since > asked.waiting_since
    later = say(tina, trade)
    assert (later.waiting_since, later.first_response_at) == (answered.waiting_since, answered.first_response_at)


def test_support_may_speak_first(tina, trade):
    greeted = say(tina, trade)

    assert (greeted.waiting_on, greeted.waiting_since) == ("customer", trade.waiting_since)
    assert greeted.first_response_at is not None


@pytest.mark.parametrize(
    ("speakers", "waiting_on", "answered"),
    [("a", "support", False), ("t", "customer", True), ("at", "customer", True), ("ta", "support", True),
     ("aat", "customer", True), ("atta", "support", True)],
)  # fmt: skip
def test_of_several_messages_of_one_moment_the_last_counts(alice, tina, trade, speakers, waiting_on, answered):
    after = say_at_once(trade, *({"a": alice, "t": tina}[who] for who in speakers))

    assert (after.waiting_on, after.first_response_at is not None) == (waiting_on, answered)


def test_an_answer_and_the_next_question_in_one_moment_begin_a_new_wait(alice, tina, trade):
    say(alice, trade)
    before = ago(trade, waiting_since=MINUTE, response_warned_at=MINUTE, response_missed_at=MINUTE)

    after = say_at_once(trade, tina, alice)

    assert after.waiting_on == "support"
    assert after.waiting_since > before.waiting_since
    assert (after.response_warned_at, after.response_missed_at) == (None, None)


def test_two_of_support_in_one_moment_make_it_the_customers_turn(alice, tina, sara, trade):
    breakglass.join(actor=sara, trade_id=trade.pk, reason="x", write=True)
    say(alice, trade)

    assert say_at_once(trade, tina, sara).waiting_on == "customer"


def test_notes_groups_and_system_messages_are_nobodys_turn(alice, tina, bob, trade, django_assert_num_queries):
    send_message(actor=tina, conversation_id=trade.notes_conversation_id, client_id=uuid4(), body="a note")
    send_message(actor=alice, conversation_id=group(alice).pk, client_id=uuid4(), body="elsewhere")
    escalations.escalate(actor=tina, trade_id=trade.pk, reason="odd")

    after = Trade.objects.get()
    assert (after.waiting_on, after.first_response_at) == ("customer", None)
    with django_assert_num_queries(0):
        clocks.note_messages([], {})


def test_a_repeat_is_nobodys_turn(alice, tina, trade):
    draft = Draft(alice.pk, trade.conversation_id, uuid4(), "hi")
    send_messages([draft])
    say(tina, trade)

    send_messages([draft])

    assert Trade.objects.get().waiting_on == "customer"


def test_staff_hear_of_it_once_per_turn(alice, tina, trade, ears):
    with ears.listening():
        say(alice, trade)
        say(alice, trade)

    assert [frame["trade"]["waiting_on"] for frame in ears.frames("trade.updated")] == ["support"]


def test_telling_asks_as_often_for_three_trades_as_for_one(alice, tina, django_assert_num_queries):
    three = [open_trade(alice).pk for _ in range(3)]

    for some in (three[:1], three):
        with django_assert_num_queries(2):
            clocks.announcements.tell_staff_of(some)


def test_proof_does_not_begin_the_wait_anew(alice, trade):
    say(alice, trade)
    before = ago(trade, waiting_since=MINUTE)

    assert move(alice, trade, PROOF).waiting_since == before.waiting_since


def test_the_first_answer_is_warned_of_and_missed_once_each(alice, tina, sara, trade, ears):
    say(alice, trade)
    since = Trade.objects.get().waiting_since
    at = [since + 3.7 * MINUTE, since + 3.8 * MINUTE, since + 4 * MINUTE, since + 5 * MINUTE, since + 6 * MINUTE]

    with ears.listening():
        counts = [clocks.watch(moment) for moment in at]

    assert counts == [0, 1, 0, 1, 0]
    assert told(ears) == [("first_response", "warned", {str(tina.pk)}), ("first_response", "missed", {str(sara.pk)})]
    entry = AuditEntry.objects.get(action="sla.first_response_missed")
    assert (entry.trade, entry.subject, entry.actor) == (trade, tina, None)
    assert ears.frames("trade.warning")[0]["due_at"] == entry.detail["due_at"]


def test_the_next_answer_has_its_own_limit_and_each_wait_its_own_warnings(alice, tina, trade):
    say(tina, trade)
    for _ in range(2):
        since = say(alice, trade).waiting_since
        assert [clocks.watch(since + minutes * MINUTE) for minutes in (11, 12, 14, 15, 60)] == [0, 1, 0, 1, 0]
        say(tina, trade)
        assert clocks.watch(since + 120 * MINUTE) == 0

    assert trail(trade).count("sla.next_response_missed") == 2


def test_a_limit_that_was_missed_unseen_is_not_warned_of_afterwards(alice, trade, ears):
    since = say(alice, trade).waiting_since

    with ears.listening():
        assert clocks.watch(since + 10 * MINUTE) == 1

    assert [frame["state"] for frame in ears.frames("trade.warning")] == ["missed"]
    assert Trade.objects.get().response_warned_at is not None


def test_a_trade_takes_a_day_and_a_dispute_another(alice, tina, trade):
    opened, hour = trade.opened_at, timedelta(hours=1)

    assert [clocks.watch(opened + hours * hour) for hours in (17, 18, 23, 24, 25)] == [0, 1, 0, 1, 0]
    disputed = move(alice, trade, DISPUTE).disputed_at
    say(tina, trade)
    assert [clocks.watch(disputed + hours * hour) for hours in (17, 18, 23, 24, 25)] == [0, 1, 0, 1, 0]

    assert trail(trade).count("sla.resolution_missed") == 2


def test_what_is_over_has_no_limits(alice, trade):
    say(alice, trade)
    move(alice, trade, CANCEL)

    assert clocks.watch(timezone.now() + timedelta(days=3)) == 0


def test_super_admins_are_warned_of_what_nobody_looks_after(alice, sara, tom, ears):
    since = say(alice, open_trade(alice)).waiting_since

    with ears.listening():
        clocks.watch(since + 4 * MINUTE)

    assert told(ears) == [("first_response", "warned", {str(sara.pk)})]


def test_an_answer_in_between_makes_a_warning_pointless(alice, tina, trade):
    since = say(alice, trade).waiting_since
    rows = clocks.FIRST_RESPONSE.rows()
    say(tina, trade)

    assert not clocks._note(clocks.FIRST_RESPONSE, rows, trade.pk, since + 4 * MINUTE, False)
    assert Trade.objects.get().response_warned_at is None


def test_a_long_silence_is_escalated_by_itself_once(alice, trade, sara, tina, ears):
    say(alice, trade)
    since = ago(trade, waiting_since=timedelta(minutes=59)).waiting_since
    assert escalations.raise_overdue() == 0

    with ears.listening():
        assert [escalations.raise_overdue(since + 60 * MINUTE) for _ in range(2)] == [1, 0]

    escalation = Escalation.objects.get()
    assert (escalation.raised_by, escalation.status) == (None, "open")
    assert said(trade.conversation)[-1] == "escalation.opened"
    assert trade.conversation.messages.order_by("-seq")[0].data["escalation"]["reason"] == ""
    [item] = [item for item in ears.of("users") if "escalation.updated" in item[1]]
    assert set(item[0]) == {str(sara.pk), str(tina.pk)}


def test_super_admins_are_told_once_more_of_a_dispute_that_nobody_took(alice, trade, ears, sara):
    move(alice, trade, DISPUTE)
    at = Trade.objects.get().disputed_at + timedelta(hours=72)
    assert escalations.raise_overdue(at - MINUTE) == 0

    with ears.listening():
        assert [escalations.raise_overdue(at) for _ in range(2)] == [1, 0]

    assert trail(trade)[-1] == "escalation.overdue"
    assert len(ears.frames("escalation.updated")) == 1


def test_a_dispute_that_somebody_took_needs_no_reminder(alice, trade, sara):
    move(alice, trade, DISPUTE)
    escalations.take(actor=sara, escalation_id=Escalation.objects.get().pk)

    assert escalations.raise_overdue(timezone.now() + timedelta(hours=73)) == 0


@pytest.mark.django_db(transaction=True)
def test_the_clocks_may_run_many_times_at_once(alice, tina, trade):
    since = say(alice, trade).waiting_since
    at = since + timedelta(days=4)

    watched = together([lambda: clocks.watch(at)] * 3)
    raised = together([lambda: escalations.raise_overdue(at)] * 3)

    assert (sum(watched), sum(raised)) == (2, 1)
    assert sorted(action for action in trail(trade) if action.startswith("sla.")) == [
        "sla.first_response_missed",
        "sla.resolution_missed",
    ]
