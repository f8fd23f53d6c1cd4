"""Mentions in staff notes: who is named by what, who may be, and what follows from it."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Role, User
from accounts.tests.factories import UserFactory
from chat.actions import assignment, people
from chat.actions.mentions import find
from chat.actions.messages import send_message
from chat.models import Mention, Participant
from chat.protocol import encode
from chat.serializers import full_message
from chat.tests.factories import group, open_trade, trade_admin


def say(actor, conversation_id, body):
    return send_message(actor=actor, conversation_id=conversation_id, client_id=uuid4(), body=body).message


def mentioned(**filters):
    return list(Mention.objects.filter(**filters).order_by("pk").values_list("user__display_name", flat=True))


def followers(trade):
    rows = Participant.objects.current().filter(conversation=trade.notes_conversation_id)
    return set(rows.values_list("user__display_name", flat=True))


NAMED = {
    "@Tom": ["Tom"],
    "@tOM, please": ["Tom"],
    "(@Tom)": ["Tom"],
    "hi @Tom.": ["Tom"],
    "@Tom Smith": ["Tom Smith"],
    "@Tom Smith and @Tom": ["Tom Smith", "Tom"],
    "@Tom Smithers": ["Tom"],
    "@Tom and @Tom again": ["Tom"],
    "@@Tom": ["Tom"],
    "@ÉLODIE-Ünal": ["Élodie-Ünal"],
    "@Straße": ["STRASSE"],
    "@x+y (z)": ["x+y (z)"],
    "@Tommy": [],
    "@Tom_": [],
    "@Tom5": [],
    "tina@Tom": [],
    "tina_@Tom": [],
    "@ Tom": [],
    "Tom": [],
    "@": [],
    "@\u200bTom": [],
    "@.*": [],
}


@pytest.mark.parametrize("text", list(NAMED))
def test_who_is_named(text):
    staff = [User(display_name=name) for name in ("Tom", "Tom Smith", "Élodie-Ünal", "STRASSE", "x+y (z)")]

    assert [user.display_name for user in find(text, staff)] == NAMED[text]


def test_people_of_the_same_name_are_all_meant():
    both = [User(display_name="Tom"), User(display_name="tom")]

    assert find("@TOM", both) == both


def test_who_is_named_follows_the_notes_and_is_told(tina, tom, sara, trade, ears):
    with ears.listening():
        note = say(tina, trade.notes_conversation_id, "@Sara @sara @Tom have a look")

    mention = Mention.objects.get()
    assert (mention.user, mention.message_id, mention.created_at) == (sara, note.pk, note.created_at)
    assert followers(trade) == {"Tina", "Sara"}
    [frame] = ears.frames("mention.new")
    assert frame["mention"]["message"]["body"] == "@Sara @sara @Tom have a look"
    assert {name: frame["mention"][name] for name in ("conversation", "trade")} == {
        "conversation": str(trade.notes_conversation_id),
        "trade": str(trade.pk),
    }
    assert ears.of("users")[-1][0] == [str(sara.pk)]
    assert ears.of("joined") == [[str(trade.notes_conversation_id), str(sara.pk)]]


def test_nothing_of_a_mention_is_in_the_message(tina, sara, trade):
    note = say(tina, trade.notes_conversation_id, "@Sara")

    assert (note.data, str(sara.pk).encode() in encode(full_message(note))) == (None, False)


def test_only_those_who_may_read_the_notes_can_be_named(alice, tina, tom, sara, trade):
    gone = trade_admin(display_name="Gone", is_active=False)
    everybody = f"@Alice @Tina @Tom @Sara @{gone.display_name} @Bob"

    say(tina, trade.notes_conversation_id, everybody)
    assert mentioned() == ["Sara"]

    User.objects.filter(pk=tina.pk).update(availability="busy")
    queued = open_trade(alice)
    say(sara, queued.notes_conversation_id, everybody)
    assert mentioned(message__conversation=queued.notes_conversation_id) == ["Tina", "Tom"]
    assert followers(queued) == {"Sara", "Tina", "Tom"}


def test_who_follows_already_can_be_named_whatever_became_of_the_trade(tina, tom, trade):
    people.enter(trade.notes_conversation, tom)

    say(tina, trade.notes_conversation_id, "@Tom")

    assert mentioned() == ["Tom"]


def test_a_promoted_customer_is_not_named_in_notes_about_themselves(alice, tina, trade):
    User.objects.filter(pk=alice.pk).update(role=Role.SUPER_ADMIN)

    say(tina, trade.notes_conversation_id, "@Alice")

    assert (mentioned(), followers(trade)) == ([], {"Tina"})


def test_names_are_words_everywhere_else(alice, tina, sara, trade):
    say(alice, trade.conversation_id, "@Sara @Tina")
    say(tina, group(tina, sara).pk, "@Sara")

    assert not Mention.objects.exists()


def test_a_note_at_a_hand_over_may_name_somebody_too(tina, tom, sara, trade):
    assignment.hand_over(actor=tina, trade_id=trade.pk, admin_id=tom.pk, note="@Sara knows more")

    assert mentioned() == ["Sara"]
    assert followers(trade) == {"Tom", "Sara"}


def test_a_refused_note_names_nobody(tom, sara, trade):
    with pytest.raises(Exception, match="no such thing"):
        say(tom, trade.notes_conversation_id, "@Sara")

    assert (Mention.objects.exists(), followers(trade)) == (False, {"Tina"})


def test_only_a_note_with_an_at_sign_is_looked_through(alice, tina, trade):
    def queries(actor, conversation_id, body):
        with CaptureQueriesContext(connection) as found:
            say(actor, conversation_id, body)
        return len(found)

    chat, notes = trade.conversation_id, trade.notes_conversation_id
    assert queries(alice, chat, "words") == queries(alice, chat, "@Tina, mail@example.com")
    assert queries(tina, notes, "words") < queries(tina, notes, "mail@example.com")


def test_mentions_are_of_notes_that_may_still_be_read(alice, tina, tom, sara, trade):
    User.objects.filter(pk=tina.pk).update(availability="busy")
    queued = open_trade(alice)
    say(sara, queued.notes_conversation_id, "@Tom @Tina")
    say(tina, trade.notes_conversation_id, "@Sara")
    assert [len(Mention.objects.of(user)) for user in (tom, tina, sara)] == [1, 1, 1]

    assignment.take(actor=tina, trade_id=queued.pk)

    assert [len(Mention.objects.of(user)) for user in (tom, tina, sara)] == [0, 1, 1]
    assert not Mention.objects.of(UserFactory.create())
