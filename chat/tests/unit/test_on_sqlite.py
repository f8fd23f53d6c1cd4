"""Where SQLite takes another way through the hot path than PostgreSQL, both lead to the same place."""

from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from accounts.ids import new_id
from accounts.models import User
from accounts.tests.factories import DeviceSessionFactory, UserFactory
from chat import eventlog, presence
from chat.actions import blocks, canned_replies, groups, trades
from chat.actions.conversations import open_direct
from chat.actions.messages import Draft, Sent, send_messages
from chat.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from chat.eventlog import Locked
from chat.models import Connection, Conversation, Event, Mention, Message, Participant, Presence, Trade
from chat.presence import Change
from chat.serializers import full_message
from chat.tests.factories import details, group, open_trade, trade_admin

pytestmark = pytest.mark.usefixtures("on_sqlite")


@pytest.fixture
def alice() -> User:
    return UserFactory.create(display_name="Alice")


def drafts(sender, conversation, *bodies, **fields):
    return [Draft(sender.pk, conversation.pk, uuid4(), body, **fields) for body in bodies]


def test_this_is_sqlite():
    assert connection.vendor == "sqlite"


def test_messages_are_numbered_and_the_conversation_moves_on(alice):
    room = group(alice)

    sent = send_messages(drafts(alice, room, "a", "b 😀", "c"))

    stored = Conversation.objects.get(pk=room.pk)
    assert [(each.message.seq, each.duplicate) for each in sent] == [(1, False), (2, False), (3, False)]
    assert list(Message.objects.order_by("seq").values_list("seq", "body")) == [(1, "a"), (2, "b 😀"), (3, "c")]
    assert list(Event.objects.order_by("seq").values_list("seq", "message")) == [
        (each.message.seq, each.message.pk) for each in sent
    ]
    assert (stored.head, stored.last_message_id, stored.last_activity_at) == (
        3,
        sent[2].message.pk,
        sent[2].message.created_at,
    )
    assert [full_message(each.message) for each in sent] == [
        full_message(message) for message in Message.objects.complete().order_by("seq")
    ]


def test_one_batch_holds_many_people_and_conversations(alice):
    bob = UserFactory.create()
    one, two = group(alice, bob), group(bob)

    send_messages([*drafts(alice, one, "a"), *drafts(bob, two, "b"), *drafts(bob, one, "c")])

    assert list(one.messages.order_by("seq").values_list("seq", "sender", "body")) == [
        (1, alice.pk, "a"),
        (2, bob.pk, "c"),
    ]
    assert list(two.messages.values_list("seq", "body")) == [(1, "b")]


def test_a_repeat_returns_the_first_message_and_a_reuse_is_refused(alice):
    [draft] = drafts(alice, group(alice), "hi")
    [first] = send_messages([draft])

    [again, reuse] = send_messages([draft, Draft(alice.pk, draft.conversation_id, draft.client_id, "ho")])

    assert (again.message.pk, again.duplicate, again.json) == (first.message.pk, True, first.json)
    assert full_message(again.message) == full_message(first.message)
    assert isinstance(reuse, Conflict)


def test_refusals_are_the_same(alice):
    room, elsewhere, stranger = group(alice), group(alice), UserFactory.create()
    closed_account = UserFactory.create(is_active=False)
    [foreign] = send_messages(drafts(alice, elsewhere, "x"))
    ended = DeviceSessionFactory.create(user=alice)
    ended.revoked_at = ended.expires_at
    ended.save()
    live = DeviceSessionFactory.create(user=alice)

    outcomes = send_messages(
        [
            *drafts(stranger, room, "a"),
            *drafts(closed_account, room, "b"),
            *drafts(alice, room, ""),
            *drafts(alice, room, "c", reply_to=foreign.message.pk),
            *drafts(alice, room, "d", session_id=ended.pk),
            *drafts(alice, room, "e", session_id=live.pk),
        ]
    )

    assert [type(each) for each in outcomes] == [NotFound, Unauthenticated, Invalid, Invalid, Unauthenticated, Sent]


def test_a_reply_and_an_observer(alice):
    room, watcher = group(alice), UserFactory.create()
    Participant.objects.create(conversation=room, user=watcher, role="observer")
    [first] = send_messages(drafts(alice, room, "a"))

    outcomes = send_messages([*drafts(alice, room, "b", reply_to=first.message.pk), *drafts(watcher, room, "c")])

    assert isinstance(outcomes[1], Forbidden)
    assert outcomes[0].message.reply_to_id == first.message.pk


def test_locking_leaves_out_what_is_not_there(alice):
    room = group(alice)

    send_messages(drafts(alice, room, "a"))
    Conversation.objects.filter(pk=room.pk).update(closed_at=timezone.now())

    names = ("id", "kind", "head", "closed_at", "last_message_id", "last_activity_at")
    stands = Locked(**Conversation.objects.values(*names).get(pk=room.pk))
    assert eventlog.lock([room.pk, uuid4()]) == {room.pk: stands}
    assert eventlog.lock([room.pk], skip_locked=True) == {room.pk: stands}
    assert stands.is_closed


def test_a_trade_lives_and_keeps_the_digits_of_its_amounts(alice):
    admin = trade_admin()
    wanted = details()
    opened, _ = trades.open_trade(actor=alice, details=wanted)
    again, created = trades.open_trade(actor=alice, details=wanted)
    trades.make_move(actor=alice, trade_id=opened.pk, move=trades.PROOF)
    done = trades.make_move(actor=admin, trade_id=opened.pk, move=trades.APPROVE)

    assert (again, created) == (opened, False)
    assert (str(done.asset_amount), str(done.fiat_amount), done.status) == ("0.0100", "600.00", "completed")
    assert Conversation.objects.get(pk=done.conversation_id).head == 4


def test_a_queue_and_its_places(alice):
    waiting = [open_trade(alice) for _ in range(3)]

    found = Trade.objects.queued().complete()

    assert [(trade, trade.ahead_in_queue) for trade in found] == list(zip(waiting, range(3), strict=True))


def test_presence_is_kept(alice):
    connection_id = new_id()
    presence.note([Change(connection_id, alice.pk)])
    presence.renew({connection_id: alice.pk})
    presence.note([Change(connection_id, alice.pk, idle=True)])
    assert Presence.objects.get().status == "idle"

    Connection.objects.update(expires_at=timezone.now())
    presence.sweep()

    assert Presence.objects.get().status == "offline"


def test_a_name_as_long_as_an_id_is_a_name():
    long_name = "Maximiliane von Hohenstein-Berge"
    sender = UserFactory.create(display_name=long_name)

    [sent] = send_messages([Draft(sender.pk, group(sender).pk, uuid4(), "hi")])

    assert (len(long_name), sent.message.sender.display_name) == (32, long_name)


def test_a_group_and_a_block_go_by_the_same_rules(alice):
    bob, tina = UserFactory.create(), trade_admin()
    room = groups.create(actor=tina, title="Room", participant_ids=[alice.pk])
    groups.add(actor=tina, conversation_id=room.pk, user_id=bob.pk)
    groups.rename(actor=tina, conversation_id=room.pk, title="Another")
    groups.remove(actor=tina, conversation_id=room.pk, user_id=bob.pk)
    direct, _ = open_direct(actor=tina, user_id=alice.pk)
    blocks.block(actor=tina, user_id=alice.pk)

    refused = send_messages([*drafts(bob, room, "a"), *drafts(alice, direct, "b"), *drafts(alice, room, "c")])

    assert [type(each) for each in refused] == [NotFound, Forbidden, Sent]
    assert Conversation.objects.get(pk=room.pk).head == 4
    blocks.unblock(actor=tina, user_id=alice.pk)
    assert isinstance(send_messages(drafts(alice, direct, "d"))[0], Sent)


def test_a_colleague_named_in_a_note_and_a_canned_reply(alice):
    tina, sara = trade_admin(), UserFactory.create(role="super_admin", display_name="Sara")
    trade = open_trade(alice)
    note = Draft(tina.pk, trade.notes_conversation_id, uuid4(), "@sara!")

    [sent] = send_messages([note])

    assert Mention.objects.of(sara).complete().get().message_id == sent.message.pk
    reply = canned_replies.create(actor=sara, title="Hello", body="{reference} 100 %", team=True)
    assert canned_replies.render(actor=tina, reply_id=reply.pk, trade_id=trade.pk) == f"{trade.reference} 100 %"
    assert canned_replies.usable_by(tina).holding("100 %").get() == reply
