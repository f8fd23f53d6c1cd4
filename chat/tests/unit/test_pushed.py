"""What a message says on a phone, and when it is no news any more."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.ids import new_id
from chat import presence
from chat.actions import messages, people
from chat.actions.conversations import open_direct
from chat.enums import ParticipantRole
from chat.models import Block, Message, Participant
from chat.presence import Change
from chat.pushed import ChatSource
from chat.tests.factories import group, open_trade
from notifications.enums import Kind
from notifications.sources import Asked, Dropped

pytestmark = pytest.mark.django_db


def say(sender, conversation_id, body="The payment is there."):
    return messages.send_message(actor=sender, conversation_id=conversation_id, client_id=new_id(), body=body).message


def asked(message, user, *, waits=False, number=1):
    return Asked(number, user.pk, Kind.MESSAGE, message.id, message.conversation_id, waits, message.created_at)


def answer(message, user, **fields):
    return ChatSource().answer([asked(message, user, **fields)], timezone.now())[1]


def place(message, user):
    return Participant.objects.filter(conversation=message.conversation_id, user=user)


def test_the_title_names_the_conversation_and_the_text_its_sender(alice, bob, tina):
    room, trade = group(alice, bob, title="Holidays"), open_trade(alice)
    notes = say(tina, trade.notes_conversation_id)
    direct, _ = open_direct(actor=tina, user_id=alice.pk)

    def words(message, user):
        said = answer(message, user)
        return said.title, said.text, said.generic

    assert words(say(alice, room.pk), bob) == ("Holidays", "Alice: The payment is there.", "New message")
    assert words(say(tina, trade.conversation_id), alice)[:2] == (
        f"Trade {trade.reference}",
        "Tina: The payment is there.",
    )
    assert words(notes, tina)[:2] == (f"Notes on {trade.reference}", "Tina: The payment is there.")
    assert words(say(tina, direct.pk), alice)[:2] == ("Tina", "The payment is there.")


def test_the_app_gets_ids_and_an_address_and_no_text(alice, bob):
    message = say(alice, group(alice, bob).pk)

    assert answer(message, bob).data == {
        "conversation": str(message.conversation_id),
        "message": str(message.id),
        "url": f"/conversations/{message.conversation_id}",
    }


def test_what_was_read_deleted_muted_blocked_or_left_is_no_news(alice, bob):
    message = say(alice, group(alice, bob).pk)
    mine = place(message, bob)

    mine.update(delivered_seq=message.seq, read_seq=message.seq)
    assert answer(message, bob) is Dropped.READ
    mine.update(read_seq=0)
    Message.objects.filter(pk=message.id).update(deleted_at=timezone.now())
    assert answer(message, bob) is Dropped.DELETED
    Message.objects.filter(pk=message.id).update(deleted_at=None)
    mine.update(muted_until=timezone.now() + timedelta(minutes=1))
    assert answer(message, bob) is Dropped.MUTED
    mine.update(muted_until=None)
    block = Block.objects.create(blocker=bob, blocked=alice)
    assert answer(message, bob) is Dropped.BLOCKED
    block.delete()
    assert answer(message, bob).title
    mine.update(left_at=timezone.now())
    assert answer(message, bob) is Dropped.GONE


def test_what_reached_the_open_app_is_no_news_and_what_reached_a_closed_one_is(alice, bob):
    message = say(alice, group(alice, bob).pk)
    place(message, bob).update(delivered_seq=message.seq)

    assert answer(message, bob, waits=True) is Dropped.DELIVERED
    assert answer(message, bob, waits=False).text
    presence.note([Change(new_id(), bob.pk)])
    assert answer(message, bob, waits=False) is Dropped.DELIVERED  # it opened in the moment of the message


def test_who_looks_into_a_trade_and_what_does_not_exist_get_nothing(alice, sara, tina):
    trade = open_trade(alice)
    message = say(alice, trade.conversation_id)
    people.enter(trade.conversation, sara, ParticipantRole.OBSERVER)

    assert answer(message, sara) is Dropped.GONE
    message.id = new_id()
    assert answer(message, tina) is Dropped.GONE


def test_many_rows_take_as_many_queries_as_one(alice, bob, tina, django_assert_num_queries):
    room, other = group(alice, bob, tina), group(alice, tina)
    rows = [asked(say(alice, room.pk), bob, number=n) for n in range(3)] + [
        asked(say(alice, other.pk), tina, number=3 + n) for n in range(3)
    ]

    with django_assert_num_queries(4):
        assert len(ChatSource().answer(rows, timezone.now())) == 6
    with django_assert_num_queries(4):
        assert len(ChatSource().answer(rows[:1], timezone.now())) == 1


def test_the_badge_is_all_that_is_unread(alice, bob, tina, django_assert_num_queries):
    room, other = group(alice, bob), group(alice, bob, tina)
    for conversation in (room, other, other):
        say(alice, conversation.pk)
    say(bob, other.pk)
    place(say(alice, room.pk), bob).update(delivered_seq=1, read_seq=1)
    trade = open_trade(alice)

    with django_assert_num_queries(1):
        totals = ChatSource().badges([alice.pk, bob.pk, tina.pk])

    assert trade.conversation.participants.filter(user=tina).exists()
    assert totals == {alice.pk: 1, bob.pk: 3, tina.pk: 3}


def test_several_are_counted(alice):
    assert ChatSource().summary(Kind.MESSAGE, 3) == "3 new messages"
