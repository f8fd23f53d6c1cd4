"""Marks that only grow, and typing that leaves no trace."""

from uuid import uuid4

import pytest

from chat.actions import people, receipts, trades
from chat.actions.messages import send_message
from chat.actions.receipts import Mark, mark
from chat.enums import ParticipantRole
from chat.errors import ConversationClosed, Forbidden, NotFound
from chat.models import Participant
from chat.serializers import MarksShape
from chat.tests.factories import group
from chat.tests.parallel import together


@pytest.fixture
def room(alice, bob):
    """Alice said three things to Bob."""
    conversation = group(alice, bob)
    for body in "abc":
        send_message(actor=alice, conversation_id=conversation.pk, client_id=uuid4(), body=body)
    return conversation


def read(actor, conversation, seq):
    return mark(actor=actor, conversation_id=conversation.pk, seq=seq, read=True)


def delivered(actor, conversation, seq):
    return mark(actor=actor, conversation_id=conversation.pk, seq=seq, read=False)


def test_marks_move_forward_and_reading_raises_delivered(bob, room):
    assert delivered(bob, room, 1) == MarksShape(delivered_seq=1, read_seq=0, unread=3)
    assert read(bob, room, 2) == MarksShape(delivered_seq=2, read_seq=2, unread=1)
    assert delivered(bob, room, 3) == MarksShape(delivered_seq=3, read_seq=2, unread=1)


def test_a_mark_beyond_the_head_is_clamped(bob, room):
    assert read(bob, room, 2**63 - 1) == MarksShape(delivered_seq=3, read_seq=3, unread=0)


def test_a_mark_backwards_changes_and_tells_nothing(bob, room, ears):
    read(bob, room, 3)

    with ears.listening():
        assert read(bob, room, 1) == MarksShape(delivered_seq=3, read_seq=3, unread=0)
        assert delivered(bob, room, 0) == MarksShape(delivered_seq=3, read_seq=3, unread=0)

    assert ears.items == []


def test_reading_leaves_a_delivered_mark_that_is_farther(bob, room):
    delivered(bob, room, 3)

    assert read(bob, room, 1) == MarksShape(delivered_seq=3, read_seq=1, unread=2)


def test_ones_own_messages_and_system_ones_are_never_unread(alice, tina, trade):
    assert read(alice, trade.conversation, 0) == MarksShape(delivered_seq=0, read_seq=0, unread=0)
    send_message(actor=tina, conversation_id=trade.conversation_id, client_id=uuid4(), body="hi")

    assert read(alice, trade.conversation, 0).unread == 1
    assert read(tina, trade.conversation, 0).unread == 0


@pytest.mark.parametrize(("move", "kind", "unread"), [(read, "message.read", 1), (delivered, "message.delivered", 3)])
def test_the_others_hear_of_a_mark_and_the_readers_own_sockets_what_is_unread(bob, room, ears, move, kind, unread):
    with ears.listening():
        move(bob, room, 2)

    frame = {"type": kind, "conversation": str(room.pk), "user": str(bob.pk), "seq": 2}
    assert ears.frames(kind) == [frame | {"unread": unread}, frame]
    assert [people for people, *_ in ears.of("users")] == [[str(bob.pk)]]
    assert [(place, but) for place, _, but, _ in ears.of("room")] == [(str(room.pk), str(bob.pk))]


def test_strangers_mark_nothing(tina, room):
    with pytest.raises(NotFound):
        read(tina, room, 1)


def test_staff_who_only_look_at_notes_keep_no_mark(sara, tina, trade):
    send_message(actor=tina, conversation_id=trade.notes_conversation_id, client_id=uuid4(), body="note")

    assert read(sara, trade.notes_conversation, 1) == MarksShape(delivered_seq=0, read_seq=0, unread=1)
    assert not Participant.objects.filter(user=sara).exists()


def test_many_marks_answer_in_the_order_given_and_a_refused_one_harms_none(alice, bob, tina, room):
    outcomes = receipts.mark_all(
        [
            Mark(tina, room.pk, 1, True),
            Mark(bob, room.pk, 3, True),
            Mark(alice, room.pk, 2, False),
            Mark(bob, room.pk, 1, True),
        ]
    )

    assert isinstance(outcomes[0], NotFound)
    assert outcomes[1:] == [MarksShape(3, 3, 0), MarksShape(2, 0, 0), MarksShape(3, 3, 0)]


@pytest.mark.django_db(transaction=True)
def test_marks_set_at_once_from_both_sides_end_at_the_farthest(alice, bob, room):
    def all_marks(seqs):
        return receipts.mark_all([Mark(user, room.pk, seq, seq % 2 == 0) for seq in seqs for user in (alice, bob)])

    together([lambda: all_marks((1, 2, 3)), lambda: all_marks((3, 2, 1))] * 3)

    assert set(Participant.objects.values_list("delivered_seq", "read_seq")) == {(3, 2)}


@pytest.mark.parametrize(("typing", "kind"), [(True, "typing.start"), (False, "typing.stop")])
def test_typing_is_shown_to_the_others_and_may_be_dropped(alice, room, ears, typing, kind):
    with ears.listening():
        receipts.type_in(actor=alice, conversation_id=room.pk, typing=typing)

    user = {"id": str(alice.pk), "display_name": "Alice"}
    assert ears.frames(kind) == [{"type": kind, "conversation": str(room.pk), "user": user}]
    assert [(item[2], item[3]) for item in ears.of("room")] == [(str(alice.pk), True)]


def test_only_those_who_may_write_type(alice, bob, tina, room, trade):
    people.enter(room, tina, ParticipantRole.OBSERVER)
    trades.make_move(actor=alice, trade_id=trade.pk, move=trades.CANCEL)

    for actor, place, refusal in ((tina, room, Forbidden), (bob, trade.conversation, NotFound)):
        with pytest.raises(refusal):
            receipts.type_in(actor=actor, conversation_id=place.pk, typing=True)
    with pytest.raises(ConversationClosed):
        receipts.type_in(actor=alice, conversation_id=trade.conversation_id, typing=True)
