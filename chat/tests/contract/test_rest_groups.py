"""conversations/group/, participants/, renaming, and blocks/: their shapes, statuses and what they refuse."""

from uuid import uuid4

import pytest

from chat.actions import blocks
from chat.actions.conversations import open_direct
from chat.models import Block, Conversation, Message, Participant
from chat.tests.contract import shapes
from chat.tests.contract.conftest import answer, pointers, problem
from chat.tests.factories import group

GROUP = "conversations/group/"


def place_of(room, user):
    return Participant.objects.get(conversation=room, user=user)


def test_a_group_is_made_with_its_people(rest, tina, alice, bob):
    body = {"title": "Refunds", "participant_ids": [str(alice.pk), str(bob.pk), str(alice.pk)], "kind": "trade"}

    status, made = answer(rest(tina).post(GROUP, body))

    assert (status, made) == (201, shapes.conversation(made["id"], tina, unread=0))
    assert (made["kind"], made["title"], made["head"]) == ("group", "Refunds", 0)
    assert [(row["user"]["display_name"], row["role"]) for row in made["participants"]] == [
        ("Tina", "owner"),
        ("Alice", "member"),
        ("Bob", "member"),
    ]


BAD_GROUPS = [
    ({}, "/title"),
    ({"title": ""}, "/title"),
    ({"title": "x" * 121}, "/title"),
    ({"title": "a\nb"}, "/title"),
    ({"title": "\u200b\u2060"}, "/title"),
    ({"title": "a\x00"}, "/title"),
    ({"title": ["x"]}, "/title"),
    ({"title": None}, "/title"),
    ({"title": "x", "participant_ids": "all"}, "/participant_ids"),
    ({"title": "x", "participant_ids": [""]}, "/participant_ids"),
    ({"title": "x", "participant_ids": [None]}, "/participant_ids"),
    ({"title": "x", "participant_ids": {}}, "/participant_ids"),
    ({"title": "x", "participant_ids": [str(uuid4())] * 1_001}, "/participant_ids"),
    ({"title": "x", "participant_ids": [str(uuid4()) for _ in range(1_000)]}, "/participant_ids"),
]


@pytest.mark.parametrize(("body", "pointer"), BAD_GROUPS, ids=range(len(BAD_GROUPS)))
def test_a_group_that_makes_no_sense_is_not_made(rest, tina, body, pointer):
    [found] = pointers(rest(tina).post(GROUP, body))

    assert found.startswith(pointer)
    assert not Conversation.objects.exists()


HOSTILE = ["<script>alert(1)</script>", "{{7*7}} {% debug %} %s {0.__class__}", "gpj\u202eexe", "  a 😀 ", "' OR 1=1--"]


@pytest.mark.parametrize("title", HOSTILE, ids=range(len(HOSTILE)))
def test_a_title_is_kept_and_said_exactly_as_it_was_sent(rest, tina, title):
    room = answer(rest(tina).post(GROUP, {"title": title}))[1]
    rest(tina).patch(f"conversations/{room['id']}/", {"title": f"{title}!"})

    renamed = answer(rest(tina).get(f"conversations/{room['id']}/"))[1]

    assert (room["title"], renamed["title"]) == (title, f"{title}!")
    assert renamed["last_message"]["data"]["title"] == f"{title}!"


def test_somebody_out_of_reach_looks_like_nobody(rest, alice, bob, tina):
    refusals = [
        rest(alice).post(GROUP, {"title": "x", "participant_ids": [str(tina.pk), str(key)]})
        for key in (bob.pk, uuid4())
    ]

    assert [problem(refusal) for refusal in refusals] == [(404, "not_found")] * 2
    assert {refusal.json()["detail"] for refusal in refusals} == {"There is no such thing."}
    assert not Conversation.objects.exists()


def test_people_are_added_once_given_roles_and_put_out(rest, tina, alice, tom):
    room = group(tina, alice)
    path, hers = f"conversations/{room.pk}/participants/", rest(tina)

    added = hers.post(path, {"user_id": str(tom.pk)})
    again = hers.post(path, {"user_id": str(tom.pk), "role": "owner"})
    promoted = hers.patch(f"{path}{tom.pk}/", {"role": "moderator"})
    gone = hers("delete", f"{path}{alice.pk}/")

    assert answer(added) == (201, shapes.participant(place_of(room, tom)) | {"role": "member"})
    assert answer(again) == (200, added.json())
    assert answer(promoted) == (200, shapes.participant(place_of(room, tom)))
    assert (promoted.json()["role"], gone.status_code, gone.content) == ("moderator", 204, b"")
    assert problem(hers("delete", f"{path}{alice.pk}/")) == (404, "not_found")
    assert problem(rest(alice).get(f"conversations/{room.pk}/")) == (404, "not_found")


def test_changes_are_system_messages_in_the_log(rest, tina, tom):
    room = group(tina)
    rest(tina).post(f"conversations/{room.pk}/participants/", {"user_id": str(tom.pk)})

    [event] = answer(rest(tina).get(f"conversations/{room.pk}/events/"))[1]["events"]

    assert event == shapes.event(Message.objects.get()) | {"actor": str(tina.pk)}
    assert (event["message"]["kind"], event["message"]["sender"]) == ("system", None)
    assert event["message"]["data"] == {
        "event": "participant.joined",
        "user": shapes.person(tom),
        "role": "member",
        "by": shapes.person(tina),
    }


BAD_PLACES = [
    ("post", "", {}, "/user_id"),
    ("post", "", {"user_id": "x"}, "/user_id"),
    ("post", "", {"user_id": 7}, "/user_id"),
    ("post", "", {"user_id": str(uuid4()), "role": "boss"}, "/role"),
    ("post", "", {"user_id": str(uuid4()), "role": "blocked"}, "/role"),
    ("post", "", {"user_id": str(uuid4()), "role": None}, "/role"),
    ("patch", "{user}/", {}, "/role"),
    ("patch", "{user}/", {"role": "blocked"}, "/role"),
    ("patch", "{user}/", {"role": 1}, "/role"),
    ("patch", "{user}/", {"role": ["owner"]}, "/role"),
]


@pytest.mark.parametrize(("method", "where", "body", "pointer"), BAD_PLACES, ids=range(len(BAD_PLACES)))
def test_a_place_that_makes_no_sense_is_named(rest, tina, tom, method, where, body, pointer):
    room = group(tina, tom)
    before = list(Participant.objects.values())

    response = rest(tina)(method, f"conversations/{room.pk}/participants/{where.format(user=tom.pk)}", body)

    assert pointers(response) == [pointer]
    assert list(Participant.objects.values()) == before


def test_the_last_owner_and_members_are_told_what_they_may_not(rest, tina, tom):
    room = group(tina, tom)
    path = f"conversations/{room.pk}/participants/"

    assert problem(rest(tina)("delete", f"{path}{tina.pk}/")) == (409, "conflict")
    assert problem(rest(tina).patch(f"{path}{tina.pk}/", {"role": "member"})) == (409, "conflict")
    assert problem(rest(tom)("delete", f"{path}{tina.pk}/")) == (403, "forbidden")
    assert rest(tom)("delete", f"{path}{tom.pk}/").status_code == 204


def test_renaming_shows_in_the_summary_and_in_lists(rest, tina, tom):
    room = group(tina, tom, title="Old")

    status, body = answer(rest(tina).patch(f"conversations/{room.pk}/", {"title": "New", "archived": True}))

    assert (status, body) == (200, shapes.conversation(room.pk, tina, unread=0))
    assert (body["title"], body["archived"], body["head"]) == ("New", True, 1)
    [listed] = answer(rest(tom).get("conversations/"))[1]["results"]
    assert (listed["title"], listed["archived"], listed["unread"]) == ("New", False, 0)
    assert listed["last_message"]["data"]["event"] == "conversation.renamed"


@pytest.mark.parametrize("title", ["", "x" * 121, "a\nb", "\u200b", None, 5, "a\x00"])
def test_a_title_that_makes_no_sense_changes_nothing(rest, tina, title):
    room = group(tina, title="Old")

    assert pointers(rest(tina).patch(f"conversations/{room.pk}/", {"title": title, "archived": True})) == ["/title"]
    assert Conversation.objects.get().title == "Old"
    assert place_of(room, tina).archived_at is None


def test_the_title_of_a_trade_or_a_direct_conversation_stays(rest, alice, tina, trade):
    direct, _ = open_direct(actor=alice, user_id=tina.pk)

    for key in (trade.conversation_id, direct.pk):
        assert problem(rest(alice).patch(f"conversations/{key}/", {"title": "Mine"})) == (403, "forbidden")
    assert problem(rest(alice).patch(f"conversations/{trade.notes_conversation_id}/", {"title": "x"}))[0] == 404


def test_blocks_are_put_taken_back_and_listed(rest, alice, bob, tina):
    hers = rest(tina)

    for user in (alice, bob, alice):
        response = hers("put", f"users/{user.pk}/block/")
        assert (response.status_code, response.content) == (204, b"")
    assert answer(hers.get("blocks/")) == (
        200,
        {"results": [shapes.person(bob), shapes.person(alice)], "next": None, "previous": None},
    )
    for _ in range(2):
        assert hers("delete", f"users/{alice.pk}/block/").status_code == 204
    assert [row["id"] for row in answer(hers.get("blocks/"))[1]["results"]] == [str(bob.pk)]
    assert answer(rest(alice).get("blocks/"))[1]["results"] == []


def test_blocks_come_in_pages(rest, tina, alice, bob):
    for user in (alice, bob):
        blocks.block(actor=tina, user_id=user.pk)

    first = answer(rest(tina).get("blocks/", limit=1))[1]
    second = answer(rest(tina).get(first["next"]))[1]

    assert [row["display_name"] for row in first["results"] + second["results"]] == ["Bob", "Alice"]


def test_what_is_refused_between_two_of_whom_one_blocks_the_other(rest, alice, tina):
    room, _ = open_direct(actor=alice, user_id=tina.pk)
    rest(tina)("put", f"users/{alice.pk}/block/")
    path, body = f"conversations/{room.pk}/", {"client_id": str(uuid4()), "body": "hi"}

    for user in (alice, tina):
        assert problem(rest(user).post(f"{path}messages/", body)) == (403, "forbidden")
        assert problem(rest(user).post(f"{path}typing/", {"typing": True})) == (403, "forbidden")
        assert [row["role"] for row in answer(rest(user).get(path))[1]["participants"]] == ["member"] * 2
    assert problem(rest(alice)("put", f"users/{tina.pk}/block/")) == (403, "forbidden")
    assert not Message.objects.exists()


def test_blocking_oneself_or_nobody(rest, alice, bob):
    hers = rest(alice)

    for method in ("put", "delete"):
        assert pointers(hers(method, f"users/{alice.pk}/block/")) == ["/user_id"]
        for nobody in (uuid4(), bob.pk):  # she may not know of Bob
            assert problem(hers(method, f"users/{nobody}/block/")) == (404, "not_found")
    assert not Block.objects.exists()
