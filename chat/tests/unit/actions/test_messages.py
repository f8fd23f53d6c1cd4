"""Saying something: stored once, numbered, told; refused without a trace."""

from uuid import uuid4

import pytest

from accounts.tests.factories import DeviceSessionFactory
from chat.actions import assignment, messages, people, trades
from chat.actions.messages import Busy, Draft, Sent, send_message, send_messages
from chat.enums import ParticipantRole
from chat.errors import Conflict, ConversationClosed, Forbidden, Invalid, NotFound, Unauthenticated
from chat.models import Conversation, Message, Participant
from chat.protocol import encode
from chat.serializers import full_message
from chat.tests.factories import group, open_trade
from chat.tests.parallel import together

ID = uuid4()


@pytest.fixture
def room(alice, bob):
    return group(alice, bob)


def say(actor, conversation, body="hi", client_id=None, **fields):
    return send_message(
        actor=actor, conversation_id=conversation.pk, client_id=client_id or uuid4(), body=body, **fields
    )


def bodies(conversation):
    return list(conversation.messages.order_by("seq").values_list("seq", "body"))


def test_a_message_is_stored_as_it_was_sent(alice, room):
    sent = say(alice, room, "  a\r\n\u202eb 😀 ", client_id=ID)

    message = Message.objects.complete().get()
    assert (message.body, message.sender, message.client_id, message.seq) == ("  a\r\n\u202eb 😀 ", alice, ID, 1)
    assert (sent.duplicate, message.kind, message.data) == (False, "text", None)
    assert (sent.message.pk, full_message(sent.message)) == (message.pk, full_message(message))
    assert bytes(sent.json) == encode(full_message(message))


def test_a_message_is_told_to_the_conversation_once(alice, room, ears):
    with ears.listening():
        say(alice, room)

    assert [(item[0], item[1]) for item in ears.of("log")] == [(str(room.pk), 1)]


def test_a_repeated_client_id_returns_the_first_message(alice, room, ears):
    first = say(alice, room, client_id=ID)

    with ears.listening():
        again = say(alice, room, client_id=ID)

    assert (again.message.pk, again.duplicate, ears.items) == (first.message.pk, True, [])
    assert full_message(again.message) == full_message(first.message)
    assert again.json == first.json
    assert bodies(room) == [(1, "hi")]


def test_a_repeat_within_one_batch_returns_the_first_message(alice, room):
    draft = Draft(alice.pk, room.pk, ID, "hi")

    [first, again] = send_messages([draft, draft])

    assert (first.message, first.duplicate, again.duplicate) == (again.message, False, True)
    assert bodies(room) == [(1, "hi")]


def test_a_client_id_stands_for_one_content_for_ever(alice, bob, room):
    reply_to = say(bob, room, "question").message.pk
    elsewhere = group(alice)
    say(alice, room, client_id=ID)

    for conversation, body, reply in ((room, "ho", None), (room, "hi", reply_to), (elsewhere, "hi", None)):
        with pytest.raises(Conflict, match="client_id stands for another message"):
            say(alice, conversation, body, client_id=ID, reply_to=reply)

    assert (bodies(room), bodies(elsewhere)) == ([(1, "question"), (2, "hi")], [])


def test_a_client_id_used_twice_in_one_batch_for_two_contents_keeps_the_first(alice, room):
    [first, second] = send_messages([Draft(alice.pk, room.pk, ID, "hi"), Draft(alice.pk, room.pk, ID, "ho")])

    assert (type(first), type(second)) == (Sent, Conflict)
    assert bodies(room) == [(1, "hi")]


def test_two_people_may_use_the_same_client_id(alice, bob, room):
    say(alice, room, "one", client_id=ID)
    say(bob, room, "two", client_id=ID)

    assert bodies(room) == [(1, "one"), (2, "two")]


def test_a_repeat_still_returns_the_message_after_the_conversation_closed(alice, trade):
    first = say(alice, trade.conversation, client_id=ID)
    trades.make_move(actor=alice, trade_id=trade.pk, move=trades.CANCEL)

    again = say(alice, trade.conversation, client_id=ID)
    assert (again.message.pk, again.duplicate, again.json) == (first.message.pk, True, first.json)
    with pytest.raises(ConversationClosed):
        say(alice, trade.conversation)


def test_a_repeat_by_somebody_who_has_left_finds_nothing(alice, bob, room):
    say(bob, room, client_id=ID)
    people.leave(room, bob.pk)

    with pytest.raises(NotFound):
        say(bob, room, client_id=ID)


def test_a_reply_is_to_a_message_of_the_same_conversation(alice, bob, room):
    question = say(bob, room, "?").message
    foreign = say(alice, group(alice), "elsewhere").message

    answer = say(alice, room, "!", reply_to=question.pk).message

    assert answer.reply_to_id == question.pk
    for missing in (foreign.pk, uuid4()):
        with pytest.raises(Invalid) as caught:
            say(alice, room, "!", reply_to=missing)
        assert caught.value.pointer == "/reply_to"


@pytest.mark.parametrize("body", ["", "\u200b", "a\x00"])
def test_a_body_that_nobody_can_read_is_refused(alice, room, body):
    with pytest.raises(Invalid):
        say(alice, room, body)

    assert bodies(room) == []


def test_strangers_and_missing_conversations_are_not_found(tina, room):
    with pytest.raises(NotFound) as stranger:
        say(tina, room)
    with pytest.raises(NotFound) as missing:
        say(tina, Conversation(pk=uuid4()))

    assert stranger.value.detail == missing.value.detail


def test_an_observer_says_nothing(alice, tina, room):
    people.enter(room, tina, ParticipantRole.OBSERVER)

    with pytest.raises(Forbidden):
        say(tina, room)


def test_one_refused_draft_does_not_harm_its_neighbours(alice, bob, tina, room):
    drafts = [
        Draft(alice.pk, room.pk, uuid4(), "a"),
        Draft(tina.pk, room.pk, uuid4(), "stranger"),
        Draft(alice.pk, room.pk, uuid4(), ""),
        Draft(uuid4(), room.pk, uuid4(), "nobody"),
        Draft(bob.pk, room.pk, uuid4(), "b"),
    ]

    outcomes = send_messages(drafts)

    assert [type(outcome) for outcome in outcomes] == [Sent, NotFound, Invalid, Unauthenticated, Sent]
    assert bodies(room) == [(1, "a"), (2, "b")]


def test_a_closed_account_says_nothing(alice, room):
    alice.is_active = False
    alice.save()

    with pytest.raises(Unauthenticated):
        say(alice, room)


def test_an_ended_session_says_nothing(alice, room):
    live, ended = DeviceSessionFactory.create(user=alice), DeviceSessionFactory.create(user=alice)
    ended.revoked_at = ended.expires_at
    ended.save()

    outcomes = send_messages(
        [Draft(alice.pk, room.pk, uuid4(), name, session_id=key) for name, key in (("a", live.pk), ("b", ended.pk))]
    )

    assert [type(outcome) for outcome in outcomes] == [Sent, Unauthenticated]


def test_a_super_admin_who_writes_a_note_follows_the_notes_from_then_on(sara, trade, ears):
    with ears.listening():
        say(sara, trade.notes_conversation, "look again")

    assert Participant.objects.get(user=sara).conversation == trade.notes_conversation
    assert ears.of("joined") == [[str(trade.notes_conversation_id), str(sara.pk)]]
    assert bodies(trade.notes_conversation) == [(1, "look again")]


def test_a_refused_note_makes_nobody_follow_the_notes(sara, trade):
    with pytest.raises(Invalid):
        say(sara, trade.notes_conversation, " ")

    assert not Participant.objects.filter(user=sara).exists()


def test_admins_write_notes_about_a_queued_trade_and_not_to_its_customer(alice, tom):
    trade = open_trade(alice)

    assert say(tom, trade.notes_conversation, "seen").message.seq == 1
    with pytest.raises(NotFound):
        say(tom, trade.conversation)


def test_who_lost_a_trade_writes_no_more_in_it(alice, tina, tom, trade):
    assignment.hand_over(actor=tina, trade_id=trade.pk, admin_id=tom.pk)

    for conversation in (trade.conversation, trade.notes_conversation):
        with pytest.raises(NotFound):
            say(tina, conversation)
        say(tom, conversation)


def test_a_batch_asks_the_same_number_of_questions_however_many_it_holds(
    alice, bob, room, django_assert_max_num_queries
):
    def drafts(number):
        return [Draft(user.pk, room.pk, uuid4(), "hi") for user in (alice, bob) for _ in range(number)]

    with django_assert_max_num_queries(12) as one:
        send_messages(drafts(1))
    with django_assert_max_num_queries(12) as three:
        send_messages(drafts(3))

    assert len(one) == len(three)


def test_a_conversation_that_was_made_after_the_locks_were_taken_is_not_there_yet(alice, room):
    [outcome] = messages._Batch([Draft(alice.pk, room.pk, uuid4(), "hi")], {}).store()

    assert isinstance(outcome, NotFound)


@pytest.mark.django_db(transaction=True)
def test_a_conversation_that_somebody_holds_is_busy_and_the_others_are_not(alice, room):
    other = group(alice)

    with messages.transaction.atomic():
        Conversation.objects.select_for_update().get(pk=room.pk)
        drafts = [Draft(alice.pk, place.pk, uuid4(), "hi") for place in (room, other)]
        [outcomes] = together([lambda: send_messages(drafts, skip_locked=True)])

    assert [type(outcome) for outcome in outcomes] == [Busy, Sent]
    assert (bodies(room), bodies(other)) == ([], [(1, "hi")])


@pytest.mark.django_db(transaction=True)
def test_one_client_id_sent_many_times_at_once_is_one_message(alice, room):
    outcomes = together([lambda: say(alice, room, client_id=ID)] * 8)

    assert len({sent.message.pk for sent in outcomes}) == 1
    assert sorted(sent.duplicate for sent in outcomes) == [False] + [True] * 7
    assert bodies(room) == [(1, "hi")]


@pytest.mark.django_db(transaction=True)
def test_one_client_id_sent_into_two_conversations_at_once_is_one_message(alice):
    rooms = [group(alice) for _ in range(4)]

    outcomes = together([lambda room=room: say(alice, room, client_id=ID) for room in rooms])

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict"] * 3 + ["Sent"]
    assert Message.objects.count() == 1
    assert sum(Conversation.objects.values_list("head", flat=True)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_message_in_the_instant_of_closing_is_before_the_close_or_refused(alice, tina, trade):
    trades.make_move(actor=alice, trade_id=trade.pk, move=trades.PROOF)

    def approve():
        return trades.make_move(actor=tina, trade_id=trade.pk, move=trades.APPROVE)

    outcomes = together([approve] + [lambda: say(alice, trade.conversation)] * 8)

    seqs = [outcome.message.seq for outcome in outcomes[1:] if isinstance(outcome, Sent)]
    refused = [outcome for outcome in outcomes[1:] if not isinstance(outcome, Sent)]
    [closing] = trade.conversation.messages.filter(data__event="trade.approved").values_list("seq", flat=True)
    assert all(isinstance(outcome, ConversationClosed) for outcome in refused)
    assert all(seq < closing for seq in seqs)
    assert Conversation.objects.get(pk=trade.conversation_id).head == closing
