"""Trades in Django admin: who finds which, what a page shows, and its buttons, which press the actions."""

import re
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import Role, User
from chat.actions import assignment, escalations, messages, trades
from chat.enums import EscalationStatus, TradeStatus
from chat.models import AuditEntry, Conversation, Message, Trade
from chat.tests.admin.conftest import press, said
from chat.tests.factories import open_trade

LIST = "/admin/chat/trade/"
NOBODY = "01a22500-0000-7000-8000-000000000b0b"


def references(response) -> list[str]:
    return [trade.reference for trade in response.context["cl"].result_list]


def page(trade: Trade) -> str:
    return f"{LIST}{trade.pk}/change/"


def proven(trade: Trade) -> Trade:
    return trades.make_move(actor=trade.customer, trade_id=trade.pk, move=trades.PROOF)


def test_admins_find_their_own_and_the_queue_and_super_admins_all(desk, alice, bob, tina, tom, sara):
    mine = open_trade(alice)
    User.objects.filter(pk=tina.pk).update(availability="away")
    queued = open_trade(bob)
    toms = open_trade(bob)
    assignment.take(actor=tom, trade_id=toms.pk)

    found = {person: set(references(desk(person).get(LIST))) for person in (tina, tom, sara)}

    assert found == {
        tina: {mine.reference, queued.reference},
        tom: {toms.reference, queued.reference},
        sara: {mine.reference, queued.reference, toms.reference},
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=BP-1", {"BP-1", "BP-100%"}), ("q=bob%40example", {"BP-2"}), ("q=BP-100%25", {"BP-100%"}),
        ("q=%25", {"BP-100%"}), ("q=_", set()), ("q=' OR 1=1--", set()), ("q=" + "a" * 201, set()),
        ("q=a %26 | !(", set()), ("status__exact=pending", {"BP-1", "BP-2", "BP-100%"}),
        ("status__exact=completed", set()), ("assignee=me", set()), ("assignee=nobody", set()),
        ("waiting_on__exact=nobody", set()), ("payment_method=SEPA", {"BP-1", "BP-2"}),
        ("payment_method=Wise", {"BP-100%"}), ("payment_method=' OR 1=1--", set()), ("assignee=' OR 1=1--", set()),
        (f"assignee={NOBODY}", set()),
    ],
)  # fmt: skip
def test_the_list_is_searched_and_filtered_and_takes_text_for_text(desk, alice, bob, tina, sara, query, found):
    open_trade(alice, reference="BP-1")
    open_trade(bob, reference="BP-2")
    open_trade(alice, reference="BP-100%", payment_method="Wise")

    assert set(references(desk(sara).get(f"{LIST}?{query}"))) == found


@pytest.mark.parametrize(
    "query",
    [
        *("p=99999999999999999999", "p=-1", "p=x", "o=99", "o=-x.y", "opened_at__year=abc", "opened_at__year=99999"),
        *("status__exact=nonsense", "customer__password__startswith=p", "all=", "unknown=1", "e=1", "q=%F0%9F%92%A9"),
        *("opened_at__month=13&opened_at__year=2026", "waiting_on__exact=%27;pg_sleep(10)", "_facets=True"),
    ],
)
def test_what_is_no_query_of_ours_is_answered_without_a_failure(desk, sara, trade, query):
    answer = desk(sara).get(f"{LIST}?{query}", follow=True)

    assert answer.status_code in (200, 400)


def test_a_list_of_ten_thousand_costs_as_much_as_one_of_ten(desk, alice, tina, sara, django_assert_max_num_queries):
    for _ in range(3):
        open_trade(alice)
    clients, counts, slowest = [desk(sara), desk(tina)], [], 0.0
    for client in clients:
        client.get(LIST)  # Django remembers content types from here on
    for number in (200, 10_000):
        _open_many(alice, tina, number)
        last = (Trade.objects.count() - 1) // 50 + 1
        for client, page_number in ((clients[0], 1), (clients[0], last), (clients[1], 1), (clients[1], last)):
            with django_assert_max_num_queries(12) as queries:
                begun = time.perf_counter()
                answer = client.get(f"{LIST}?p={page_number}")
                slowest = max(slowest, time.perf_counter() - begun)
            assert 0 < len(answer.context["cl"].result_list) <= 50
            counts.append(len(queries))

    assert counts[:4] == counts[4:]
    assert slowest < 3


def _open_many(customer: User, admin: User, number: int) -> None:
    """Half of them the admin's, half in the queue; made at once, as it is the list that is tested."""
    now, prefix = timezone.now(), uuid4().hex[:8]
    chats = Conversation.objects.bulk_create(
        Conversation(kind=kind, title=str(place)) for place in range(number) for kind in ("trade", "staff_notes")
    )
    Trade.objects.bulk_create(
        Trade(
            reference=f"{prefix}-{place}", customer=customer, side="buy", asset="BTC", asset_amount=1, fiat_amount=1,
            fiat_currency="EUR", payment_method="SEPA", conversation=chats[2 * place],
            notes_conversation=chats[2 * place + 1], opened_at=now - timedelta(minutes=place), deadline_at=now,
            waiting_since=now,
            assignee=admin if place % 2 else None, queued_at=None if place % 2 else now,
        )
        for place in range(number)
    )  # fmt: skip


def test_the_list_shows_places_in_the_queue_over_its_pages(desk, alice, tina, sara):
    User.objects.filter(pk=tina.pk).update(availability="away")
    queued = [open_trade(alice) for _ in range(3)]

    rows = desk(sara).get(LIST).context["cl"].result_list

    assert {row.reference: row.place for row in rows} == {
        trade.reference: place for place, trade in enumerate(queued, 1)
    }


def test_a_page_costs_the_same_whatever_was_said(desk, trade, tina, django_assert_max_num_queries):
    client, counts = desk(tina), []
    client.get(page(trade))
    for _ in range(2):
        with django_assert_max_num_queries(30) as queries:
            client.get(page(trade))
        counts.append(len(queries))
        open_trade(trade.customer)
        for text in ("one", "two", "three"):
            messages.send_message(actor=tina, conversation_id=trade.conversation_id, client_id=uuid4(), body=text)

    assert counts[0] == counts[1]


def test_a_page_shows_the_chat_the_notes_the_history_and_earlier_trades(desk, alice, tina):
    before = open_trade(alice)
    trade = open_trade(alice)
    messages.send_message(actor=alice, conversation_id=trade.conversation_id, client_id=uuid4(), body="I paid.")
    messages.send_message(actor=tina, conversation_id=trade.notes_conversation_id, client_id=uuid4(), body="New name.")
    open_trade(alice)

    answer = desk(tina).get(page(trade))

    text = answer.content.decode()
    assert [line.body for line in answer.context["chat"].lines if line.side == "left"] == ["I paid."]
    assert [line.body for line in answer.context["notes"].lines] == ["New name."]
    assert [row.action for row in answer.context["history"]] == ["trade.assigned", "trade.opened"]
    assert answer.context["history"][0].facts["to"] == "Tina"
    assert [row.reference for row in answer.context["earlier"]] == [before.reference]
    assert text.count("<h1") == 1


def test_the_queue_shows_no_word_of_the_chat_to_whom_has_not_taken_the_trade(desk, alice, tom):
    queued = open_trade(alice)
    messages.send_message(actor=alice, conversation_id=queued.conversation_id, client_id=uuid4(), body="zq-secret")

    answer = desk(tom).get(page(queued))

    assert answer.context["chat"] is None
    assert "zq-secret" not in answer.content.decode()


def test_what_is_not_theirs_looks_exactly_like_what_does_not_exist(desk, trade, tom):
    client = desk(tom)
    pages = [client.get(f"{LIST}{one}/change/") for one in (trade.pk, uuid4())]

    assert [answer.status_code for answer in pages] == [404, 404]
    assert pages[0].content == pages[1].content
    assert client.get(f"{LIST}nonsense/change/").status_code == 404
    assert client.get(f"{LIST}{trade.pk}/history/").status_code == 404


def test_a_trade_is_taken_approved_and_gone_through_its_buttons(desk, alice, tom):
    queued = open_trade(alice)
    client = desk(tom)
    assert [button.name for button in client.get(page(queued)).context["buttons"]] == ["take"]

    assert said(press(client, queued, "take")) == ["The trade is yours."]
    proven(queued)
    offered = [button.name for button in client.get(page(queued)).context["buttons"]]
    assert offered == ["approve", "reject", "hand_over", "release", "cancel", "escalate"]
    assert said(press(client, queued, "approve")) == ["The payment is approved and the trade completed."]

    queued.refresh_from_db()
    assert (queued.status, queued.assignee) == (TradeStatus.COMPLETED, tom)
    assert client.get(page(queued)).context["buttons"] == []


def test_a_rejection_without_a_reason_is_refused_in_words_and_changes_nothing(desk, trade, tina):
    proven(trade)
    before = (Message.objects.count(), AuditEntry.objects.count())

    answer = press(desk(tina), trade, "reject", reason=" \u200b")

    trade.refresh_from_db()
    assert said(answer) == ["Nothing was changed. Say why."]
    assert trade.status == TradeStatus.VERIFYING
    assert (Message.objects.count(), AuditEntry.objects.count()) == before


def test_a_rejection_is_told_with_its_reason(desk, trade, tina):
    proven(trade)

    press(desk(tina), trade, "reject", reason="Another name on the account.")

    trade.refresh_from_db()
    assert (trade.status, trade.decision_reason) == (TradeStatus.REJECTED, "Another name on the account.")


def test_the_loser_of_a_race_is_told_so_and_led_to_the_list(desk, alice, tina, tom):
    User.objects.filter(pk=tina.pk).update(availability="busy")
    queued = open_trade(alice)
    assignment.take(actor=tina, trade_id=queued.pk)

    answer = press(desk(tom), queued, "take")

    assert said(answer) == ["Nothing was changed. This trade is not in the queue any more."]
    assert answer.redirect_chain == [(LIST, 302)]


def test_a_trade_is_handed_over_with_a_note_and_then_is_not_theirs_any_more(desk, trade, tina, tom):
    answer = press(desk(tina), trade, "hand_over", colleague=tom.pk, note="He speaks Dutch.")

    trade.refresh_from_db()
    assert trade.assignee == tom
    assert answer.redirect_chain == [(LIST, 302)]
    assert Message.objects.get(conversation=trade.notes_conversation_id).body == "He speaks Dutch."


@pytest.mark.parametrize("colleague", ["", "nonsense", NOBODY])
def test_a_colleague_has_to_be_one(desk, trade, tina, colleague):
    answer = press(desk(tina), trade, "hand_over", colleague=colleague)

    trade.refresh_from_db()
    assert said(answer)[0].startswith("Nothing was changed.")
    assert trade.assignee == tina


def test_a_trade_is_released_cancelled_and_escalated(desk, alice, tina, tom, sara):
    released, cancelled, escalated = (open_trade(alice) for _ in range(3))
    client = desk(tina)

    press(client, released, "release", note="Too much.")
    press(client, cancelled, "cancel", reason="Asked for.")
    press(client, escalated, "escalate", reason="Threatens us.")

    for one in (released, cancelled):
        one.refresh_from_db()
    assert (released.assignee, cancelled.status) == (None, TradeStatus.CANCELLED)
    assert escalated.escalations.get().status == EscalationStatus.OPEN
    assert "escalate" not in [button.name for button in client.get(page(escalated)).context["buttons"]]


def test_buttons_answer_to_post_and_to_their_own_names_only(desk, trade, tina):
    client = desk(tina)

    assert client.get(f"{LIST}{trade.pk}/do/release/").status_code == 405
    assert client.post(f"{LIST}{trade.pk}/do/explode/").status_code == 404
    assert client.post(f"{LIST}{uuid4()}/do/take/").status_code == 404


def test_a_super_admin_opens_a_chat_with_a_reason_and_leaves_it_again(desk, trade, alice, sara):
    messages.send_message(actor=alice, conversation_id=trade.conversation_id, client_id=uuid4(), body="zq-secret")
    client = desk(sara)
    assert "zq-secret" not in client.get(page(trade)).content.decode()

    assert said(press(client, trade, "join", reason="")) == ["Nothing was changed. Say why."]
    opened = press(client, trade, "join", reason="A complaint.")
    assert "zq-secret" in opened.content.decode()
    assert "does not see you" in opened.content.decode()
    assert AuditEntry.objects.get(action="trade.read").detail["reason"] == "A complaint."
    written = press(client, trade, "join", reason="I answer myself.", write="1")
    assert "The customer sees you" in written.content.decode()
    closed = press(client, trade, "leave")

    assert "zq-secret" not in closed.content.decode()


def test_chosen_trades_are_taken_one_by_one_and_each_refusal_is_said(desk, alice, tina, tom):
    taken, free = open_trade(alice), open_trade(alice)
    press(desk(tina), free, "release")
    assert Trade.objects.get(pk=free.pk).assignee is None
    chosen = [free.pk, taken.pk, uuid4()]

    answer = desk(tom).post(LIST, {"action": "take_chosen", "_selected_action": chosen}, follow=True)

    assert said(answer) == ["Trades taken: 1.", "Not there any more, or not for you: 2."]
    assert (Trade.objects.get(pk=free.pk).assignee, Trade.objects.get(pk=taken.pk).assignee) == (tom, tina)


def test_chosen_trades_that_cannot_be_released_stay_and_are_named(desk, alice, tina, sara):
    held, over = open_trade(alice), open_trade(alice)
    press(desk(tina), over, "cancel", reason="Asked for.")

    answer = desk(sara).post(LIST, {"action": "release_chosen", "_selected_action": [held.pk, over.pk]}, follow=True)

    assert said(answer) == ["Trades released: 1.", f"{over.reference}: This trade is over."]


def test_whoever_was_promoted_sees_of_their_own_trade_no_more_than_a_customer(desk, alice, tina, sara):
    trade = open_trade(alice)
    escalations.escalate(actor=tina, trade_id=trade.pk, reason="Threatens us.")
    User.objects.filter(pk=alice.pk).update(role=Role.SUPER_ADMIN)
    alice.refresh_from_db()

    answer = desk(alice).get(page(trade))

    assert (answer.context["notes"], answer.context["history"]) == (None, [])
    assert list(answer.context["escalations"]) == list(answer.context["earlier"]) == []
    assert "Threatens us" not in answer.content.decode()


def test_a_page_is_labelled_and_its_headings_are_in_order(desk, trade, tina):
    proven(trade)
    text = desk(tina).get(page(trade)).content.decode()

    fields = set(re.findall(r"<(?:textarea|select|input(?! type=\"hidden\"))[^>]*\bid=\"([^\"]+)\"", text))
    assert fields
    assert fields <= set(re.findall(r"<label for=\"([^\"]+)\"", text))
    assert [int(level) for level in re.findall(r"<h([1-6])", text)] == [
        1,
        *[2] * (len(re.findall(r"<h[1-6]", text)) - 1),
    ]
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|javascript:", text)
