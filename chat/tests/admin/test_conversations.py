"""Conversations in Django admin: read by whoever takes part, and by a super admin from outside only with a reason."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from chat.actions import assignment, conversations, messages
from chat.models import AuditEntry, Conversation, Message
from chat.tests.admin.conftest import press
from chat.tests.factories import group, open_trade

LIST = "/admin/chat/conversation/"


def page(conversation_id) -> str:
    return f"{LIST}{conversation_id}/change/"


def say(person, conversation_id, *texts: str) -> list[Message]:
    return [
        messages.send_message(actor=person, conversation_id=conversation_id, client_id=uuid4(), body=text).message
        for text in texts
    ]


def ids(response) -> set:
    return {row.pk for row in response.context["cl"].result_list}


def test_everybody_finds_what_they_may_read_and_super_admins_that_trades_have_chats(desk, alice, bob, tina, tom, sara):
    trade = open_trade(alice)
    direct, _ = conversations.open_direct(actor=tina, user_id=tom.pk)
    strangers = group(alice, bob)

    found = {person: ids(desk(person).get(LIST)) for person in (tina, tom, sara)}

    both = {trade.conversation_id, trade.notes_conversation_id}
    assert found == {tina: {*both, direct.pk}, tom: {direct.pk}, sara: both}
    assert strangers.pk not in found[sara]


def test_the_list_is_filtered_by_what_is_still_open(desk, alice, tina, sara):
    trade = open_trade(alice)
    closed = open_trade(alice)
    press(desk(tina), closed, "cancel", reason="Asked for.")
    client = desk(sara)

    found = {state: ids(client.get(f"{LIST}?kind__exact=trade&state={state}")) for state in ("open", "closed", "odd")}

    both = {trade.conversation_id, closed.conversation_id}
    assert found == {"open": {trade.conversation_id}, "closed": {closed.conversation_id}, "odd": both}


def test_a_list_costs_the_same_for_one_and_for_three(desk, alice, tina, sara, django_assert_max_num_queries):
    open_trade(alice)
    client, counts = desk(sara), []
    client.get(LIST)
    for _ in range(2):
        with django_assert_max_num_queries(12) as queries:
            assert client.get(f"{LIST}?q=BP").status_code == 200
        counts.append(len(queries))
        open_trade(alice)
        open_trade(alice)

    assert counts[0] == counts[1]


def test_a_chat_reads_with_support_on_the_right_and_the_system_in_between(desk, trade, alice, tina):
    say(alice, trade.conversation_id, "Hello?")
    say(tina, trade.conversation_id, "Here I am.")

    chat = desk(tina).get(page(trade.conversation_id)).context["chat"]

    assert [(line.side, line.author, line.from_staff) for line in chat.lines] == [
        *[("middle", "", False)] * 2,
        ("left", "Alice", False),
        ("right", "Tina", True),
    ]


def test_among_colleagues_ones_own_words_stand_on_the_right(desk, tina, tom):
    direct, _ = conversations.open_direct(actor=tina, user_id=tom.pk)
    say(tina, direct.pk, "Mine")
    say(tom, direct.pk, "His")

    chat = desk(tina).get(page(direct.pk)).context["chat"]

    assert [line.side for line in chat.lines] == ["right", "left"]


def test_what_was_deleted_is_not_there_and_what_was_edited_says_so(desk, trade, alice, tina):
    gone, edited = say(alice, trade.conversation_id, "zq-secret", "Better")
    answer = messages.send_message(
        actor=tina, conversation_id=trade.conversation_id, client_id=uuid4(), body="Yes", reply_to=edited.pk
    ).message
    Message.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    Message.objects.filter(pk=edited.pk).update(edited_at=timezone.now())

    answered = desk(tina).get(page(trade.conversation_id))

    text = answered.content.decode()
    assert "zq-secret" not in text
    assert "This message was deleted." in text
    assert [line.edited for line in answered.context["chat"].lines[-3:]] == [False, True, False]
    assert answered.context["chat"].lines[-1].reply_to == edited.seq
    assert answer.seq == edited.seq + 1


def test_a_long_chat_is_turned_by_pages_in_both_directions(desk, trade, tina):
    now = timezone.now()
    Message.objects.bulk_create(
        Message(conversation_id=trade.conversation_id, seq=seq, sender=tina, body=f"line {seq}", created_at=now)
        for seq in range(3, 131)
    )
    client, address = desk(tina), page(trade.conversation_id)

    def seqs(query: str) -> tuple[int, int, int | None, int | None]:
        chat = client.get(address + query).context["chat"]
        return chat.lines[0].seq, chat.lines[-1].seq, chat.before, chat.after

    assert seqs("") == (81, 130, 81, None)
    assert seqs("?before=81") == (31, 80, 31, 80)
    assert seqs("?before=31") == (1, 30, None, 30)
    assert seqs("?after=30") == (31, 80, 31, 80)
    for nonsense in ("?before=x", "?before=-1", "?before=1.0", "?before=%D9%A1", "?after=1_0", "?before=9" + "9" * 30):
        assert seqs(nonsense) == (81, 130, 81, None), nonsense
    assert client.get(f"{address}?after={2**63 - 1}").context["chat"].lines == []


def test_a_super_admin_says_why_before_reading_a_chat_from_outside(desk, trade, alice, sara):
    say(alice, trade.conversation_id, "zq-secret")
    client = desk(sara)

    asked = client.get(page(trade.conversation_id))
    assert "zq-secret" not in asked.content.decode()
    assert "Open the chat" in asked.content.decode()
    assert not AuditEntry.objects.filter(action="trade.read").exists()
    press(client, trade, "join", reason="A complaint.")

    assert "zq-secret" in client.get(page(trade.conversation_id)).content.decode()
    assert AuditEntry.objects.filter(action="trade.read", actor=sara, trade=trade).count() == 1


def test_notes_are_open_to_super_admins_and_while_the_trade_waits_to_every_admin(desk, alice, tom, sara):
    queued = open_trade(alice)

    statuses = {person: desk(person).get(page(queued.notes_conversation_id)).status_code for person in (tom, sara)}

    assert set(statuses.values()) == {200}


@pytest.mark.parametrize("which", ["chat", "notes", "group", "missing"])
def test_what_is_not_theirs_looks_exactly_like_what_does_not_exist(desk, trade, alice, bob, tom, sara, which):
    others = {
        "chat": trade.conversation_id,
        "notes": trade.notes_conversation_id,
        "group": group(alice, bob).pk,
        "missing": uuid4(),
    }

    answer = desk(tom).get(page(others[which]))

    assert answer.status_code == 404
    assert answer.content == desk(tom).get(page(uuid4())).content
    assert desk(sara).get(page(others["group"])).status_code == 404


def test_whoever_looked_after_a_trade_reads_nothing_of_it_any_more(desk, trade, tina, tom):
    client = desk(tina)
    assert client.get(page(trade.conversation_id)).status_code == 200

    assignment.hand_over(actor=tina, trade_id=trade.pk, admin_id=tom.pk)

    assert client.get(page(trade.conversation_id)).status_code == 404


def test_nothing_can_be_written_here(desk, trade, sara):
    client = desk(sara)

    assert client.get(f"{LIST}add/").status_code == 403
    assert client.get(f"{LIST}{trade.conversation_id}/delete/").status_code == 403
    assert client.post(page(trade.conversation_id), {"title": "x"}).status_code == 200
    assert Conversation.objects.get(pk=trade.conversation_id).title == trade.reference


def test_times_carry_the_moment_and_show_utc_until_the_browser_knows_better(desk, trade, tina):
    Message.objects.update(created_at=timezone.now() - timedelta(days=1))
    moment = Message.objects.first().created_at

    text = desk(tina).get(page(trade.conversation_id)).content.decode()

    assert f'<time datetime="{moment:%Y-%m-%dT%H:%M}' in text
    assert f"{moment:%d %b %Y, %H:%M} UTC" in text
