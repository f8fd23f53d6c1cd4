"""Many trades and many hands at once, over two server processes: one assignee each, one winner each, all agreed."""

import asyncio
from collections import Counter
from functools import partial
from uuid import uuid4

import pytest

from accounts.models import Role, User
from chat.actions import assignment, messages, trades
from chat.errors import ChatError, ConversationClosed
from chat.models import AuditEntry, Conversation, Trade
from chat.tests.factories import busy_admin, open_trade
from chat.tests.parallel import together
from chat.tests.promises.conftest import Farm
from chat.tests.promises.people import in_database
from chat.tests.workflow.people import at_once, online_admin, order, recorded, said, somebody
from testing.server import ServerProcess

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("workflow-many")]

CAPACITIES = (3, 7, 12, 18, 20)
TRADES = 200
DRAINED = 40


@pytest.fixture(scope="module")
def servers(farm: Farm) -> list[ServerProcess]:
    return farm.start({}, {})


def names(outcomes):
    return sorted(type(outcome).__name__ for outcome in outcomes)


def check_queue_was_drained_in_order(left):
    """Of those that ever waited, each got its admin after those that had waited longer."""
    since = dict(AuditEntry.objects.filter(action="trade.queued").values_list("trade", "trade__opened_at"))
    given = AuditEntry.objects.filter(action="trade.assigned", trade__in=since).order_by("id")
    times = [since[trade] for trade in given.values_list("trade", flat=True)]
    assert len(times) == len(since) - left
    assert times == sorted(times)


async def test_two_hundred_trades_at_once_fill_everybody_and_the_queue_moves_in_order(servers):
    admins = [await in_database(online_admin, f"Admin {room}", capacity=room) for room in CAPACITIES]
    alice = await in_database(somebody, "Alice")

    opened = await at_once(servers, alice, [("trades/", order()) for _ in range(TRADES)])

    def look():
        held = Counter(Trade.objects.open().exclude(assignee=None).values_list("assignee", flat=True))
        assert [held[admin.user.pk] for admin in admins] == list(CAPACITIES)
        assert Trade.objects.queued().count() == TRADES - sum(CAPACITIES)
        for trade in Trade.objects.select_related("conversation"):
            events = said(trade)
            assert events.count("trade.assigned") == (trade.assignee_id is not None), events
            assert (trade.assignee_id is None) is (trade.queued_at is not None)
        return list(Trade.objects.exclude(assignee=None).values_list("pk", flat=True)[:DRAINED])

    assert {answer.status_code for answer in opened} == {201}
    ending = await in_database(look)

    ended = await at_once(servers, alice, [(f"trades/{trade}/cancel/", {}) for trade in ending])

    def look_again():
        held = Counter(Trade.objects.open().exclude(assignee=None).values_list("assignee", flat=True))
        assert [held[admin.user.pk] for admin in admins] == list(CAPACITIES)
        check_queue_was_drained_in_order(TRADES - sum(CAPACITIES) - DRAINED)
        User.objects.filter(role=Role.TRADE_ADMIN).update(availability="away")

    assert {answer.status_code for answer in ended} == {200}
    await in_database(look_again)


async def test_of_two_admins_who_take_over_two_servers_one_wins(servers):
    alice, one, two = [
        await in_database(somebody, name, role, availability="busy")
        for name, role in (("Alice", Role.CUSTOMER), ("One", Role.TRADE_ADMIN), ("Two", Role.TRADE_ADMIN))
    ]
    async with one.rest(servers[0]) as first, two.rest(servers[1]) as second:
        for _ in range(12):
            trade = await in_database(open_trade, alice.user)
            answers = await asyncio.gather(*(each.post(f"trades/{trade.pk}/take/") for each in (first, second)))

            assert sorted(answer.status_code for answer in answers) == [200, 409]
            assert {answer.json().get("code") for answer in answers} == {None, "conflict"}
            winner = one if answers[0].status_code == 200 else two
            after = await in_database(Trade.objects.get, pk=trade.pk)
            assert after.assignee_id == winner.user.pk
            assert (await in_database(said, trade)).count("trade.assigned") == 1
            assert (await in_database(recorded, trade)).count("trade.taken") == 1


def taken(alice: User, admin: User) -> Trade:
    trade = open_trade(alice)
    return assignment.take(actor=admin, trade_id=trade.pk)


def race_to_take(alice, *admins):
    trade = open_trade(alice)
    return trade, together([partial(assignment.take, actor=admin, trade_id=trade.pk) for admin in admins])


def race_to_decide(alice, tina):
    trade = taken(alice, tina)
    decide = partial(trades.make_move, actor=tina, trade_id=trade.pk, reason="because")
    trades.make_move(actor=alice, trade_id=trade.pk, move=trades.PROOF)
    return trade, together([partial(decide, move=move) for move in (trades.APPROVE, trades.REJECT)])


def race_to_hand_over(alice, tina, *others):
    trade = taken(alice, tina)
    hand_over = partial(assignment.hand_over, actor=tina, trade_id=trade.pk, note="yours")
    return trade, together([partial(hand_over, admin_id=other.pk) for other in others])


def test_of_two_who_take_at_once_one_wins_each_of_thirty_times():
    alice, one, two = somebody("Alice").user, busy_admin(), busy_admin()
    for _ in range(30):
        trade, outcomes = race_to_take(alice, one, two)

        assert names(outcomes) == ["Conflict", "Trade"]
        [won] = [outcome for outcome in outcomes if isinstance(outcome, Trade)]
        entry = AuditEntry.objects.get(trade=trade, action="trade.taken")
        assert entry.actor_id == entry.subject_id == won.assignee_id == Trade.objects.get(pk=trade.pk).assignee_id
        assert said(trade) == ["trade.opened", "trade.queued", "trade.assigned"]


def test_of_two_decisions_at_once_one_counts_each_of_thirty_times():
    alice, tina = somebody("Alice").user, busy_admin()
    for _ in range(30):
        trade, outcomes = race_to_decide(alice, tina)

        assert names(outcomes) == ["Conflict", "Trade"]
        decided = {"completed": "trade.approved", "rejected": "trade.rejected"}[Trade.objects.get(pk=trade.pk).status]
        assert said(trade)[-2:] == ["trade.proof_submitted", decided]
        assert recorded(trade)[-2:] == ["trade.proof_submitted", decided]


def test_of_two_hand_overs_at_once_one_counts_each_of_twenty_eight_times():
    """The second finds that the trade is not the admin's to hand over any more."""
    alice, tina, one, two = somebody("Alice").user, busy_admin(), busy_admin(), busy_admin()
    for _ in range(28):
        trade, outcomes = race_to_hand_over(alice, tina, one, two)

        assert names(outcomes) == ["Forbidden", "Trade"]
        entry = AuditEntry.objects.get(trade=trade, action="trade.handed_over")
        assert entry.subject_id == Trade.objects.get(pk=trade.pk).assignee_id
        assert said(trade).count("trade.assigned") == 2
        assert trade.notes_conversation.messages.count() == 1


def race_with_the_close(alice, tina, message_first):
    trade = taken(alice, tina)
    place = trade.conversation_id
    say = partial(messages.send_message, actor=alice, conversation_id=place, client_id=uuid4(), body="wait!")
    close = partial(trades.make_move, actor=tina, trade_id=trade.pk, move=trades.CANCEL)
    return trade, together([say, close] if message_first else [close, say])


def test_a_message_in_the_instant_of_closing_is_before_the_close_or_refused():
    alice, tina = somebody("Alice").user, busy_admin()
    for turn in range(24):
        trade, outcomes = race_with_the_close(alice, tina, message_first=turn % 2 == 0)

        log = list(trade.conversation.messages.order_by("seq").values_list("body", flat=True))
        assert log[-1] == "The trade was cancelled."
        refused = [type(outcome) for outcome in outcomes if isinstance(outcome, ChatError)]
        assert refused == [ConversationClosed] * ("wait!" not in log)
        assert Conversation.objects.get(pk=trade.conversation_id).head == len(log)
