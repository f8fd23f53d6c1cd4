"""Answers that take more than one question."""

from uuid import uuid4

import pytest

from chat import queries
from chat.actions import people
from chat.actions.messages import Draft, send_messages
from chat.models import Message, Participant
from chat.queries import read_window
from chat.tests.factories import busy_admin, group, open_trade


@pytest.fixture
def room(alice, bob):
    """Ten messages of Alice to Bob."""
    conversation = group(alice, bob)
    send_messages([Draft(alice.pk, conversation.pk, uuid4(), str(number)) for number in range(1, 11)])
    return conversation


@pytest.mark.parametrize(
    ("before", "after", "limit", "seqs", "earlier", "later"),
    [
        (None, None, 3, [8, 9, 10], True, False),
        (None, None, 10, list(range(1, 11)), False, False),
        (8, None, 3, [5, 6, 7], True, True),
        (3, None, 3, [1, 2], False, True),
        (1, None, 3, [], False, False),
        (None, 7, 3, [8, 9, 10], True, False),
        (None, 0, 3, [1, 2, 3], False, True),
        (None, 10, 3, [], False, False),
        (9, 5, 10, [6, 7, 8], True, False),
        (9, 5, 2, [6, 7], True, True),
        (99, None, 3, [8, 9, 10], True, False),
    ],
)
def test_a_window_is_ascending_and_knows_what_lies_around_it(room, before, after, limit, seqs, earlier, later):
    window = read_window(Message.objects.filter(conversation=room), before=before, after=after, limit=limit)

    assert ([message.seq for message in window.rows], window.earlier, window.later) == (seqs, earlier, later)


def test_unread_is_counted_per_conversation_and_only_where_there_is_some(alice, bob, room, trade):
    left = group(alice, bob)
    send_messages([Draft(alice.pk, left.pk, uuid4(), "hi")])
    people.leave(left, bob.pk)
    Participant.objects.filter(conversation=room, user=bob).update(read_seq=4, delivered_seq=4)

    assert queries.unread_counts(bob) == {str(room.pk): 6}
    assert queries.unread_counts(alice) == {}


def test_colleagues_are_active_staff_by_name_with_their_open_trades(alice, tina, tom, sara, django_assert_num_queries):
    open_trade(alice)
    busy_admin(is_active=False)

    with django_assert_num_queries(1):
        found = [(user.display_name, user.open_trades) for user in queries.colleagues()]

    assert found == [("Sara", 0), ("Tina", 1), ("Tom", 0)]
