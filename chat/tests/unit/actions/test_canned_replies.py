"""Canned replies: whose they are, what they may hold, and how they are filled in."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest

from accounts.models import User
from chat.actions import canned_replies
from chat.errors import Forbidden, Invalid, NotFound
from chat.models import CannedReply, Trade
from chat.tests.factories import open_trade


def keep(actor, title="Hello", body="Hi there", team=False):
    return canned_replies.create(actor=actor, title=title, body=body, team=team)


def titles(user):
    return [reply.title for reply in canned_replies.usable_by(user)]


def test_everybody_uses_their_own_and_the_teams(tina, tom, sara):
    keep(tina, "Tina's")
    keep(sara, "Sara's")
    keep(sara, "Team's", team=True)

    assert (titles(tina), titles(tom), titles(sara)) == (["Team's", "Tina's"], ["Team's"], ["Sara's", "Team's"])


def test_a_colleagues_own_looks_like_none(tina, tom, sara, trade):
    mine = keep(tina)

    for other in (tom, sara):
        for attempt in (
            lambda a=other: canned_replies.get(actor=a, reply_id=mine.pk),
            lambda a=other: canned_replies.change(actor=a, reply_id=mine.pk, title="x"),
            lambda a=other: canned_replies.delete(actor=a, reply_id=mine.pk),
            lambda a=other: canned_replies.render(actor=a, reply_id=mine.pk, trade_id=trade.pk),
        ):
            with pytest.raises(NotFound):
                attempt()
    assert CannedReply.objects.get().title == "Hello"


def test_only_super_admins_write_the_teams(tina, sara, trade):
    teams = keep(sara, body="For {customer}", team=True)

    for attempt in (
        lambda: keep(tina, team=True),
        lambda: canned_replies.change(actor=tina, reply_id=teams.pk, body="x"),
        lambda: canned_replies.delete(actor=tina, reply_id=teams.pk),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert canned_replies.render(actor=tina, reply_id=teams.pk, trade_id=trade.pk) == "For Alice"

    assert canned_replies.change(actor=sara, reply_id=teams.pk, title="New").title == "New"
    canned_replies.delete(actor=sara, reply_id=teams.pk)
    assert not CannedReply.objects.exists()


def test_customers_have_none(alice, sara, trade):
    teams = keep(sara, team=True)

    for attempt in (
        lambda: canned_replies.usable_by(alice),
        lambda: keep(alice),
        lambda: canned_replies.get(actor=alice, reply_id=teams.pk),
        lambda: canned_replies.change(actor=alice, reply_id=teams.pk),
        lambda: canned_replies.delete(actor=alice, reply_id=teams.pk),
        lambda: canned_replies.render(actor=alice, reply_id=teams.pk, trade_id=trade.pk),
    ):
        with pytest.raises(Forbidden):
            attempt()


def test_what_is_not_given_stays(tina):
    mine = keep(tina)

    canned_replies.change(actor=tina, reply_id=mine.pk, body="Other")
    changed = canned_replies.change(actor=tina, reply_id=mine.pk, title="Another")

    stored = CannedReply.objects.get()
    assert (stored.title, stored.body, stored.owner) == ("Another", "Other", tina)
    assert (changed.title, changed.body) == ("Another", "Other")
    assert stored.updated_at > mine.updated_at


@pytest.mark.parametrize(
    ("title", "body", "pointer"),
    [
        ("", "x", "/title"),
        ("a\nb", "x", "/title"),
        ("\u200b", "x", "/title"),
        ("x" * 81, "x", "/title"),
        ("x", "", "/body"),
        ("x", "\u2060", "/body"),
        ("x", "a\x00", "/body"),
        ("x", "y" * 5_001, "/body"),
        ("x", "Dear {customr}", "/body"),
        ("x", "{Reference}", "/body"),
        ("x", "{{secret}}", "/body"),
    ],
)
def test_what_may_not_be_kept(tina, title, body, pointer):
    mine = keep(tina)

    for attempt in (
        lambda: keep(tina, title, body),
        lambda: canned_replies.change(actor=tina, reply_id=mine.pk, title=title, body=body),
    ):
        with pytest.raises(Invalid) as caught:
            attempt()
        assert caught.value.pointer == pointer
    assert CannedReply.objects.get().body == "Hi there"


def test_who_names_a_variable_that_is_none_is_told_which_there_are(tina):
    with pytest.raises(Invalid) as caught:
        keep(tina, body="Dear {name}")

    assert (
        caught.value.detail == "There is no variable {name}. There are {reference}, {amount}, {deadline}, {customer}."
    )


def test_variables_are_filled_in_plainly(tina, trade):
    Trade.objects.update(deadline_at=datetime(2026, 12, 1, 1, 30, tzinfo=timezone(timedelta(hours=2))))
    mine = keep(tina, body="{customer}: {amount} for {reference} by {deadline}. {customer}!")

    text = canned_replies.render(actor=tina, reply_id=mine.pk, trade_id=trade.pk)

    assert text == f"Alice: 600.00 EUR for {trade.reference} by 2026-11-30 23:30 UTC. Alice!"


def test_a_trade_without_a_deadline_says_so(trade):
    trade.deadline_at = None

    assert canned_replies.fill_in("by {deadline}", trade) == "by no deadline"


@pytest.mark.parametrize(
    "text",
    [
        "{0.__class__}",
        "{0}",
        "{}",
        "{{7*7}}",
        "{% debug %}",
        "%s %(x)s",
        "$reference",
        "{ customer }",
        "{customer.email}",
    ],
)
def test_what_is_no_variable_is_text(tina, trade, text):
    mine = keep(tina, body=text)

    assert canned_replies.render(actor=tina, reply_id=mine.pk, trade_id=trade.pk) == text


def test_what_was_filled_in_is_not_filled_in_again(tina, trade):
    User.objects.update(display_name="{reference} {0.__class__}")
    Trade.objects.update(reference="{amount}")
    trade = Trade.objects.complete().get()

    assert canned_replies.fill_in("{customer} {reference}", trade) == "{reference} {0.__class__} {amount}"


def test_names_that_got_in_another_way_stay_as_they_are(trade):
    assert canned_replies.fill_in("{email} {password}", trade) == "{email} {password}"


def test_a_reply_is_filled_in_for_trades_one_may_know_of(tina, tom, sara, alice, trade):
    replies = {user: keep(user, body="{reference}") for user in (tina, tom, sara)}
    User.objects.filter(pk=tina.pk).update(availability="busy")
    queued = open_trade(alice)

    for user in (tina, sara):
        assert canned_replies.render(actor=user, reply_id=replies[user].pk, trade_id=trade.pk) == trade.reference
    assert canned_replies.render(actor=tom, reply_id=replies[tom].pk, trade_id=queued.pk) == queued.reference
    for hidden in (trade.pk, uuid4()):
        with pytest.raises(NotFound):
            canned_replies.render(actor=tom, reply_id=replies[tom].pk, trade_id=hidden)


def test_words_are_found_as_they_are_in_titles_and_texts(tina):
    keep(tina, "100 % sure", "Refund_s")
    keep(tina, "100 x", "Refunds")
    keep(tina, "Back\\slash", "x")

    found = {words: canned_replies.usable_by(tina).holding(words).count() for words in ("%", "_", "\\", "REFUND", "'")}

    assert found == {"%": 1, "_": 1, "\\": 1, "REFUND": 2, "'": 0}
    assert datetime.now(UTC) > CannedReply.objects.first().created_at
