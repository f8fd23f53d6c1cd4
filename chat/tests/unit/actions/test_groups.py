"""Groups: who founds one, who may do what in it, and that each change is said once, under its lock."""

from uuid import uuid4

import pytest

from accounts.serializers import person
from accounts.tests.factories import UserFactory
from chat import access
from chat.actions import conversations, groups, people
from chat.actions.messages import send_message
from chat.actions.receipts import mark
from chat.enums import ParticipantRole
from chat.errors import Conflict, Forbidden, Invalid, NotFound
from chat.models import Conversation, Event, Message, Participant
from chat.tests.factories import group, trade_admin

OWNER, MODERATOR, MEMBER, OBSERVER = ParticipantRole.OWNER, ParticipantRole.MODERATOR, "member", "observer"


def add(actor, room, user, role="member"):
    return groups.add(actor=actor, conversation_id=room.pk, user_id=user.pk, role=ParticipantRole(role))


def change_role(actor, room, user, role):
    return groups.change_role(actor=actor, conversation_id=room.pk, user_id=user.pk, role=ParticipantRole(role))


def remove(actor, room, user):
    groups.remove(actor=actor, conversation_id=room.pk, user_id=user.pk)


def rename(actor, room, title):
    groups.rename(actor=actor, conversation_id=room.pk, title=title)


def say(actor, room, body="hi"):
    return send_message(actor=actor, conversation_id=room.pk, client_id=uuid4(), body=body).message


def roles(room):
    return dict(room.participants.filter(left_at=None).values_list("user__display_name", "role"))


def said(room):
    return [message.data for message in Message.objects.filter(conversation=room, sender=None).order_by("seq")]


@pytest.fixture
def cleo(db):
    return UserFactory.create(display_name="Cleo")


@pytest.fixture
def room(tina, alice, bob, cleo):
    """Tina's. Alice moderates it, Bob is a member, Cleo watches."""
    room = group(tina, title="Room")
    for user, role in ((alice, "moderator"), (bob, "member"), (cleo, "observer")):
        people.enter(room, user, ParticipantRole(role))
    return room


@pytest.fixture
def crew(room, tina, alice, bob, cleo):
    return {"owner": tina, "moderator": alice, "member": bob, "observer": cleo}


def test_a_group_has_its_founder_as_owner_and_everybody_named_once(tina, alice, bob, ears):
    with ears.listening():
        made = groups.create(actor=tina, title="Refunds 🚀", participant_ids=[bob.pk, alice.pk, bob.pk, tina.pk])

    assert (made.kind, made.title, made.head, made.unread) == ("group", "Refunds 🚀", 0, 0)
    assert roles(made) == {"Tina": "owner", "Alice": "member", "Bob": "member"}
    assert sorted(ears.of("joined")) == sorted([str(made.pk), str(user.pk)] for user in (alice, bob, tina))


def test_a_group_may_begin_with_its_founder_alone(tina):
    assert roles(groups.create(actor=tina, title="Mine", participant_ids=[])) == {"Tina": "owner"}


@pytest.mark.parametrize("title", ["", " ", "\u200b", "a\nb", "a\x00b", "a\u2028b", "\x1b[1m", "x" * 121, "\ud800"])
def test_a_title_is_one_visible_line(tina, room, title):
    for call in (lambda: groups.create(actor=tina, title=title, participant_ids=[]), lambda: rename(tina, room, title)):
        with pytest.raises(Invalid) as caught:
            call()
        assert caught.value.pointer == "/title"
    assert list(Conversation.objects.values_list("title", flat=True)) == ["Room"]


def test_a_group_has_a_thousand_people_at_most(tina, alice, monkeypatch):
    with pytest.raises(Invalid) as caught:
        groups.create(actor=tina, title="All", participant_ids=[uuid4() for _ in range(1_000)])
    assert (caught.value.pointer, Conversation.objects.count()) == ("/participant_ids", 0)

    monkeypatch.setattr(groups, "MAX_PEOPLE", 2)
    room = groups.create(actor=tina, title="Two", participant_ids=[alice.pk])
    with pytest.raises(Conflict):
        add(tina, room, trade_admin())
    assert (roles(room), said(room)) == ({"Tina": "owner", "Alice": "member"}, [])


@pytest.mark.parametrize(
    ("allowed", "alone", "with_staff", "with_customer"),
    [("none", False, False, False), ("staff", True, True, False), ("anyone", True, True, True)],
)
def test_whom_customers_bring_together_is_the_setting(
    alice, bob, tina, settings, allowed, alone, with_staff, with_customer
):
    settings.CUSTOMER_CONVERSATIONS = allowed

    for others, may in (([], alone), ([tina], with_staff), ([bob], with_customer), ([tina, bob], with_customer)):
        ids = [user.pk for user in others]
        if may:
            assert groups.create(actor=alice, title="Ours", participant_ids=ids).pk
        else:
            with pytest.raises(NotFound):
                groups.create(actor=alice, title="Ours", participant_ids=ids)


def test_a_missing_person_a_closed_account_and_one_out_of_reach_look_the_same(alice, bob, tina, room):
    closed = trade_admin(is_active=False)
    refusals = set()

    for nobody in (uuid4(), closed.pk, bob.pk):
        with pytest.raises(NotFound) as caught:
            groups.create(actor=alice, title="Ours", participant_ids=[tina.pk, nobody])
        refusals.add(str(caught.value))
    remove(tina, room, bob)
    for nobody in (uuid4(), closed.pk, bob.pk):
        with pytest.raises(NotFound) as caught:
            groups.add(actor=alice, conversation_id=room.pk, user_id=nobody)
        refusals.add(str(caught.value))

    assert (len(refusals), Conversation.objects.count()) == (1, 1)


# What each role may do; everything else is forbidden.
RIGHTS = {
    "owner": {"rename", "add", "add moderator", "change", "remove moderator", "remove member", "remove observer"},
    "moderator": {"rename", "add", "remove member", "remove observer"},
    "member": set(),
    "observer": set(),
}


@pytest.mark.parametrize("role", list(RIGHTS))
def test_each_role_may_do_what_the_table_says_and_a_refusal_changes_nothing(crew, room, role, tom, sara):
    actor, other = crew[role], UserFactory.create()
    people.enter(room, other)
    attempts = {
        "rename": lambda: rename(actor, room, "Another"),
        "add": lambda: add(actor, room, tom),
        "add moderator": lambda: add(actor, room, sara, "moderator"),
        "change": lambda: change_role(actor, room, other, "observer"),
        "remove member": lambda: remove(actor, room, crew["member"]),
        "remove observer": lambda: remove(actor, room, crew["observer"]),
        "remove moderator": lambda: remove(actor, room, crew["moderator"]),
    }
    attempts.pop(f"remove {role}", None)  # that would be leaving

    for name, attempt in attempts.items():
        before = (roles(room), len(said(room)), Conversation.objects.get().title)
        if name in RIGHTS[role]:
            attempt()
            assert len(said(room)) == before[1] + 1, name
        else:
            with pytest.raises(Forbidden):
                attempt()
            assert (roles(room), len(said(room)), Conversation.objects.get().title) == before, name


def test_a_moderator_puts_out_neither_an_owner_nor_another_moderator(alice, tina, room, sara):
    add(tina, room, sara, "moderator")

    for user in (tina, sara):
        with pytest.raises(Forbidden):
            remove(alice, room, user)


@pytest.mark.parametrize("role", ["moderator", "member", "observer"])
def test_everybody_but_the_last_owner_leaves_as_they_like(crew, room, role):
    remove(crew[role], room, crew[role])

    assert crew[role].display_name not in roles(room)
    assert [data["event"] for data in said(room)] == ["participant.left"]


def test_the_last_owner_hands_on_first(tina, alice, room):
    for attempt in (lambda: remove(tina, room, tina), lambda: change_role(tina, room, tina, "member")):
        with pytest.raises(Conflict):
            attempt()
    assert (roles(room)["Tina"], said(room)) == ("owner", [])

    change_role(tina, room, alice, "owner")
    remove(tina, room, tina)

    assert "Tina" not in roles(room)


def test_an_owner_may_be_put_out_or_down_by_another(tina, alice, room, sara):
    for user in (alice, sara):
        add(tina, room, user, "owner")
    change_role(tina, room, alice, "owner")

    change_role(alice, room, tina, "member")
    remove(alice, room, sara)

    assert roles(room) == {"Alice": "owner", "Tina": "member", "Bob": "member", "Cleo": "observer"}


def test_the_last_one_of_all_may_go(tina):
    room = groups.create(actor=tina, title="Mine", participant_ids=[])

    remove(tina, room, tina)

    assert roles(room) == {}
    assert [data["event"] for data in said(room)] == ["participant.left"]


def test_strangers_and_those_who_left_find_no_group(room, tom, bob, tina):
    remove(tina, room, bob)

    for actor in (tom, bob):
        for attempt in (
            lambda actor=actor: rename(actor, room, "x"),
            lambda actor=actor: add(actor, room, tom),
            lambda actor=actor: change_role(actor, room, tina, "member"),
            lambda actor=actor: remove(actor, room, tina),
            lambda actor=actor: remove(actor, room, actor),
        ):
            with pytest.raises(NotFound):
                attempt()


def test_whoever_is_not_in_it_has_no_place_to_change(tina, room, tom):
    with pytest.raises(NotFound):
        change_role(tina, room, tom, "owner")
    with pytest.raises(NotFound):
        remove(tina, room, tom)


def test_only_groups_are_changed(tina, alice, sara, tom, trade):
    direct, _ = conversations.open_direct(actor=alice, user_id=tina.pk)
    cases = [(direct.pk, tina), (trade.conversation_id, alice), (trade.notes_conversation_id, tina)]
    cases += [(trade.notes_conversation_id, sara)]  # who reads them without a place in them
    before = list(Participant.objects.values()), list(Conversation.objects.values())

    for conversation_id, actor in cases:
        for attempt in (
            lambda c=conversation_id, a=actor: groups.rename(actor=a, conversation_id=c, title="x"),
            lambda c=conversation_id, a=actor: groups.add(actor=a, conversation_id=c, user_id=tom.pk),
            lambda c=conversation_id, a=actor: groups.remove(actor=a, conversation_id=c, user_id=a.pk),
            lambda c=conversation_id, a=actor: groups.change_role(
                actor=a, conversation_id=c, user_id=a.pk, role=ParticipantRole.OBSERVER
            ),
        ):
            with pytest.raises(Forbidden):
                attempt()

    assert (list(Participant.objects.values()), list(Conversation.objects.values())) == before


def test_what_is_so_already_changes_nothing(tina, bob, room, ears):
    with ears.listening():
        place, created = add(tina, room, bob, "moderator")
        again = change_role(tina, room, bob, "member")
        rename(tina, room, "Room")

    assert (place.role, created, again.role) == ("member", False, "member")
    assert (ears.items, Event.objects.count()) == ([], 0)


def test_every_change_is_said_once_with_who_did_what(tina, alice, room, tom):
    add(tina, room, tom, "observer")
    change_role(tina, room, tom, "moderator")
    rename(tom, room, "Another “room”")
    remove(tom, room, tom)
    remove(tina, room, alice)

    by, user = person(tina), person(tom)
    assert said(room) == [
        {"event": "participant.joined", "user": user, "role": "observer", "by": by},
        {"event": "participant.role_changed", "user": user, "role": "moderator", "by": by},
        {"event": "conversation.renamed", "title": "Another “room”", "by": user},
        {"event": "participant.left", "user": user, "role": "moderator", "by": user},
        {"event": "participant.left", "user": person(alice), "role": "moderator", "by": by},
    ]
    assert list(Message.objects.order_by("seq").values_list("body", flat=True)) == [
        "Tina added Tom.",
        "Tina made Tom a moderator.",
        "Tom named this conversation “Another “room””.",
        "Tom left.",
        "Tina removed Alice.",
    ]
    actors = [tina.pk, tina.pk, tom.pk, tom.pk, tina.pk]
    assert list(Event.objects.order_by("seq").values_list("seq", "actor")) == list(enumerate(actors, 1))


def test_system_messages_of_a_group_are_not_unread_and_bring_nothing_back(tina, bob, room, tom):
    conversations.keep(actor=bob, conversation_id=room.pk, archived=True)

    add(tina, room, tom)
    rename(tina, room, "Another")

    summary = access.get_summary(bob, room.pk)
    assert (summary.unread, summary.head, summary.title) == (0, 2, "Another")
    assert Participant.objects.get(user=bob).archived_at is not None


def test_an_observer_reads_and_says_nothing(tina, room, cleo, tom):
    add(tina, room, tom, "observer")
    say(tina, room, "for all to read")

    for watcher in (cleo, tom):
        with pytest.raises(Forbidden):
            say(watcher, room)
    assert access.get_summary(tom, room.pk).last_message.body == "for all to read"


def test_who_comes_back_has_their_marks_and_the_history(tina, bob, room):
    say(tina, room, "one")
    mark(actor=bob, conversation_id=room.pk, seq=1, read=True)
    remove(tina, room, bob)
    say(tina, room, "while he was out")

    place, created = add(tina, room, bob, "moderator")

    assert (place.read_seq, place.role, created) == (1, "moderator", True)
    assert access.get_summary(bob, room.pk).unread == 1
    history = access.get_conversation(bob, room.pk).messages.filter(sender=tina).order_by("seq")
    assert [message.body for message in history] == ["one", "while he was out"]


def test_sockets_are_told_of_a_removal_before_its_message(tina, bob, room, ears):
    with ears.listening():
        remove(tina, room, bob)

    assert [item[0] for item in ears.items] == ["left", "log"]
    assert ears.of("left") == [[str(room.pk), str(bob.pk)]]


def test_sockets_are_told_of_somebody_new(tina, room, tom, ears):
    with ears.listening():
        add(tina, room, tom)

    assert [item[0] for item in ears.items] == ["joined", "log"]


def test_a_title_and_ones_own_settings_change_together_or_not_at_all(tina, bob, room):
    changed = conversations.change(actor=tina, conversation_id=room.pk, title="Both", archived=True)
    assert (changed.title, Participant.objects.get(user=tina).archived_at is not None) == ("Both", True)

    with pytest.raises(Forbidden):
        conversations.change(actor=bob, conversation_id=room.pk, title="His", archived=True)
    assert Participant.objects.get(user=bob).archived_at is None
    assert conversations.change(actor=bob, conversation_id=room.pk, archived=True).title == "Both"
