"""Canned replies in Django admin: kept through the action, with its refusals beside the fields."""

import pytest

from chat.actions import canned_replies
from chat.models import CannedReply

LIST = "/admin/chat/cannedreply/"


@pytest.fixture
def team(sara) -> CannedReply:
    return canned_replies.create(actor=sara, title="Greeting", body="Hello {customer}", team=True)


@pytest.fixture
def own(tina) -> CannedReply:
    return canned_replies.create(actor=tina, title="Mine", body="Hi")


def titles(client) -> list[str]:
    return [reply.title for reply in client.get(LIST).context["cl"].result_list]


def test_everybody_sees_the_teams_and_their_own(desk, team, own, tina, tom, sara):
    assert (titles(desk(tina)), titles(desk(tom)), titles(desk(sara))) == (
        ["Greeting", "Mine"],
        ["Greeting"],
        ["Greeting"],
    )


def test_the_list_is_filtered_by_whose_they_are(desk, team, own, tina):
    client = desk(tina)

    def found(query: str) -> list[str]:
        return [reply.title for reply in client.get(LIST + query).context["cl"].result_list]

    assert (found("?whose=mine"), found("?whose=team"), found("?whose=odd")) == (
        ["Mine"],
        ["Greeting"],
        ["Greeting", "Mine"],
    )


def test_an_admin_keeps_their_own(desk, tina):
    client = desk(tina)

    client.post(f"{LIST}add/", {"title": "Wait", "body": " {reference} {{7*7}}\n", "team": "on"})
    reply = CannedReply.objects.get()
    assert (reply.owner, reply.title, reply.body) == (tina, "Wait", " {reference} {{7*7}}\n")
    client.post(f"{LIST}{reply.pk}/change/", {"title": "Wait!", "body": "A moment."})
    reply.refresh_from_db()
    assert (reply.owner, reply.title, reply.body) == (tina, "Wait!", "A moment.")
    client.post(f"{LIST}{reply.pk}/delete/", {"post": "yes"})

    assert not CannedReply.objects.exists()


def test_super_admins_write_the_teams(desk, team, sara):
    client = desk(sara)

    client.post(f"{LIST}add/", {"title": "Bye", "body": "Bye", "team": "on"})
    client.post(f"{LIST}{team.pk}/change/", {"title": "Hello", "body": "Hello"})

    assert set(CannedReply.objects.values_list("owner", "title")) == {(None, "Bye"), (None, "Hello")}


def test_an_admin_reads_the_teams_and_changes_nothing_of_it(desk, team, tina):
    client = desk(tina)

    assert client.get(f"{LIST}{team.pk}/change/").status_code == 200
    for path in ("change", "delete"):
        assert client.post(f"{LIST}{team.pk}/{path}/", {"title": "x", "body": "x", "post": "yes"}).status_code == 403
    team.refresh_from_db()
    assert team.title == "Greeting"


def test_a_colleagues_own_looks_like_none(desk, own, tom, sara):
    for person in (tom, sara):
        assert desk(person).get(f"{LIST}{own.pk}/change/").status_code == 404
        assert desk(person).post(f"{LIST}{own.pk}/delete/", {"post": "yes"}).status_code == 404
    assert CannedReply.objects.filter(pk=own.pk).exists()


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"title": "\u200b", "body": "x"}, "title"), ({"title": "a\nb", "body": "x"}, "title"),
        ({"title": "x" * 81, "body": "x"}, "title"), ({"title": "x", "body": ""}, "body"),
        ({"title": "x", "body": "{nonsense}"}, "body"), ({"title": "x", "body": "x" * 5001}, "body"),
    ],
)  # fmt: skip
def test_what_the_action_refuses_stands_beside_its_field(desk, tina, form, field):
    answer = desk(tina).post(f"{LIST}add/", form)

    assert list(answer.context["adminform"].form.errors) == [field]
    assert not CannedReply.objects.exists()


def test_a_list_costs_the_same_for_one_and_for_three(desk, own, tina, django_assert_max_num_queries):
    client, counts = desk(tina), []
    client.get(LIST)
    for _ in range(2):
        with django_assert_max_num_queries(10) as queries:
            assert client.get(f"{LIST}?q=m").status_code == 200
        counts.append(len(queries))
        canned_replies.create(actor=tina, title="More", body="x")
        canned_replies.create(actor=tina, title="Much more", body="x")

    assert counts[0] == counts[1]


def test_what_is_gone_by_the_time_the_form_comes_back_is_said(desk, own, tina, monkeypatch):
    client = desk(tina)
    change = canned_replies.change

    def after_a_demotion(**arguments):
        CannedReply.objects.update(owner=None)  # made the team's behind the form's back
        return change(**arguments)

    monkeypatch.setattr(canned_replies, "change", after_a_demotion)
    answer = client.post(f"{LIST}{own.pk}/change/", {"title": "x", "body": "x"}, follow=True)

    assert [str(message) for message in answer.context["messages"]] == [
        "Nothing was changed. Only super admins write the team's replies."
    ]
    assert CannedReply.objects.get().title == "Mine"
