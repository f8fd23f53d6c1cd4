"""canned-replies/: the list, one, writing them, and filling one in."""

from uuid import uuid4

import pytest

from accounts.text import timestamp
from chat.actions import canned_replies
from chat.models import CannedReply
from chat.tests.contract.conftest import answer, pointers, problem

LIST = "canned-replies/"


def shape(reply):
    row = CannedReply.objects.get(pk=reply.pk)
    return {
        "id": str(row.pk),
        "title": row.title,
        "body": row.body,
        "team": row.owner_id is None,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }


@pytest.fixture
def hello(tina):
    return canned_replies.create(actor=tina, title="Hello", body="Hi {customer}")


@pytest.fixture
def bye(sara):
    return canned_replies.create(actor=sara, title="Bye", body="Good bye", team=True)


def test_a_reply_is_kept_read_changed_and_dropped(rest, tina):
    hers = rest(tina)

    made = hers.post(LIST, {"title": "Hello", "body": "Hi {customer}", "owner": str(uuid4()), "id": str(uuid4())})
    reply = CannedReply.objects.get()
    assert answer(made) == (201, shape(reply))
    assert (reply.owner, made.json()["team"]) == (tina, False)

    path = f"{LIST}{reply.pk}/"
    changed = hers.patch(path, {"title": "Hi", "team": True})
    assert answer(changed) == (200, shape(reply))
    assert (changed.json()["title"], changed.json()["team"]) == ("Hi", False)
    assert answer(hers.get(path)) == (200, changed.json())

    gone = hers("delete", path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert problem(hers.get(path)) == (404, "not_found")


def test_the_list_is_by_title_with_the_teams_and_searched_by_words(rest, tina, tom, hello, bye):
    assert answer(rest(tina).get(LIST)) == (
        200,
        {"results": [shape(bye), shape(hello)], "next": None, "previous": None},
    )
    assert answer(rest(tom).get(LIST))[1]["results"] == [shape(bye)]
    for words, found in (("hI", [hello]), ("bye", [bye]), ("%", []), ("' OR 1=1--", [])):
        assert answer(rest(tina).get(LIST, q=words))[1]["results"] == [shape(reply) for reply in found]
    for words in ("", "x" * 65, "a\x00"):
        assert pointers(rest(tina).get(LIST, q=words)) == ["/q"]


def test_pages_lead_through_replies_of_one_title(rest, tina):
    made = [str(canned_replies.create(actor=tina, title="Same", body="x").pk) for _ in range(3)]
    hers = rest(tina)

    first = answer(hers.get(LIST, limit=2))[1]
    second = answer(hers.get(first["next"]))[1]

    assert [row["id"] for row in first["results"] + second["results"]] == made


def test_a_reply_is_filled_in_for_a_trade(rest, tina, tom, trade, hello, bye):
    path = f"{LIST}{hello.pk}/render/"

    assert answer(rest(tina).post(path, {"trade_id": str(trade.pk)})) == (200, {"body": "Hi Alice"})
    assert problem(rest(tina).post(path, {"trade_id": str(uuid4())})) == (404, "not_found")
    assert problem(rest(tom).post(f"{LIST}{bye.pk}/render/", {"trade_id": str(trade.pk)})) == (404, "not_found")
    assert pointers(rest(tina).post(path, {})) == ["/trade_id"]


BAD = [
    ({}, "/title"),
    ({"title": "x"}, "/body"),
    ({"title": "x" * 81, "body": "x"}, "/title"),
    ({"title": "a\nb", "body": "x"}, "/title"),
    ({"title": 5, "body": "x"}, "/title"),
    ({"title": "x", "body": "y" * 5_001}, "/body"),
    ({"title": "x", "body": "\u200b"}, "/body"),
    ({"title": "x", "body": None}, "/body"),
    ({"title": "x", "body": {"$gt": ""}}, "/body"),
    ({"title": "x", "body": "{unknown}"}, "/body"),
    ({"title": "x", "body": "x", "team": "yes"}, "/team"),
]


@pytest.mark.parametrize(("body", "pointer"), BAD, ids=range(len(BAD)))
def test_what_makes_no_sense_is_named_and_not_kept(rest, sara, body, pointer):
    assert pointers(rest(sara).post(LIST, body)) == [pointer]
    assert not CannedReply.objects.exists()


def test_who_may_not_is_told_so(rest, alice, tina, tom, hello, bye):
    for path in (LIST, f"{LIST}{bye.pk}/", f"{LIST}{uuid4()}/"):
        assert problem(rest(alice).get(path)) == (403, "forbidden")
    assert problem(rest(tina).post(LIST, {"title": "x", "body": "x", "team": True})) == (403, "forbidden")
    assert problem(rest(tina).patch(f"{LIST}{bye.pk}/", {"body": "x"})) == (403, "forbidden")
    assert problem(rest(tina)("delete", f"{LIST}{bye.pk}/")) == (403, "forbidden")
    assert problem(rest(tom).patch(f"{LIST}{hello.pk}/", {"body": "x"})) == (404, "not_found")
    assert CannedReply.objects.count() == 2
