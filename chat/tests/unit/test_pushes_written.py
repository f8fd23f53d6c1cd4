"""The outbox rows of a message: the quick way and the careful way write the same ones."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.ids import new_id
from accounts.tests.factories import DeviceSessionFactory
from chat import presence
from chat.actions import messages
from chat.actions.standings import Draft
from chat.enums import ParticipantRole
from chat.models import Block, Connection, Participant
from chat.presence import Change
from chat.quick import QuickLane
from chat.tests.factories import group, open_trade
from notifications.models import Device, OutboxRow

pytestmark = pytest.mark.django_db(transaction=True)

WAYS = [
    "careful",
    pytest.param(
        "quick", marks=pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL has the quick way")
    ),
]


def phone(user, **fields):
    token = f"ExponentPushToken[{uuid4().hex}]"
    session = DeviceSessionFactory.create(user=user)
    return Device.objects.create(
        user=user, session=session, token=token, token_key=token, platform="ios", name="Phone", **fields
    )


@pytest.fixture
def send():
    """Says something one way or the other; returns the rows it wrote."""

    def send(way, sender, conversation_id, body="hi"):
        session = DeviceSessionFactory.create(user=sender)
        draft = Draft(sender.pk, conversation_id, new_id(), body, None, session.pk)
        if way == "careful":
            [sent] = messages.send_messages([draft])
        else:
            sent = asyncio.run(_quickly(draft))
        return sent.message, list(OutboxRow.objects.filter(cause=sent.message.id).order_by("id"))

    return send


async def _quickly(draft):
    lane = QuickLane(lambda draft: False, lambda trade: None)
    async with asyncio.timeout(10):
        while not lane.ready:
            await asyncio.sleep(0.01)
    answer = asyncio.get_running_loop().create_future()
    lane.put(draft, answer.set_result)
    sent = await answer
    await lane.stop()
    return sent


def app_of(user, *, foreground=True, seconds=60):
    lease = timezone.now() + timedelta(seconds=seconds)
    return Connection.objects.create(id=new_id(), user=user, foreground=foreground, expires_at=lease)


@pytest.mark.parametrize("way", WAYS)
def test_each_device_of_everybody_else_gets_a_row(way, send, alice, bob, tina):
    room = group(alice, bob, tina)
    phones = {phone(bob).pk, phone(bob).pk, phone(tina).pk}
    phone(alice)

    message, rows = send(way, alice, room.pk)

    assert {row.device_id for row in rows} == phones
    assert {(row.user_id, row.kind, row.thread, row.state, row.reason, row.waits, row.push_id) for row in rows} == {
        (user.pk, "message", room.pk, "pending", "", False, None) for user in (bob, tina)
    }
    assert {(row.created_at, row.due_at) for row in rows} == {
        (message.created_at, message.created_at + settings.PUSH_GATHER)
    }


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("app", "waits"),
    [
        (None, False),
        ({}, True),
        ({"foreground": False}, False),
        ({"seconds": -1}, False),
    ],
)
def test_an_open_app_is_waited_for(way, app, waits, send, alice, bob):
    room = group(alice, bob)
    phone(bob)
    if app is not None:
        app_of(bob, **app)

    message, [row] = send(way, alice, room.pk)

    wait = settings.PUSH_WAIT_FOR_APP if waits else settings.PUSH_GATHER
    assert (row.waits, row.due_at) == (waits, message.created_at + wait)


@pytest.mark.parametrize("way", WAYS)
def test_an_app_that_has_just_been_closed_is_not_open(way, send, alice, bob):
    """Others are told of its person's absence only after the grace; a push need not wait for that."""
    room = group(alice, bob)
    phone(bob)
    socket = new_id()
    presence.note([Change(socket, bob.pk)])
    assert send(way, alice, room.pk)[1][0].waits

    presence.note([Change(socket, bob.pk, ended=True)])

    assert not send(way, alice, room.pk)[1][0].waits


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("why", ["muted", "blocked", "left", "ended", "none"])
def test_who_does_not_want_to_hear_gets_no_row(way, why, send, alice, bob):
    room = group(alice, bob)
    place = Participant.objects.filter(conversation=room, user=bob)
    if why != "none":
        phone(bob, ended_at=timezone.now() if why == "ended" else None)
    if why == "muted":
        place.update(muted_until=timezone.now() + timedelta(hours=1))
    elif why == "blocked":
        Block.objects.create(blocker=bob, blocked=alice)
    elif why == "left":
        place.update(left_at=timezone.now())

    _, rows = send(way, alice, room.pk)

    assert rows == []


@pytest.mark.parametrize("way", WAYS)
def test_a_mute_that_is_over_and_a_block_the_other_way_silence_nobody(way, send, alice, bob):
    room = group(alice, bob)
    phone(bob)
    Participant.objects.filter(conversation=room, user=bob).update(muted_until=timezone.now() - timedelta(seconds=1))
    Block.objects.create(blocker=alice, blocked=bob)

    assert len(send(way, alice, room.pk)[1]) == 1


@pytest.mark.parametrize("way", WAYS)
def test_observers_hear_of_groups_and_not_of_trades_they_look_into(way, send, alice, sara, tina):
    room, trade = group(alice, sara), open_trade(alice)
    phone(sara)
    Participant.objects.filter(conversation=room, user=sara).update(role=ParticipantRole.OBSERVER)
    Participant.objects.create(conversation=trade.conversation, user=sara, role=ParticipantRole.OBSERVER)

    assert len(send(way, alice, room.pk)[1]) == 1
    assert send(way, alice, trade.conversation_id)[1] == []


def test_notes_tell_the_staff_in_them_and_never_the_customer(send, alice, tina, sara):
    trade = open_trade(alice)
    phone(alice)
    phone(tina)

    _, rows = send("careful", sara, trade.notes_conversation_id, "to all who follow")

    assert {row.user_id for row in rows} == {tina.pk}


def test_a_repeat_writes_no_second_row(send, alice, bob):
    room = group(alice, bob)
    phone(bob)
    draft = Draft(alice.pk, room.pk, new_id(), "hi")

    messages.send_messages([draft, draft])
    messages.send_messages([draft])

    assert OutboxRow.objects.count() == 1


def test_a_message_that_is_taken_back_takes_its_rows_with_it(alice, bob):
    room = group(alice, bob)
    phone(bob)

    with transaction.atomic():
        messages.send_messages([Draft(alice.pk, room.pk, new_id(), "hi")])
        assert OutboxRow.objects.count() == 1
        transaction.set_rollback(True)

    assert OutboxRow.objects.count() == 0
