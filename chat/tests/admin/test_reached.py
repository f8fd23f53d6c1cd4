"""Who was reached by a message, and how, as staff see it who may read it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from chat import reachability
from chat.actions import conversations, messages, people
from chat.enums import ParticipantRole
from chat.models import Connection, Message, Participant, Presence
from chat.reachability import MAX_PEOPLE, OnDevice
from chat.tests.admin.conftest import press
from chat.tests.factories import UserFactory, group
from notifications.models import Device, OutboxRow, Push
from notifications.tests.factories import phone


def say(person, conversation_id, text="Hello?") -> Message:
    return messages.send_message(actor=person, conversation_id=conversation_id, client_id=uuid4(), body=text).message


def page(message) -> str:
    return f"/admin/chat/conversation/{message.conversation_id}/messages/{message.pk}/"


def of(message, person):
    return next(one for one in reachability.reached(message).recipients if one.user == person)


def pushed(message, **fields) -> Push:
    """The message's only row, taken into a push."""
    row = OutboxRow.objects.get(cause=message.pk)
    push = Push.objects.create(device=row.device, thread=row.thread, kind=row.kind, **fields)
    OutboxRow.objects.filter(pk=row.pk).update(state="taken", push=push)
    return push


def test_marks_tell_who_received_and_read_it(trade, alice, tina):
    message = say(tina, trade.conversation_id)
    seen = [(one.delivered, one.read) for one in (of(message, alice),)]
    for marks in ({"delivered_seq": message.seq}, {"read_seq": message.seq}):
        Participant.objects.filter(user=alice, conversation=trade.conversation_id).update(**marks)
        seen.append((of(message, alice).delivered, of(message, alice).read))

    assert seen == [(False, False), (True, False), (True, True)]
    assert [one.user for one in reachability.reached(message).recipients] == [alice]


def test_sockets_tell_who_is_here_and_when_they_were_last(trade, alice, tina):
    message = say(tina, trade.conversation_id)
    assert (of(message, alice).online, of(message, alice).last_active) == (False, None)
    last = timezone.now() - timedelta(hours=1)
    Presence.objects.create(user=alice, status="offline", last_active=last)
    lease = Connection.objects.create(id=uuid4(), user=alice, expires_at=timezone.now() + timedelta(minutes=1))

    assert (of(message, alice).online, of(message, alice).last_active) == (True, last)

    assert not reachability.reached(message, lease.expires_at).recipients[0].online


def test_a_row_tells_that_the_app_was_open_when_it_was_sent(trade, alice, tina):
    phone(alice)
    away = say(tina, trade.conversation_id)
    Connection.objects.create(id=uuid4(), user=alice, expires_at=timezone.now() + timedelta(minutes=1))
    there = say(tina, trade.conversation_id)

    assert [of(message, alice).app_open for message in (away, there)] == [False, True]


def test_a_push_tells_its_ticket_and_its_receipt(trade, alice, tina):
    device = phone(alice, name="Pixel")
    message = say(tina, trade.conversation_id)
    pending = of(message, alice).devices[0]
    assert (pending.state, pending.due_at is not None) == ("pending", True)
    sent, settled = timezone.now() - timedelta(minutes=16), timezone.now()
    push = pushed(message, state="sent", sent_at=sent, ticket="t-1", count=3)
    known = {"name": "Pixel", "platform": device.platform, "ticket": "t-1", "sent_at": sent, "together": 3}
    assert of(message, alice).devices == [OnDevice(state="sent", **known)]

    Push.objects.filter(pk=push.pk).update(state="delivered", settled_at=settled)
    assert of(message, alice).devices == [OnDevice(state="delivered", receipt=settled, **known)]

    Push.objects.filter(pk=push.pk).update(state="failed", error="DeviceNotRegistered")
    Device.objects.update(ended_at=settled)
    assert of(message, alice).devices == [
        OnDevice(state="failed", why="DeviceNotRegistered", receipt=settled, ended=True, **known)
    ]


def test_a_push_that_waits_says_until_when_and_one_without_a_ticket_has_no_receipt(trade, alice, tina):
    phone(alice)
    message = say(tina, trade.conversation_id)
    push = pushed(message, state="ready")
    assert of(message, alice).devices[0].due_at == push.due_at

    Push.objects.update(state="failed", settled_at=timezone.now())

    assert of(message, alice).devices[0].receipt is None


def test_two_messages_in_one_push_show_the_same(trade, alice, tina):
    phone(alice)
    first, second = say(tina, trade.conversation_id), say(tina, trade.conversation_id)
    push = Push.objects.create(device=Device.objects.get(), thread=trade.conversation_id, kind="message", state="sent")
    OutboxRow.objects.update(state="taken", push=push)

    assert of(first, alice).devices == of(second, alice).devices


def test_a_dropped_row_says_why_and_a_device_without_one_that_none_was_wanted(trade, alice, tina):
    device = phone(alice)
    told = say(tina, trade.conversation_id)
    OutboxRow.objects.update(state="dropped", reason="read")
    Participant.objects.filter(user=alice).update(muted_until=timezone.now() + timedelta(days=1))
    muted = say(tina, trade.conversation_id)

    assert [(one.state, one.why) for one in of(told, alice).devices] == [("dropped", "read")]
    assert [(one.state, one.why) for one in of(muted, alice).devices] == [("", "")]

    later = phone(alice)
    assert later.registered_at > muted.created_at > device.registered_at
    assert len(of(muted, alice).devices) == 1


def test_who_came_later_or_left_since_is_told_apart_and_who_had_left_is_no_recipient(alice, bob, tina, tom):
    room = group(tina, alice, bob)
    Participant.objects.filter(user=bob).update(left_at=timezone.now())
    message = say(tina, room.pk)
    Participant.objects.filter(user=alice).update(left_at=timezone.now())
    people.enter(room, tom, ParticipantRole.MEMBER)
    Participant.objects.filter(user=tom).update(joined_at=message.created_at + timedelta(minutes=1))

    recipients = reachability.reached(message).recipients

    assert [(one.user, one.late, one.gone) for one in recipients] == [(alice, False, True), (tom, True, False)]


def test_a_large_group_costs_as_much_as_a_small_one_and_shows_the_first(tina, alice, django_assert_num_queries):
    room = group(tina, alice)
    message = say(tina, room.pk)
    phone(alice)
    with django_assert_num_queries(6):
        reachability.reached(message)
    people_in = [UserFactory.build(email=f"p{n}@example.com", display_name=f"P {n}") for n in range(MAX_PEOPLE)]
    type(alice).objects.bulk_create(people_in)
    Participant.objects.bulk_create(Participant(conversation=room, user=one) for one in people_in)

    with django_assert_num_queries(6):
        found = reachability.reached(message)

    assert (len(found.recipients), found.more) == (MAX_PEOPLE, 1)


def test_the_page_is_linked_from_each_line_of_the_chat(desk, trade, alice, tina):
    phone(alice, name="Pixel")
    message = say(tina, trade.conversation_id)
    pushed(message, state="delivered", ticket="t-1", count=2, sent_at=timezone.now(), settled_at=timezone.now())
    client = desk(tina)

    for path in (f"/admin/chat/conversation/{trade.conversation_id}/change/", f"/admin/chat/trade/{trade.pk}/change/"):
        assert page(message) in client.get(path).content.decode()
    text = client.get(page(message)).content.decode()

    for words in ("Alice", "Pixel", "delivered", "t-1", "Hello?", f"number {message.seq}", "2 in all"):
        assert words in text


def test_who_has_no_device_is_told_so_and_a_deleted_message_is_not_shown(desk, trade, alice, tina):
    message = say(tina, trade.conversation_id, "zq-secret")
    Message.objects.filter(pk=message.pk).update(deleted_at=timezone.now())

    text = desk(tina).get(page(message)).content.decode()

    assert "no device" in text
    assert "This message was deleted." in text
    assert "zq-secret" not in text


def test_a_message_to_nobody_says_so(desk, tina, tom):
    message = say(tina, group(tina).pk)

    assert "Nobody else was there." in desk(tina).get(page(message)).content.decode()


def test_it_takes_the_same_right_as_the_text(desk, trade, alice, tom, sara):
    message = say(alice, trade.conversation_id, "zq-secret")
    client = desk(sara)

    assert desk(tom).get(page(message)).status_code == 404
    asked = client.get(page(message)).content.decode()
    assert "zq-secret" not in asked
    assert "Tina" not in asked.split("<main")[1]
    assert "Open the chat" in asked
    press(client, trade, "join", reason="A complaint.")

    assert "zq-secret" in client.get(page(message)).content.decode()


def test_a_message_of_another_conversation_is_not_found_here(desk, trade, tina, tom):
    direct, _ = conversations.open_direct(actor=tina, user_id=tom.pk)
    message = say(tina, direct.pk)
    client = desk(tina)

    for address in (f"{trade.conversation_id}/messages/{message.pk}", f"{direct.pk}/messages/{uuid4()}"):
        assert client.get(f"/admin/chat/conversation/{address}/").status_code == 404


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7777|add:7777}}"])
def test_hostile_names_words_and_errors_are_text(desk, trade, alice, tina, text):
    type(alice).objects.filter(pk=alice.pk).update(display_name=text)
    phone(alice, name=text)
    message = say(tina, trade.conversation_id, text)
    pushed(message, state="failed", error=text, ticket=text)

    shown = desk(tina).get(page(message)).content.decode()

    assert not any(bad in shown for bad in ("<script>alert", "<img src=x", "15554"))
