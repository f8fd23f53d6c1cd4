"""trades/ and staff/: opening, the list and the queue, every move."""

from uuid import uuid4

import pytest

from accounts.models import User
from chat.models import Conversation, Trade
from chat.tests.contract import shapes
from chat.tests.contract.conftest import answer, pointers, problem
from chat.tests.factories import busy_admin, open_trade

NEW = {
    "reference": "BP-1",
    "side": "sell",
    "asset": "BTC",
    "asset_amount": "0.0100",
    "fiat_currency": "EUR",
    "fiat_amount": "600.00",
    "payment_method": "SEPA",
}


def test_a_trade_is_opened_once(rest, alice, tina):
    hers = rest(alice)

    first, again = hers.post("trades/", NEW), hers.post("trades/", NEW)

    assert answer(first) == (201, shapes.trade(Trade.objects.get().pk))
    assert answer(again) == (200, first.json())
    assert {name: first.json()[name] for name in NEW} == NEW
    assert first.json()["assignee"]["id"] == str(tina.pk)


def test_a_reference_stands_for_one_trade(rest, alice, bob):
    rest(alice).post("trades/", NEW)

    for user, change in ((alice, {"fiat_amount": "601"}), (bob, {})):
        assert problem(rest(user).post("trades/", NEW | change)) == (409, "conflict")


def test_the_same_amount_written_otherwise_is_the_same_trade(rest, alice):
    rest(alice).post("trades/", NEW)

    assert rest(alice).post("trades/", NEW | {"fiat_amount": "600"}).status_code == 200


@pytest.mark.parametrize("amount", ["0.000000000000000001", "12345678901234567890.5", "1", "100.00"])
def test_amounts_keep_the_digits_they_were_written_with(rest, alice, amount):
    assert rest(alice).post("trades/", NEW | {"asset_amount": amount}).json()["asset_amount"] == amount


@pytest.mark.parametrize("name", list(NEW))
def test_every_field_is_needed(rest, alice, name):
    body = {key: value for key, value in NEW.items() if key != name}

    assert pointers(rest(alice).post("trades/", body)) == [f"/{name}"]
    assert not Conversation.objects.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("asset_amount", wrong) for wrong in ("0", "0.0", "-1", "1e3", "NaN", "Infinity", "", " 1", "01", "1.", "٣")),
        *(("fiat_amount", wrong) for wrong in (600, None, "1" * 21, "0." + "1" * 19, "1,5", "+1", "0x1")),
        *(("side", wrong) for wrong in ("hold", "", None, "BUY")),
        *(("asset", wrong) for wrong in ("", "x" * 33, "\u200b", "a\nb", 7)),
        *(("reference", wrong) for wrong in ("", "x" * 65, " ", "a\u2028b", "a\u0000b")),
        ("fiat_currency", "x" * 33),
        ("payment_method", "\t"),
    ],
)
def test_a_field_that_is_wrong_is_named(rest, alice, name, value):
    assert pointers(rest(alice).post("trades/", NEW | {name: value})) == [f"/{name}"]


def test_staff_open_no_trades(rest, tina):
    assert problem(rest(tina).post("trades/", NEW)) == (403, "forbidden")


def test_a_queued_trade_says_its_place(rest, alice, bob, tom):
    open_trade(bob)

    body = rest(alice).post("trades/", NEW).json()

    assert body == shapes.trade(body["id"], queue_position=2)
    assert (body["assignee"], body["queue_position"]) == (None, 2)


def test_one_trade_as_its_customer_and_as_staff_see_it(rest, alice, tina, sara, trade):
    assert answer(rest(alice).get(f"trades/{trade.pk}/")) == (200, shapes.trade(trade.pk))
    detail = shapes.trade(trade.pk, staff=True) | {"earlier_trades": [], "earlier_trades_total": 0}
    for user in (tina, sara):
        assert answer(rest(user).get(f"trades/{trade.pk}/")) == (200, detail)


def test_whose_business_it_is_not_finds_nothing(rest, bob, tom, trade):
    for user, key in ((bob, trade.pk), (tom, trade.pk), (bob, uuid4())):
        assert problem(rest(user).get(f"trades/{key}/")) == (404, "not_found")


def test_the_list_is_newest_first_and_filtered(rest, alice, bob, tina):
    first, second = open_trade(alice), open_trade(alice)
    open_trade(bob)
    hers = rest(alice)
    hers.post(f"trades/{first.pk}/cancel/")

    everything = answer(hers.get("trades/"))[1]
    assert everything == {
        "results": [shapes.trade(second.pk), shapes.trade(first.pk)],
        "next": None,
        "previous": None,
    }
    for query, found in (
        ({"status": "cancelled"}, [first]),
        ({"reference": second.reference}, [second]),
        ({"reference": "none"}, []),
    ):
        assert [row["id"] for row in hers.get("trades/", **query).json()["results"]] == [str(row.pk) for row in found]


@pytest.mark.parametrize(
    ("name", "value"), [("status", "x"), ("queue", "yes"), ("reference", ""), ("limit", "0"), ("cursor", "cD14")]
)
def test_a_filter_that_makes_no_sense_is_named(rest, tina, name, value):
    assert pointers(rest(tina).get("trades/", **{name: value})) == [f"/{name}"]


def test_the_queue_is_for_staff_longest_waiting_first(rest, alice, tom):
    waiting = [open_trade(alice) for _ in range(3)]

    pages = [answer(rest(tom).get("trades/", queue=1, limit=2))[1]]
    pages.append(answer(rest(tom).get(pages[0]["next"]))[1])

    assert [row for page in pages for row in page["results"]] == [
        shapes.trade(trade.pk, staff=True, queue_position=place) for place, trade in enumerate(waiting, 1)
    ]
    assert problem(rest(alice).get("trades/", queue=1)) == (403, "forbidden")


def test_the_moves_of_a_trade_answer_with_it(rest, alice, tina, trade):
    path = f"trades/{trade.pk}/"

    proof = rest(alice).post(f"{path}proof/", {"reason": "paid"})
    assert (answer(proof), proof.json()["status"]) == ((200, shapes.trade(trade.pk)), "verifying")

    done = rest(tina).post(f"{path}approve/")
    assert (answer(done), done.json()["status"]) == ((200, shapes.trade(trade.pk, staff=True)), "completed")
    assert done.json()["closed_at"] is not None
    for user, move in ((alice, "proof"), (alice, "cancel"), (tina, "approve")):
        assert problem(rest(user).post(f"{path}{move}/")) == (409, "conflict")


def test_a_rejection_needs_a_reason(rest, alice, tina, trade):
    rest(alice).post(f"trades/{trade.pk}/proof/")

    assert pointers(rest(tina).post(f"trades/{trade.pk}/reject/")) == ["/reason"]
    assert pointers(rest(tina).post(f"trades/{trade.pk}/reject/", {"reason": "x" * 1_001})) == ["/reason"]
    assert answer(rest(tina).post(f"trades/{trade.pk}/reject/", {"reason": "no money"}))[1]["status"] == "rejected"


@pytest.mark.parametrize("move", ["proof", "approve", "reject", "cancel", "take", "assign", "release"])
def test_strangers_move_nothing(rest, alice, bob, tom, trade, move):
    body = {"reason": "x", "admin_id": str(tom.pk)}

    assert problem(rest(bob).post(f"trades/{trade.pk}/{move}/", body)) == (404, "not_found")
    assert problem(rest(alice).post(f"trades/{uuid4()}/{move}/", body)) == (404, "not_found")
    expected = (409, "conflict") if move == "take" else (403, "forbidden")
    assert problem(rest(tom).post(f"trades/{trade.pk}/{move}/", body)) == expected
    assert Trade.objects.get().status == "pending"


def test_taking_handing_over_and_putting_back(rest, alice, tom):
    queued, other = open_trade(alice), busy_admin()
    path = f"trades/{queued.pk}/"

    taken = rest(tom).post(f"{path}take/")
    handed = rest(tom).post(f"{path}assign/", {"admin_id": str(other.pk), "note": "yours"})
    released = rest(other).post(f"{path}release/", {"note": "not mine"})

    assert [response.status_code for response in (taken, handed, released)] == [200, 200, 200]
    assert [response.json()["assignee"] for response in (taken, handed, released)] == [
        shapes.person(tom),
        shapes.person(other),
        None,
    ]
    assert answer(released)[1] == shapes.trade(queued.pk, staff=True, queue_position=1)
    notes = queued.notes_conversation.messages.order_by("seq").values_list("body", flat=True)
    assert list(notes) == ["yours", "not mine"]


def test_a_hand_over_names_a_colleague(rest, alice, tina, trade):
    theirs = rest(tina)

    for wrong in ({}, {"admin_id": "x"}, {"admin_id": str(alice.pk)}, {"admin_id": str(uuid4())}):
        assert pointers(theirs.post(f"trades/{trade.pk}/assign/", wrong)) == ["/admin_id"]


def test_staff_see_their_colleagues(rest, alice, tina, tom, sara, trade):
    status, body = answer(rest(tom).get("staff/"))

    assert status == 200
    assert body == {
        "results": [
            shapes.person(user)
            | {"presence": shapes.NEVER_HERE, "availability": user.availability, "open_trades": number}
            for user, number in ((sara, 0), (tina, 1), (tom, 0))
        ],
        "next": None,
        "previous": None,
    }
    assert problem(rest(alice).get("staff/")) == (403, "forbidden")


def test_a_closed_account_is_no_colleague(rest, tina, tom):
    User.objects.filter(pk=tom.pk).update(is_active=False)

    assert [row["display_name"] for row in rest(tina).get("staff/").json()["results"]] == ["Tina"]
