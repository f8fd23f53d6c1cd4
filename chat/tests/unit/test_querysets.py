"""Questions, each with its answer."""

from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from chat.actions import people, trades
from chat.actions.conversations import keep
from chat.actions.messages import send_message
from chat.models import Conversation, Event, Message, Participant, Trade
from chat.tests.factories import group, open_trade


def say(user, conversation, body="hi"):
    return send_message(actor=user, conversation_id=conversation.pk, client_id=uuid4(), body=body).message


def test_conversations_of_a_person_are_those_they_are_in_now(alice, bob):
    stays, left = group(alice, bob), group(alice, bob)
    people.leave(left, alice.pk)

    assert list(Conversation.objects.of(alice)) == [stays]
    assert Conversation.objects.of(bob).count() == 2


def test_unread_are_other_peoples_messages_behind_the_mark(alice, bob):
    conversation = group(alice, bob)
    messages = [say(user, conversation) for user in (bob, bob, alice, bob)]
    Participant.objects.filter(user=alice).update(read_seq=1, delivered_seq=1)
    Message.objects.filter(pk=messages[3].pk).update(deleted_at=timezone.now())

    assert [message.pk for message in Message.objects.unread_by(alice.pk, conversation.pk)] == [messages[1].pk]
    assert [row.unread for row in Conversation.objects.with_unread(alice)] == [1]
    assert [row.unread for row in Conversation.objects.with_unread(bob)] == [1]


def test_a_conversation_without_messages_has_nothing_unread(alice):
    group(alice)

    assert [row.unread for row in Conversation.objects.with_unread(alice)] == [0]


def test_archived_are_those_the_person_put_away(alice, bob):
    away, stays = group(alice, bob), group(alice, bob)
    keep(actor=alice, conversation_id=away.pk, archived=True)

    assert list(Conversation.objects.archived_by(alice, True)) == [away]
    assert list(Conversation.objects.archived_by(alice, False)) == [stays]
    assert Conversation.objects.archived_by(bob, False).count() == 2


def test_the_newest_activity_comes_first(alice):
    one, two, three = group(alice), group(alice), group(alice)
    say(alice, one)

    assert list(Conversation.objects.newest_activity_first()) == [one, three, two]


def test_the_log_behind_a_position_is_in_order_and_may_end_somewhere(alice):
    conversation = group(alice)
    for body in "abcd":
        say(alice, conversation, body)

    assert [event.seq for event in Event.objects.after(conversation.pk, 1)] == [2, 3, 4]
    assert [event.seq for event in Event.objects.after(conversation.pk, 1, until=3)] == [2, 3]
    assert list(Event.objects.after(uuid4(), 0)) == []


def test_trades_are_open_or_closed(alice):
    open_one, closed = open_trade(alice), open_trade(alice)
    trades.make_move(actor=alice, trade_id=closed.pk, move=trades.CANCEL)

    assert list(Trade.objects.open()) == [open_one]
    assert list(Trade.objects.closed()) == [closed]


def test_the_queue_is_by_waiting_time_and_places_follow_it(alice, tina):
    tina.capacity = 1
    tina.save()
    open_trade(alice)
    waiting = [open_trade(alice) for _ in range(3)]
    now = timezone.now()
    for trade, minutes in zip(waiting, (1, 3, 1), strict=True):
        Trade.objects.filter(pk=trade.pk).update(queued_at=now - timedelta(minutes=minutes))

    queue = list(Trade.objects.queued().complete())

    assert queue == [waiting[1], waiting[0], waiting[2]]
    assert [trade.ahead_in_queue for trade in queue] == [0, 1, 2]


def test_due_are_open_trades_past_their_deadline(alice, trade):
    at = trade.deadline_at

    assert list(Trade.objects.due(at - timedelta(milliseconds=1))) == []
    assert list(Trade.objects.due(at)) == [trade]
    trades.make_move(actor=alice, trade_id=trade.pk, move=trades.CANCEL)
    assert list(Trade.objects.due(at)) == []


def test_trades_are_visible_to_those_they_concern(alice, bob, tina, tom, sara, trade):
    tina.capacity = 1
    tina.save()
    queued = open_trade(bob)
    over = open_trade(bob)
    trades.make_move(actor=bob, trade_id=over.pk, move=trades.CANCEL)

    seen = {user: set(Trade.objects.visible_to(user)) for user in (alice, bob, tina, tom, sara)}

    assert seen == {
        alice: {trade},
        bob: {queued, over},
        tina: {trade, queued},
        tom: {queued},
        sara: {trade, queued, over},
    }
