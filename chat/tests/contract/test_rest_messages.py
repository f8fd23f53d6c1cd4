"""messages/ and events/: sending once, reading by position."""

from uuid import uuid4

import pytest

from chat.actions import trades
from chat.actions.messages import Draft, send_messages
from chat.models import Message
from chat.tests.contract import shapes
from chat.tests.contract.conftest import answer, pointers, problem
from chat.tests.factories import group


@pytest.fixture
def room(alice, bob):
    """Ten messages of Alice to Bob."""
    conversation = group(alice, bob)
    send_messages([Draft(alice.pk, conversation.pk, uuid4(), str(number)) for number in range(1, 11)])
    return conversation


def at(conversation, what="messages/"):
    return f"conversations/{conversation.pk}/{what}"


def seqs(body):
    return [row["seq"] for row in body["results"]]


def test_a_message_is_created_and_a_repeat_is_the_same(rest, alice, bob):
    conversation, hers = group(alice, bob), rest(alice)
    said = {"client_id": str(uuid4()), "body": " hi\n😀 ", "kind": "text", "sender": str(bob.pk)}

    first, again = hers.post(at(conversation), said), hers.post(at(conversation), said)

    assert answer(first) == (201, shapes.message(Message.objects.get()))
    assert answer(again) == (200, first.json())
    assert first.json()["body"] == said["body"]
    assert problem(hers.post(at(conversation), said | {"body": "ho"})) == (409, "conflict")


def test_the_header_may_stand_for_the_client_id(rest, alice):
    conversation, hers, key = group(alice), rest(alice), str(uuid4())

    statuses = [
        hers.post(at(conversation), {"body": "hi"}, **{"Idempotency-Key": k}).status_code for k in (key, f'"{key}"')
    ]

    assert statuses == [201, 200]
    assert str(Message.objects.get().client_id) == key


def test_the_client_id_of_the_body_counts_before_the_header(rest, alice):
    conversation, mine = group(alice), str(uuid4())

    rest(alice).post(at(conversation), {"client_id": mine, "body": "hi"}, **{"Idempotency-Key": str(uuid4())})

    assert str(Message.objects.get().client_id) == mine


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "x"}])
def test_without_a_client_id_nothing_is_sent(rest, alice, headers):
    assert pointers(rest(alice).post(at(group(alice)), {"body": "hi"}, **headers)) == ["/client_id"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"client_id": "x"}, "/client_id"),
        ({"body": ""}, "/body"),
        ({"body": "\u200b"}, "/body"),
        ({"body": "a\u0000"}, "/body"),
        ({"body": "x" * 5_001}, "/body"),
        ({"body": 7}, "/body"),
        ({"kind": "system"}, "/kind"),
        ({"reply_to": str(uuid4())}, "/reply_to"),
    ],
)
def test_a_message_that_is_wrong_names_the_field(rest, alice, change, pointer):
    said = {"client_id": str(uuid4()), "body": "hi"}

    assert pointers(rest(alice).post(at(group(alice)), said | change)) == [pointer]
    assert not Message.objects.exists()


def test_in_a_closed_conversation_history_is_read_and_writing_refused(rest, alice, trade):
    trades.make_move(actor=alice, trade_id=trade.pk, move=trades.CANCEL)
    hers, said = rest(alice), {"client_id": str(uuid4()), "body": "hi"}

    assert problem(hers.post(at(trade.conversation), said)) == (409, "conversation_closed")
    assert problem(hers.post(at(trade.conversation, "typing/"), {"typing": True})) == (409, "conversation_closed")
    assert answer(hers.get(at(trade.conversation)))[0] == 200


def test_without_a_position_comes_the_newest_page_ascending(rest, alice, room):
    status, body = answer(rest(alice).get(at(room), limit=3))

    rows = Message.objects.filter(seq__gt=7).order_by("seq")
    assert (status, body["results"]) == (200, [shapes.message(row) for row in rows])
    assert body["next"] is None


def test_pages_lead_back_to_the_first_message_and_forth_again(rest, alice, room):
    hers = rest(alice)
    newest = answer(hers.get(at(room), limit=4))[1]
    middle = answer(hers.get(newest["previous"]))[1]
    first = answer(hers.get(middle["previous"]))[1]

    assert [seqs(page) for page in (newest, middle, first)] == [[7, 8, 9, 10], [3, 4, 5, 6], [1, 2]]
    assert first["previous"] is None
    assert seqs(answer(hers.get(first["next"]))[1]) == [3, 4, 5, 6]


def test_positions_are_exclusive(rest, alice, room):
    hers = rest(alice)

    assert seqs(answer(hers.get(at(room), before_seq=3))[1]) == [1, 2]
    assert seqs(answer(hers.get(at(room), after_seq=8))[1]) == [9, 10]
    assert seqs(answer(hers.get(at(room), after_seq=2, before_seq=5))[1]) == [3, 4]


def test_a_page_has_fifty_unless_said_otherwise_and_never_more_than_a_hundred(rest, alice):
    conversation = group(alice)
    send_messages([Draft(alice.pk, conversation.pk, uuid4(), "x") for _ in range(101)])
    hers = rest(alice)

    assert len(answer(hers.get(at(conversation)))[1]["results"]) == 50
    assert len(answer(hers.get(at(conversation), limit=100))[1]["results"]) == 100
    assert pointers(hers.get(at(conversation), limit=101)) == ["/limit"]


@pytest.mark.parametrize("name", ["before_seq", "after_seq", "limit"])
@pytest.mark.parametrize("value", ["x", "-1", "1.0", "", "٣", "9" * 20, "0x1"])
def test_a_position_that_is_no_number_is_named(rest, alice, name, value):
    assert pointers(rest(alice).get(at(group(alice)), **{name: value})) == [f"/{name}"]


def test_one_message(rest, alice, bob, tina, room):
    row = Message.objects.first()

    assert answer(rest(bob).get(f"messages/{row.pk}/")) == (200, shapes.message(row))
    for user, key in ((tina, row.pk), (bob, uuid4())):
        assert problem(rest(user).get(f"messages/{key}/")) == (404, "not_found")


def test_a_system_message_has_no_sender_and_speaks_through_its_data(rest, alice, trade):
    first = answer(rest(alice).get(at(trade.conversation)))[1]["results"][0]

    assert (first["kind"], first["sender"], first["client_id"]) == ("system", None, None)
    assert first["data"]["event"] == "trade.opened"
    assert set(first["data"]["trade"]) == set(shapes.trade(trade.pk))


def test_the_log_behind_a_position(rest, alice, room):
    hers = rest(alice)
    rows = list(Message.objects.order_by("seq"))

    status, body = answer(hers.get(at(room, "events/"), after_seq=8))

    assert (status, body) == (200, {"events": [shapes.event(row) for row in rows[8:]], "head": 10})
    assert [event["seq"] for event in answer(hers.get(at(room, "events/"), limit=2))[1]["events"]] == [1, 2]
    assert answer(hers.get(at(room, "events/"), after_seq=99)) == (200, {"events": [], "head": 10})
    assert len(answer(hers.get(at(room, "events/")))[1]["events"]) == 10


def test_the_log_is_read_by_at_most_three_hundred(rest, alice, bob, room):
    assert answer(rest(alice).get(at(room, "events/"), limit=300))[0] == 200
    assert pointers(rest(alice).get(at(room, "events/"), limit=301)) == ["/limit"]
    assert pointers(rest(alice).get(at(room, "events/"), after_seq="x")) == ["/after_seq"]


def test_strangers_read_and_write_nothing(rest, tina, room):
    theirs = rest(tina)

    for what in ("messages/", "events/"):
        assert problem(theirs.get(at(room, what))) == (404, "not_found")
    said = {"client_id": str(uuid4()), "body": "hi"}
    assert problem(theirs.post(at(room), said)) == (404, "not_found")
