"""A list of three rows asks the database as often as a list of one."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import UserFactory
from chat.actions import assignment, blocks, canned_replies, escalations, people
from chat.actions.conversations import open_direct
from chat.actions.messages import send_message
from chat.models import Conversation
from chat.tests.factories import busy_admin, group, open_trade, trade_admin
from notifications.tests.factories import phone, told


def asked(client, path, **query):
    with CaptureQueriesContext(connection) as found:
        response = client.get(path, **query)
    assert response.status_code == 200, response.content
    return len(found), response.json()


def add_conversation(alice, trade):
    made, _ = open_direct(actor=alice, user_id=busy_admin().pk)
    send_message(actor=alice, conversation_id=made.pk, client_id=uuid4(), body="hi")


def add_message(alice, trade):
    send_message(actor=alice, conversation_id=trade.conversation_id, client_id=uuid4(), body="hi")


def add_trade(alice, trade):
    trade_admin()
    open_trade(alice)


def add_escalation(alice, trade):
    escalations.escalate(actor=trade.assignee, trade_id=open_trade(alice).pk, reason="odd")


def add_history(alice, trade):
    for admin in (trade_admin(), trade.assignee):
        trade.refresh_from_db()
        assignment.hand_over(actor=trade.assignee, trade_id=trade.pk, admin_id=admin.pk)


def add_block(alice, trade):
    blocks.block(actor=trade.assignee, user_id=UserFactory.create().pk)


def add_to_group(alice, trade):
    """Everybody is in one group; only the people in it become more."""
    room = Conversation.objects.filter(kind="group").first() or group(alice)
    people.enter(room, UserFactory.create())


def add_reply(alice, trade):
    canned_replies.create(actor=trade.assignee, title="Hello", body="Hi")


def add_mention(alice, trade):
    client_id = uuid4()
    send_message(
        actor=trade.assignee,
        conversation_id=trade.notes_conversation_id,
        client_id=client_id,
        body=f"@Sara {client_id}",
    )


def add_device(alice, trade):
    phone(alice)


def add_notification(alice, trade):
    told(alice)


LISTS = [
    ("devices/", "alice", add_device),
    ("notifications/", "alice", add_notification),
    ("notifications/?unread=true", "alice", add_notification),
    ("mentions/", "sara", add_mention),
    ("canned-replies/", "tina", add_reply),
    ("blocks/", "tina", add_block),
    ("conversations/?kind=group", "alice", add_to_group),
    ("conversations/", "alice", add_conversation),
    ("unread/", "tina", add_message),
    ("conversations/{conversation}/messages/?after_seq=1", "alice", add_message),
    ("conversations/{conversation}/events/?after_seq=1", "alice", add_message),
    ("/api/chat/trade/{reference}/messages", "alice", add_message),
    ("trades/", "alice", add_trade),
    ("trades/", "sara", add_trade),
    ("staff/", "tina", add_trade),
    ("audit/", "sara", add_trade),
    ("stats/", "sara", add_trade),
    ("escalations/", "sara", add_escalation),
    ("trades/{trade}/history/", "sara", add_history),
]


@pytest.mark.parametrize(("path", "name", "add"), LISTS)
def test_the_number_of_queries_does_not_grow_with_the_rows(rest, alice, tina, sara, trade, path, name, add):
    client = rest({"alice": alice, "tina": tina, "sara": sara}[name])
    where = path.format(conversation=trade.conversation_id, reference=trade.reference, trade=trade.pk)
    add(alice, trade)
    client.get("me/")  # notes that the device was heard of, which is not part of the list
    one, before = asked(client, where)

    add(alice, trade)
    add(alice, trade)
    three, after = asked(client, where)

    assert (one, before != after) == (three, True)


def test_the_queue_asks_no_more_for_three_than_for_one(rest, alice, tom):
    theirs = rest(tom)
    open_trade(alice)
    one, _ = asked(theirs, "trades/", queue=1)

    open_trade(alice)
    open_trade(alice)
    three, body = asked(theirs, "trades/", queue=1)

    assert (one, len(body["results"])) == (three, 3)
