"""conversations/: the list and its filters, one, direct ones, one's own settings, unread."""

from uuid import uuid4

import pytest

from chat.actions.conversations import keep, open_direct
from chat.actions.messages import send_message
from chat.actions.receipts import mark
from chat.models import Participant
from chat.tests.contract import shapes
from chat.tests.contract.conftest import answer, pointers, problem
from chat.tests.factories import group


def say(user, conversation, body="hi"):
    return send_message(actor=user, conversation_id=conversation.pk, client_id=uuid4(), body=body).message


def ids(response):
    return [row["id"] for row in answer(response)[1]["results"]]


def test_the_list_holds_my_conversations_newest_activity_first(rest, alice, tina, trade):
    made, _ = open_direct(actor=alice, user_id=tina.pk)
    say(tina, made)

    status, body = answer(rest(alice).get("conversations/"))

    assert status == 200
    assert body == {
        "results": [
            shapes.conversation(made.pk, alice, unread=1),
            shapes.conversation(trade.conversation_id, alice, unread=0, trade=trade.pk),
        ],
        "next": None,
        "previous": None,
    }


def test_staff_notes_name_their_trade_too(rest, tina, trade):
    body = answer(rest(tina).get("conversations/", kind="staff_notes"))[1]

    assert body["results"] == [shapes.conversation(trade.notes_conversation_id, tina, unread=0, trade=trade.pk)]


def test_filters_by_kind_unread_and_archived(rest, alice, bob):
    silent, unread, away = (group(alice, bob) for _ in range(3))
    for conversation in (unread, away):
        say(bob, conversation)
    keep(actor=alice, conversation_id=away.pk, archived=True)
    hers = rest(alice)

    assert ids(hers.get("conversations/")) == [str(unread.pk), str(silent.pk)]
    assert ids(hers.get("conversations/", unread="true")) == [str(unread.pk)]
    assert ids(hers.get("conversations/", archived="true")) == [str(away.pk)]
    assert ids(hers.get("conversations/", kind="group")) == [str(unread.pk), str(silent.pk)]
    assert ids(hers.get("conversations/", kind="direct")) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("kind", "room"), ("unread", "yes"), ("archived", "2"), ("limit", "0"), ("limit", "101"), ("cursor", "x")],
)
def test_a_filter_that_makes_no_sense_is_named(rest, alice, name, value):
    assert pointers(rest(alice).get("conversations/", **{name: value})) == [f"/{name}"]


def test_pages_lead_down_the_list_and_back(rest, alice):
    made = [str(group(alice).pk) for _ in range(5)][::-1]
    hers = rest(alice)

    first = answer(hers.get("conversations/", limit=2))[1]
    second = answer(hers.get(first["next"]))[1]
    third = answer(hers.get(second["next"]))[1]
    back = answer(hers.get(third["previous"]))[1]

    pages = [[row["id"] for row in page["results"]] for page in (first, second, third, back)]
    assert pages == [made[:2], made[2:4], made[4:], made[2:4]]
    assert (first["previous"], third["next"]) == (None, None)


def test_a_page_stays_right_while_somebody_writes(rest, alice):
    made = [group(alice) for _ in range(4)][::-1]
    hers = rest(alice)
    first = answer(hers.get("conversations/", limit=2))[1]

    say(alice, made[0])
    second = answer(hers.get(first["next"]))[1]

    assert [row["id"] for row in second["results"]] == [str(made[2].pk), str(made[3].pk)]


def test_one_conversation_has_the_shape_of_the_list(rest, alice, tina, trade):
    say(tina, trade.conversation)

    status, body = answer(rest(alice).get(f"conversations/{trade.conversation_id}/"))

    assert (status, body) == (200, shapes.conversation(trade.conversation_id, alice, unread=1, trade=trade.pk))


def test_a_strangers_conversation_and_a_missing_one_look_the_same(rest, bob, trade):
    refusals = [rest(bob).get(f"conversations/{key}/").json() for key in (trade.conversation_id, uuid4())]
    for refusal in refusals:
        refusal.pop("request_id")

    assert refusals[0] == refusals[1]
    assert refusals[0]["code"] == "not_found"


def test_a_direct_conversation_is_made_once(rest, alice, tina):
    first = rest(alice).post("conversations/direct/", {"user_id": str(tina.pk)})
    again = rest(tina).post("conversations/direct/", {"user_id": str(alice.pk)})

    assert answer(first) == (201, shapes.conversation(first.json()["id"], alice, unread=0))
    assert answer(again) == (200, shapes.conversation(first.json()["id"], tina, unread=0))


def test_direct_refuses_oneself_nonsense_and_people_out_of_reach(rest, alice, bob):
    hers = rest(alice)

    assert pointers(hers.post("conversations/direct/", {"user_id": str(alice.pk)})) == ["/user_id"]
    assert pointers(hers.post("conversations/direct/", {"user_id": "x"})) == ["/user_id"]
    assert pointers(hers.post("conversations/direct/", {})) == ["/user_id"]
    for nobody in (bob.pk, uuid4()):
        assert problem(hers.post("conversations/direct/", {"user_id": str(nobody)})) == (404, "not_found")


def test_muting_and_archiving_are_ones_own(rest, alice, bob):
    conversation = group(alice, bob)
    path = f"conversations/{conversation.pk}/"

    status, body = answer(rest(alice).patch(path, {"muted_until": "2030-01-02T03:04:05.678Z", "archived": True}))

    assert (status, body) == (200, shapes.conversation(conversation.pk, alice, unread=0))
    assert (body["muted_until"], body["archived"]) == ("2030-01-02T03:04:05.678Z", True)
    assert answer(rest(bob).get(path))[1]["archived"] is False
    assert answer(rest(alice).patch(path, {"muted_until": None, "archived": False}))[1]["muted_until"] is None


def test_fields_that_are_not_ones_own_are_ignored(rest, alice):
    conversation = group(alice, title="Ours")

    body = answer(rest(alice).patch(f"conversations/{conversation.pk}/", {"head": 9, "kind": "trade", "read_seq": 5}))[
        1
    ]

    assert (body["head"], body["kind"], body["read_seq"]) == (0, "group", 0)


@pytest.mark.parametrize("body", [{"archived": "yes"}, {"muted_until": "tomorrow"}, {"muted_until": 5}])
def test_settings_that_make_no_sense_are_named(rest, alice, body):
    assert pointers(rest(alice).patch(f"conversations/{group(alice).pk}/", body)) == [f"/{next(iter(body))}"]


def test_unread_counts_other_peoples_messages(rest, alice, bob, tina, trade):
    conversation = group(alice, bob)
    for sender in (bob, bob, alice):
        say(sender, conversation)
    say(tina, trade.conversation)

    status, body = answer(rest(alice).get("unread/"))

    assert (status, body) == (
        200,
        {"total": 3, "conversations": {str(conversation.pk): 2, str(trade.conversation_id): 1}},
    )


def test_marks_answer_with_where_i_stand(rest, alice, bob):
    conversation = group(alice, bob)
    for _ in range(3):
        say(bob, conversation)
    hers, path = rest(alice), f"conversations/{conversation.pk}/"

    assert answer(hers.post(f"{path}delivered/", {"seq": 2})) == (
        200,
        {"delivered_seq": 2, "read_seq": 0, "unread": 3},
    )
    assert answer(hers.post(f"{path}read/", {"seq": 99})) == (200, {"delivered_seq": 3, "read_seq": 3, "unread": 0})
    assert answer(hers.post(f"{path}read/", {"seq": 1})) == (200, {"delivered_seq": 3, "read_seq": 3, "unread": 0})


@pytest.mark.parametrize("seq", [-1, "1", 1.5, True, None, 2**63])
def test_a_position_is_a_whole_number(rest, alice, seq):
    assert pointers(rest(alice).post(f"conversations/{group(alice).pk}/read/", {"seq": seq})) == ["/seq"]


def test_typing_answers_with_nothing(rest, alice, bob):
    conversation = group(alice)
    response = rest(alice).post(f"conversations/{conversation.pk}/typing/", {"typing": True})

    assert (response.status_code, response.content) == (204, b"")
    assert pointers(rest(alice).post(f"conversations/{conversation.pk}/typing/", {})) == ["/typing"]
    assert problem(rest(bob).post(f"conversations/{conversation.pk}/typing/", {"typing": True})) == (404, "not_found")


def test_marks_and_settings_of_strangers_are_not_found_and_change_nothing(rest, alice, bob):
    conversation = group(alice)
    before = list(Participant.objects.values())
    his = rest(bob)

    for move, body in (("read/", {"seq": 1}), ("delivered/", {"seq": 1}), ("messages/", {"client_id": str(uuid4())})):
        assert problem(his.post(f"conversations/{conversation.pk}/{move}", body)) == (404, "not_found")
    assert problem(his.patch(f"conversations/{conversation.pk}/", {"archived": True})) == (404, "not_found")
    assert list(Participant.objects.values()) == before


def test_presence_is_shown_with_the_participant(rest, alice, bob):
    conversation = group(alice, bob)
    mark(actor=bob, conversation_id=conversation.pk, seq=0, read=True)

    people = answer(rest(alice).get(f"conversations/{conversation.pk}/"))[1]["participants"]

    assert [row["presence"] for row in people] == [shapes.NEVER_HERE] * 2
