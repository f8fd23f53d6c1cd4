"""Groups under many hands: changes in the same instant, and any sequence of them against a model of the rules."""

import random
from uuid import uuid4

import pytest

from chat.actions import groups
from chat.actions.messages import send_message
from chat.enums import ParticipantRole
from chat.errors import ChatError, Conflict, Forbidden, NotFound
from chat.models import Conversation, Message, Participant
from chat.tests.factories import group, trade_admin
from chat.tests.parallel import together


def add(actor, room, user, role="member"):
    return groups.add(actor=actor, conversation_id=room.pk, user_id=user.pk, role=ParticipantRole(role))


def change_role(actor, room, user, role):
    return groups.change_role(actor=actor, conversation_id=room.pk, user_id=user.pk, role=ParticipantRole(role))


def remove(actor, room, user):
    groups.remove(actor=actor, conversation_id=room.pk, user_id=user.pk)


def say(actor, room, body="hi"):
    return send_message(actor=actor, conversation_id=room.pk, client_id=uuid4(), body=body).message


def roles(room):
    return dict(room.participants.filter(left_at=None).values_list("user__display_name", "role"))


def said(room):
    return [message.data for message in Message.objects.filter(conversation=room, sender=None).order_by("seq")]


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_put_each_other_down_at_once_one_stays(tina, tom):
    for round_number in range(5):
        room = group(tina, tom, title=str(round_number))
        Participant.objects.filter(conversation=room).update(role="owner")

        outcomes = together(
            [
                lambda room=room: change_role(tina, room, tom, "member"),
                lambda r=room: change_role(tom, r, tina, "member"),
            ]
        )

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Forbidden", "Participant"]
        assert sorted(roles(room).values()) == ["member", "owner"]
        assert len(said(room)) == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_put_each_other_out_or_leave_at_once_one_stays(tina, tom):
    pairs = {
        "out": (lambda room: remove(tina, room, tom), lambda room: remove(tom, room, tina)),
        "leave": (lambda room: remove(tina, room, tina), lambda room: remove(tom, room, tom)),
    }
    for name, (first, second) in pairs.items():
        for _ in range(4):
            room = group(tina, tom, trade_admin(), title=name)
            Participant.objects.filter(conversation=room, user__in=[tina, tom]).update(role="owner")

            outcomes = together([lambda room=room, f=first: f(room), lambda room=room, s=second: s(room)])

            refused = [type(outcome) for outcome in outcomes if outcome is not None]
            assert refused == [NotFound if name == "out" else Conflict]
            assert sorted(roles(room).values()) == ["member", "owner"]
            assert len(said(room)) == 1


@pytest.mark.django_db(transaction=True)
def test_somebody_added_and_removed_at_once_is_in_or_out_as_was_said_last(tina, tom, sara):
    room = group(tina, sara)
    Participant.objects.filter(user=sara).update(role="moderator")

    together(
        [
            *[lambda: add(tina, room, tom)] * 4,
            *[lambda: remove(sara, room, tom)] * 4,
        ]
    )

    told = [data["event"] for data in said(room)]
    expected = ["participant.joined", "participant.left"] * len(told)
    assert told == expected[: len(told)]
    assert ("Tom" in roles(room)) == (told[-1:] == ["participant.joined"])


@pytest.mark.django_db(transaction=True)
def test_what_is_said_in_the_instant_of_a_removal_comes_before_it_or_is_refused(tina, bob):
    for _ in range(5):
        room = group(tina, bob)

        sent, _ = together([lambda r=room: say(bob, r), lambda r=room: remove(tina, r, bob)])

        kinds = list(Message.objects.filter(conversation=room).order_by("seq").values_list("kind", flat=True))
        assert kinds == (["system"] if isinstance(sent, NotFound) else ["text", "system"])


ROLES = [role.value for role in ParticipantRole]
MANAGERS = ("owner", "moderator")


def expected(places, actor, move, user, role):
    """What the rules say: a refusal, or who is in it afterwards with which role."""
    own, theirs = places.get(actor), places.get(user)
    others_own = any(has == "owner" for name, has in places.items() if name != user)
    if own is None:
        return NotFound
    if move == "add":
        if own != "owner" and not (own == "moderator" and role == "member"):
            return Forbidden
        return places if theirs else {**places, user: role}
    if move == "change":
        if own != "owner":
            return Forbidden
        if theirs is None:
            return NotFound
        if theirs == "owner" != role and not others_own:
            return Conflict
        return {**places, user: role}
    if actor != user and own not in MANAGERS:
        return Forbidden
    if theirs is None:
        return NotFound
    if actor != user and own == "moderator" and theirs in MANAGERS:
        return Forbidden
    if theirs == "owner" and not others_own and len(places) > 1:
        return Conflict
    return {name: has for name, has in places.items() if name != user}


@pytest.mark.parametrize("seed", range(4))
def test_any_sequence_of_changes_goes_by_the_rules_and_says_each_change_once(tina, sara, tom, seed):
    dice = random.Random(seed)
    crew = {user.display_name: user for user in (tina, sara, tom, trade_admin(display_name="Ulla"))}
    room = groups.create(actor=tina, title="Room", participant_ids=[sara.pk, tom.pk])
    places, changes = {"Tina": "owner", "Sara": "member", "Tom": "member"}, 0
    for _ in range(60):
        owners = [name for name, has in places.items() if has == "owner"]
        actor, user = dice.choice([*crew, *owners * 3]), dice.choice(list(crew))
        move, role = dice.choice(["add", "add", "change", "change", "remove"]), dice.choice(ROLES)
        calls = {
            "add": lambda a=actor, u=user, r=role: add(crew[a], room, crew[u], r),
            "change": lambda a=actor, u=user, r=role: change_role(crew[a], room, crew[u], r),
            "remove": lambda a=actor, u=user: remove(crew[a], room, crew[u]),
        }
        outcome = expected(places, actor, move, user, role)

        if isinstance(outcome, dict):
            calls[move]()
            changes += outcome != places
            places = outcome
        else:
            with pytest.raises(ChatError) as caught:
                calls[move]()
            assert caught.type is outcome, (actor, move, user, role, places)

        assert roles(room) == places
        assert "owner" in places.values() or not places
    assert changes == len(said(room)) == Conversation.objects.get(pk=room.pk).head > 5
