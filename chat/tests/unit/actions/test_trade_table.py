"""Whatever anybody tries in whatever order, a trade stays within its table of moves."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Availability, Role, User
from accounts.tests.factories import UserFactory
from chat.actions import assignment, trades
from chat.errors import Conflict, Forbidden, NotFound
from chat.models import Conversation, Trade
from chat.tests.factories import open_trade

MOVES = {"proof": trades.PROOF, "approve": trades.APPROVE, "reject": trades.REJECT, "cancel": trades.CANCEL}
TABLE = {
    "proof": ({"pending"}, "verifying"),
    "approve": ({"verifying"}, "completed"),
    "reject": ({"verifying"}, "rejected"),
    "cancel": ({"pending", "verifying"}, "cancelled"),
    "expire": ({"pending", "verifying"}, "expired"),
}
STAYS = {"take", "release", "hand_over"}
OVER = {"completed", "rejected", "cancelled", "expired"}
PEOPLE = ("alice", "bob", "tina", "tom", "sara")

steps = st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from([*TABLE, *STAYS])), max_size=12)


def cast() -> dict[str, User]:
    admin: dict[str, Any] = {"role": Role.TRADE_ADMIN, "availability": Availability.BUSY}
    return {
        "alice": UserFactory.create(),
        "bob": UserFactory.create(),
        "tina": UserFactory.create(**admin),
        "tom": UserFactory.create(**admin),
        "sara": UserFactory.create(role=Role.SUPER_ADMIN),
    }


def attempt(people: dict[str, User], name: str, step: str, trade: Trade) -> None:
    actor = people[name]
    if step == "expire":
        trades.expire_due(trade.deadline_at + timedelta(seconds=1))
    elif step == "take":
        assignment.take(actor=actor, trade_id=trade.pk)
    elif step == "release":
        assignment.release(actor=actor, trade_id=trade.pk)
    elif step == "hand_over":
        assignment.hand_over(actor=actor, trade_id=trade.pk, admin_id=people["tom"].pk)
    else:
        trades.make_move(actor=actor, trade_id=trade.pk, move=MOVES[step], reason="because")


def told(trade: Trade) -> int:
    return trade.conversation.messages.filter(kind="system").count()


@pytest.mark.django_db
@given(steps)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sequence_of_moves_by_anybody_stays_within_the_table(sequence):
    people = cast()
    before = open_trade(people["alice"])
    for name, step in sequence:
        said = told(before)
        try:
            attempt(people, name, step, before)
        except (Conflict, Forbidden, NotFound):
            after = Trade.objects.get(pk=before.pk)
            assert (after.status, after.assignee_id, told(after)) == (before.status, before.assignee_id, said)
            continue
        after = Trade.objects.get(pk=before.pk)
        if after.status != before.status:
            sources, target = TABLE[step]
            assert before.status in sources
            assert after.status == target
        changed = (after.status, after.assignee_id) != (before.status, before.assignee_id)
        assert told(after) == said + changed
        closed = Conversation.objects.get(pk=after.conversation_id).is_closed
        assert closed is (after.closed_at is not None) is (after.status in OVER)
        before = after
