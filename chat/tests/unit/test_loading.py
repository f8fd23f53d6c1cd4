"""What live sockets ask of the database: who comes, what they missed, whether the hub is right."""

import json
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from channels.db import database_sync_to_async

from accounts.identity import identity_of
from accounts.tests.factories import DeviceSessionFactory
from chat import loading, protocol
from chat.actions import people
from chat.actions.messages import Draft, send_messages
from chat.errors import Unauthenticated
from chat.loading import Arrival, DatabaseLoader, Missed
from chat.models import Conversation
from chat.tests.factories import group


@pytest.fixture
def room(alice, bob):
    """Alice said five things to Bob."""
    conversation = group(alice, bob)
    fill(conversation, alice, "abcde")
    return Conversation.objects.get(pk=conversation.pk)


def fill(conversation, sender, bodies):
    send_messages([Draft(sender.pk, conversation.pk, uuid4(), body) for body in bodies])


def claim(user):
    session = DeviceSessionFactory.create(user=user)
    return identity_of(session, session.expires_at)


def bodies(part: Missed):
    return [json.loads(event)["message"]["body"] for event in part.events]


def test_who_arrives_is_known_with_the_heads_of_their_conversations(alice, bob, room):
    claimed = replace(claim(alice), display_name="", role="customer")
    people.leave(group(alice), alice.pk)

    [arrival] = loading.arrivals([claimed])

    assert arrival == Arrival(replace(claimed, display_name="Alice"), {str(room.pk): 5})


def test_who_follows_nothing_arrives_too(tina):
    [arrival] = loading.arrivals([claim(tina)])

    assert (arrival.identity.role, arrival.heads) == ("trade_admin", {})


def test_an_ended_session_a_closed_account_and_anothers_session_do_not_arrive(alice, bob, tina):
    ended, closed, others = claim(alice), claim(tina), claim(bob)
    DeviceSessionFactory._meta.model.objects.filter(pk=ended.session_id).delete()
    tina.is_active = False
    tina.save()

    outcomes = loading.arrivals([ended, closed, replace(others, user_id=alice.pk), others])

    assert [type(outcome) for outcome in outcomes] == [Unauthenticated] * 3 + [Arrival]


@pytest.mark.parametrize("number", [1, 3])
def test_many_arrive_with_one_prepared_statement(alice, bob, tina, room, number, django_assert_num_queries):
    claimed = [claim(user) for user in (alice, bob, tina)][:number]

    with django_assert_num_queries(0):  # none beside it, which Django does not see
        outcomes = loading.arrivals(claimed)

    assert [arrival.identity.user_id for arrival in outcomes] == [one.user_id for one in claimed]


def test_what_was_missed_comes_in_order_up_to_the_head(room):
    part = loading.missed(room.pk, 2, 5, 100)

    assert (part.kind, part.head, part.last, part.more, bodies(part)) == ("sync.events", 5, 5, False, ["c", "d", "e"])


def test_who_missed_nothing_gets_an_empty_answer_without_a_query(room, django_assert_num_queries):
    with django_assert_num_queries(0):
        part = loading.missed(room.pk, 5, 5, 100)

    assert part == Missed(room.pk, "sync.events", head=5, last=5)


def test_events_after_the_head_that_was_read_are_left_to_the_live_stream(room):
    assert bodies(loading.missed(room.pk, 2, 4, 100)) == ["c", "d"]


def test_a_budget_that_is_used_up_says_there_is_more(room):
    part, nothing = loading.missed(room.pk, 1, 5, 2), loading.missed(room.pk, 1, 5, 0)

    assert (bodies(part), part.last, part.more) == (["b", "c"], 3, True)
    assert (nothing.events, nothing.last, nothing.more) == ((), 1, True)


def test_one_answer_holds_three_hundred_events_at_most(alice, room):
    fill(room, alice, [str(number) for number in range(300)])

    part = loading.missed(room.pk, 0, 305, 2_000)

    assert (len(part.events), part.last, part.more) == (300, 300, True)


def test_large_messages_are_spread_over_answers_but_one_always_fits(alice, room, monkeypatch):
    monkeypatch.setattr(loading, "MAX_SYNC_BYTES", 10)

    part = loading.missed(room.pk, 0, 5, 100)

    assert (bodies(part), part.last, part.more) == (["a"], 1, True)


@pytest.mark.parametrize(
    ("position", "head", "kind"),
    [
        (6, 5, "sync.reset"),
        (0, protocol.MAX_SYNC_BEHIND + 1, "sync.reset"),
        (0, None, "sync.gone"),
        (0, protocol.MAX_SYNC_BEHIND, "sync.events"),
    ],
)
def test_positions_that_make_no_sense_or_are_too_far_behind_start_anew(position, head, kind):
    assert loading.missed(uuid4(), position, head, 0).kind == kind


def test_each_kind_of_answer_has_the_fields_of_the_protocol(room):
    answers = [loading.missed(room.pk, *place, 1).frame("a1") for place in ((4, 5), (9, 5), (0, None))]

    place = {"id": "a1", "conversation": str(room.pk)}
    events, reset, gone = map(json.loads, answers)
    assert reset == {"type": "sync.reset", "head": 5, **place}
    assert gone == {"type": "sync.gone", **place}
    assert events.pop("events")[0]["seq"] == 5
    assert events == {"type": "sync.events", "head": 5, "more": False, **place}


def test_heads_are_given_of_ones_own_conversations_only(alice, bob, tina, room):
    other = group(tina)

    assert loading.heads_of(bob.pk, [room.pk, other.pk, uuid4()]) == {room.pk: 5}


def test_conversations_not_named_come_newest_first_and_a_hundred_at_most(alice, room):
    rooms = [group(alice) for _ in range(3)]
    fill(rooms[0], alice, "x")

    shapes = loading.other_conversations(alice.pk, [room.pk])

    assert [shape.id for shape in shapes] == [rooms[0].pk, rooms[2].pk, rooms[1].pk]


def test_the_truth_about_those_who_are_here(alice, bob, tina, room, django_assert_num_queries):
    ended, live = claim(alice), claim(tina)
    session = DeviceSessionFactory._meta.model.objects.get(pk=ended.session_id)
    session.revoked_at = session.expires_at
    session.save()
    bob.is_active = False
    bob.save()
    users, sessions = {str(user.pk) for user in (alice, bob, tina)}, {str(ended.session_id), str(live.session_id)}

    with django_assert_num_queries(4):
        truth = loading.truth({str(room.pk)}, users, sessions)

    assert (truth.heads, truth.live_sessions) == ({str(room.pk): 5}, {str(live.session_id)})
    assert truth.conversations == {str(alice.pk): {str(room.pk)}, str(bob.pk): {str(room.pk)}}
    assert truth.roles == {str(alice.pk): "customer", str(tina.pk): "trade_admin"}


@pytest.mark.django_db(transaction=True)
async def test_the_hub_gets_events_behind_a_position_and_the_frame_of_a_new_conversation(alice, bob, tina, room):
    loader = DatabaseLoader()

    events = await loader.events_after(str(room.pk), 3)
    head, text = await loader.added_frame(str(bob.pk), str(room.pk))

    assert [(seq, json.loads(text)["message"]["body"]) for seq, text in events] == [(4, "d"), (5, "e")]
    frame = json.loads(text)
    assert (head, frame["type"], frame["conversation"]["id"]) == (5, "conversation.added", str(room.pk))
    assert await loader.added_frame(str(tina.pk), str(room.pk)) is None


@pytest.mark.django_db(transaction=True)
async def test_a_database_that_refuses_is_unavailable(room):
    def fail():
        raise loading.database.OperationalError

    with pytest.raises(loading.database.Unavailable):
        await loading.database.run(fail)
    assert await database_sync_to_async(Conversation.objects.count)() == 1


def test_ids_of_frames_are_uuids(room):
    assert UUID(json.loads(loading.missed(room.pk, 0, None, 0).frame(None))["conversation"]) == room.pk
