"""The log: numbers without a gap, one transaction, and word of it only once it has committed."""

import json
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from chat import eventlog
from chat.actions.messages import send_message
from chat.enums import EventType, SystemEvent
from chat.eventlog import Entry, Locked
from chat.models import Conversation, Event, Message, NewMessage
from chat.protocol import encode
from chat.serializers import event_shape, full_message
from chat.tests.factories import group
from chat.tests.parallel import together


def entry(conversation, sender, body):
    message = NewMessage(conversation_id=conversation.pk, sender=sender, client_id=uuid4(), body=body)
    return Entry(EventType.MESSAGE_NEW, sender, message)


def log_of(conversation):
    events = Event.objects.filter(conversation=conversation).order_by("seq").select_related("message")
    return [(event.seq, event.message.seq, event.message.body) for event in events]


def columns(event):
    """What is stored of an event, of a row and of what `append` returned alike."""
    return event.type, event.conversation_id, event.seq, event.actor_id, event.message_id, event.created_at


def stored_message(message_id):
    return Message.objects.complete().get(pk=message_id)


def test_entries_get_the_next_numbers_of_their_conversations_in_the_order_given(alice, bob):
    one, two = group(alice, bob), group(alice, bob)
    locked = eventlog.lock([one.pk, two.pk])

    appended = eventlog.append(
        locked, [entry(one, alice, "a"), entry(two, alice, "b"), entry(one, bob, "c"), entry(one, bob, "d")]
    )

    assert log_of(one) == [(1, 1, "a"), (2, 2, "c"), (3, 3, "d")]
    assert log_of(two) == [(1, 1, "b")]
    assert [(each.seq, each.message.body) for each in appended] == [(1, "a"), (1, "b"), (2, "c"), (3, "d")]
    assert {columns(each) for each in appended} == {columns(event) for event in Event.objects.all()}
    for each in appended:
        assert full_message(each.message) == full_message(stored_message(each.message_id))


def test_the_conversation_moves_on_with_its_last_message(alice):
    conversation = group(alice)

    [appended] = eventlog.append(eventlog.lock([conversation.pk]), [entry(conversation, alice, "a")])

    stored = Conversation.objects.get(pk=conversation.pk)
    assert (stored.head, stored.last_message_id, stored.last_activity_at) == (
        1,
        appended.message.pk,
        appended.message.created_at,
    )
    assert appended.created_at == appended.message.created_at > conversation.last_activity_at


def test_an_event_about_an_earlier_message_leaves_preview_and_message_alone(alice):
    conversation = group(alice)
    [first, last] = eventlog.append(
        eventlog.lock([conversation.pk]), [entry(conversation, alice, "a"), entry(conversation, alice, "b")]
    )

    before = stored_message(first.message.pk)
    again = Entry(EventType.MESSAGE_NEW, alice, stored_message(first.message.pk), is_new=False)
    [appended] = eventlog.append(eventlog.lock([conversation.pk]), [again])

    stored = Conversation.objects.get(pk=conversation.pk)
    assert (appended.seq, appended.message_id, appended.message.seq) == (3, first.message.pk, 1)
    assert log_of(conversation) == [(1, 1, "a"), (2, 2, "b"), (3, 1, "a")]
    assert full_message(stored_message(before.pk)) == full_message(before) == full_message(appended.message)
    assert (stored.head, stored.last_message_id, stored.last_activity_at) == (
        3,
        last.message.pk,
        last.message.created_at,
    )


def test_nothing_appended_changes_nothing(alice, ears):
    conversation = group(alice)

    with ears.listening():
        assert eventlog.append(eventlog.lock([conversation.pk]), []) == []

    assert (Conversation.objects.get(pk=conversation.pk).head, ears.items) == (0, [])


def test_a_system_message_has_words_for_people_and_data_for_programs(alice):
    conversation = group(alice)

    appended = eventlog.append_system(
        eventlog.lock([conversation.pk])[conversation.pk],
        SystemEvent.TRADE_EXPIRED,
        actor=None,
        body="It has expired.",
        reason="late",
    )

    message = Message.objects.get(pk=appended.message.pk)
    assert (message.kind, message.sender, message.body) == ("system", None, "It has expired.")
    assert message.data == {"event": "trade.expired", "reason": "late"}


def test_what_is_told_live_is_what_is_read_later(alice, bob, ears):
    conversation = group(alice, bob)

    with ears.listening():
        send_message(actor=alice, conversation_id=conversation.pk, client_id=uuid4(), body="hi 😀 \u202e<b>")

    [event] = Event.objects.after(conversation.pk, 0)
    [(place, seq, actor, frame)] = ears.of("log")
    assert (place, seq, actor) == (str(conversation.pk), 1, str(alice.pk))
    assert json.loads(frame) == json.loads(encode(event_shape(event)))


def test_what_is_told_live_of_a_system_message_is_what_is_read_later(alice, ears):
    conversation = group(alice)

    with ears.listening():
        locked = eventlog.lock([conversation.pk])[conversation.pk]
        eventlog.append_system(locked, SystemEvent.TRADE_EXPIRED, actor=alice, body="Gone.", nested={"a": [1, None]})

    [event] = Event.objects.after(conversation.pk, 0)
    [(*_, frame)] = ears.of("log")
    assert json.loads(frame) == json.loads(encode(event_shape(event)))


def test_what_is_rolled_back_is_neither_stored_nor_told(alice, ears):
    conversation = group(alice)

    with ears.listening(), transaction.atomic():
        eventlog.append(eventlog.lock([conversation.pk]), [entry(conversation, alice, "a")])
        transaction.set_rollback(True)

    assert (log_of(conversation), Conversation.objects.get(pk=conversation.pk).head, ears.items) == ([], 0, [])


def test_conversations_that_are_not_there_are_not_locked(alice):
    conversation = group(alice)

    assert set(eventlog.lock([conversation.pk, uuid4(), conversation.pk])) == {conversation.pk}


@pytest.mark.parametrize("skip_locked", [False, True])
def test_what_is_locked_stands_as_it_is_stored(skip_locked, alice):
    fresh, used = group(alice), group(alice)
    eventlog.append(eventlog.lock([used.pk]), [entry(used, alice, "a"), entry(used, alice, "b")])
    Conversation.objects.filter(pk=used.pk).update(closed_at=timezone.now())

    locked = eventlog.lock([fresh.pk, used.pk], skip_locked=skip_locked)

    names = ("id", "kind", "head", "closed_at", "last_message_id", "last_activity_at")
    rows = Conversation.objects.values(*names)
    assert locked == {row["id"]: Locked(**row) for row in rows}
    assert [(locked[each.pk].pk, locked[each.pk].is_closed) for each in (fresh, used)] == [
        (fresh.pk, False),
        (used.pk, True),
    ]


@pytest.mark.django_db(transaction=True)
def test_eight_threads_that_write_at_once_leave_no_gap(alice):
    conversation = group(alice)

    def write():
        for number in range(10):
            send_message(actor=alice, conversation_id=conversation.pk, client_id=uuid4(), body=str(number))

    together([write] * 8)

    assert [seq for seq, *_ in log_of(conversation)] == list(range(1, 81))
    assert Conversation.objects.get(pk=conversation.pk).head == 80


@pytest.mark.django_db(transaction=True)
def test_two_that_take_the_same_conversations_in_another_order_do_not_block_each_other(alice):
    one, two = group(alice), group(alice)

    def write(first, second):
        for _ in range(10):
            with transaction.atomic():
                locked = eventlog.lock([first.pk, second.pk])
                eventlog.append(locked, [entry(first, alice, "a"), entry(second, alice, "b")])

    together([lambda: write(one, two), lambda: write(two, one)] * 2)

    assert [seq for seq, *_ in log_of(one)] == [seq for seq, *_ in log_of(two)] == list(range(1, 41))
