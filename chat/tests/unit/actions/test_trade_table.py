"""Whatever anybody tries in whatever order, a trade stays within its table of moves, and everything is told once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Availability, Role, User
from accounts.tests.factories import UserFactory
from chat.actions import assignment, breakglass, escalations, ratings, trades
from chat.enums import TradeStatus
from chat.errors import Conflict, ConversationClosed, Forbidden, NotFound
from chat.models import AuditEntry, Conversation, Escalation, Message, Trade
from chat.tests.factories import open_trade
from chat.tests.unit.actions.support import here

MOVES = {
    "proof": trades.PROOF,
    "approve": trades.APPROVE,
    "reject": trades.REJECT,
    "cancel": trades.CANCEL,
    "dispute": trades.DISPUTE,
}
OPEN, OVER = {"pending", "verifying", "disputed"}, {"completed", "rejected", "cancelled", "expired"}
TABLE = {
    "proof": {("pending", "verifying")},
    "approve": {(status, "completed") for status in OPEN},
    "reject": {(status, "rejected") for status in OPEN},
    "cancel": {("pending", "cancelled"), ("verifying", "cancelled")},
    "expire": {("pending", "expired"), ("verifying", "expired")},
    "dispute": {(status, "disputed") for status in ("pending", "verifying", "rejected", "completed")},
    "resolve_completed": {(status, "completed") for status in OPEN},
    "resolve_cancelled": {(status, "cancelled") for status in OPEN},
}
PEOPLE = ("alice", "bob", "tina", "tom", "sara", "root")


@dataclass
class World:
    people: dict[str, User]
    trade: Trade

    @property
    def escalation(self) -> Any:
        newest = Escalation.objects.filter(trade=self.trade).first()
        return self.trade.pk if newest is None else newest.pk  # an id that nothing has


def decide(decision: TradeStatus) -> Callable[[World, User], object]:
    return lambda world, actor: escalations.resolve(
        actor=actor, escalation_id=world.escalation, decision=decision, reason="because"
    )


def move(name: str) -> Callable[[World, User], object]:
    return lambda world, actor: trades.make_move(
        actor=actor, trade_id=world.trade.pk, move=MOVES[name], reason="because"
    )


def wait(world: World, actor: User) -> None:
    """The customer has waited for an hour, and the clock strikes."""
    Trade.objects.filter(waiting_on="support").update(waiting_since=timezone.now() - timedelta(hours=1))
    escalations.raise_overdue()


STEPS: dict[str, Callable[[World, User], object]] = {
    **{name: move(name) for name in MOVES},
    "expire": lambda world, actor: trades.expire_due(world.trade.deadline_at + timedelta(seconds=1)),
    "escalate": lambda world, actor: escalations.escalate(actor=actor, trade_id=world.trade.pk, reason="because"),
    "take_escalation": lambda world, actor: escalations.take(actor=actor, escalation_id=world.escalation),
    "resolve_completed": decide(TradeStatus.COMPLETED),
    "resolve_cancelled": decide(TradeStatus.CANCELLED),
    "wait": wait,
    "take": lambda world, actor: assignment.take(actor=actor, trade_id=world.trade.pk),
    "release": lambda world, actor: assignment.release(actor=actor, trade_id=world.trade.pk),
    "hand_over": lambda world, actor: assignment.hand_over(
        actor=actor, trade_id=world.trade.pk, admin_id=world.people["tom"].pk
    ),
    "drain": lambda world, actor: assignment.drain_queue(),
    "look_in": lambda world, actor: breakglass.join(actor=actor, trade_id=world.trade.pk, reason="because"),
    "step_in": lambda world, actor: breakglass.join(actor=actor, trade_id=world.trade.pk, reason="because", write=True),
    "leave": lambda world, actor: breakglass.leave(actor=actor, trade_id=world.trade.pk),
    "rate": lambda world, actor: ratings.rate(actor=actor, trade_id=world.trade.pk, rating=4),
}
# Likely ways first, so that the far corners of the table are reached; then anything by anybody.
ROADS = [
    [("alice", "proof"), ("tina", "reject"), ("alice", "dispute")],
    [("alice", "proof"), ("tina", "approve"), ("alice", "dispute"), ("sara", "take_escalation")],
    [("tina", "escalate"), ("sara", "take_escalation")],
    [("alice", "proof"), ("tina", "release"), ("alice", "dispute")],
    [("alice", "proof"), ("sara", "wait"), ("root", "take_escalation")],
    [("alice", "dispute"), ("sara", "approve")],
    [],
]
anything = st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from([*STEPS])), max_size=10)


def make_world() -> World:
    admin: dict[str, Any] = {"role": Role.TRADE_ADMIN, "availability": Availability.AVAILABLE}
    people = {
        "alice": UserFactory.create(),
        "bob": UserFactory.create(),
        "tina": UserFactory.create(**admin),
        "tom": UserFactory.create(**admin | {"availability": Availability.BUSY}),
        "sara": UserFactory.create(role=Role.SUPER_ADMIN),
        "root": UserFactory.create(role=Role.SUPER_ADMIN),
    }
    here(people["tina"])
    trade = open_trade(people["alice"])
    assert trade.assignee == people["tina"]
    return World(people, trade)


@dataclass(frozen=True)
class Look:
    """Everything about a trade that a step may change."""

    status: str
    assignee: Any
    resolved: bool
    rating: int | None
    escalation: tuple[str, ...]
    seats: frozenset[Any]
    told: int
    recorded: int

    @classmethod
    def at(cls, world: World) -> "Look":
        trade = Trade.objects.get(pk=world.trade.pk)
        seats = trade.conversation.participants.filter(left_at=None).values_list("user", "role")
        return cls(
            trade.status,
            trade.assignee_id,
            trade.resolved_at is not None,
            trade.rating,
            tuple(trade.escalations.order_by("created_at").values_list("status", flat=True)),
            frozenset(seats),
            Message.objects.filter(conversation=trade.conversation_id, kind="system").count(),
            AuditEntry.objects.filter(trade=trade).count(),
        )


def is_seen(role: str) -> bool:
    return role != "observer"


def expected_messages(before: Look, after: Look, joined: bool) -> int:
    """One for a change of the trade, one for each change of an escalation that the trade's does not bring along."""
    moved = (before.status, before.assignee) != (after.status, after.assignee)
    opened = len(after.escalation) - len(before.escalation)
    pairs = list(zip(before.escalation, after.escalation, strict=False))
    taken = sum(old == "open" and new in ("taken", "resolved") for old, new in pairs)
    ended = sum(old != "resolved" and new == "resolved" for old, new in pairs)
    if after.resolved and not before.resolved:  # by a decision, which took what nobody had taken
        return moved + taken
    if after.status == "disputed" != before.status:
        return int(moved)
    if ended:  # by the trade's end
        return moved + ended
    return moved + opened + taken + joined


def check_always(world: World) -> None:
    trade = Trade.objects.get(pk=world.trade.pk)
    unresolved = Escalation.objects.unresolved().filter(trade=trade).count()
    assert unresolved == (1 if trade.status == "disputed" else min(unresolved, trade.status in OPEN))
    assert Conversation.objects.get(pk=trade.conversation_id).is_closed is (trade.status in OVER)
    assert (trade.closed_at is not None) is (trade.status in OVER)
    assert (trade.waiting_on == "nobody") is (trade.status in OVER)
    for conversation in Conversation.objects.filter(pk__in=[trade.conversation_id, trade.notes_conversation_id]):
        numbers = list(conversation.messages.order_by("seq").values_list("seq", flat=True))
        assert numbers == list(range(1, conversation.head + 1))


def check_trail(trade: Trade) -> None:
    """From status to status without a gap, up to where the trade stands; as many as system messages say so."""
    moves = AuditEntry.objects.filter(trade=trade, detail__has_key="reason", action__startswith="trade.")
    chain = [entry for entry in moves.order_by("id") if "was" in entry.detail]
    said = trade.conversation.messages.filter(kind="system").order_by("seq")
    shown = [message.data for message in said if message.data["event"] in {entry.action for entry in chain}]
    assert [entry.action for entry in chain] == [data["event"] for data in shown]
    statuses = ["pending", *(data["trade"]["status"] for data in shown)]
    assert [entry.detail["was"] for entry in chain] == statuses[:-1]
    assert statuses[-1] == Trade.objects.get(pk=trade.pk).status


@pytest.mark.django_db
@given(st.sampled_from(ROADS), anything)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sequence_of_steps_by_anybody_stays_within_the_table(road, more):
    with transaction.atomic():
        run([*road, *more])
        transaction.set_rollback(True)


def run(steps: list[tuple[str, str]]) -> None:
    world = make_world()
    before = Look.at(world)
    for name, step in steps:
        try:
            STEPS[step](world, world.people[name])
        except (Conflict, ConversationClosed, Forbidden, NotFound):
            assert Look.at(world) == before
            continue
        after = Look.at(world)
        if after.status != before.status:
            assert (before.status, after.status) in TABLE[step]
            assert not before.resolved
        joined = step in ("step_in", "leave") and {user for user, role in before.seats if is_seen(role)} != {
            user for user, role in after.seats if is_seen(role)
        }
        assert after.told == before.told + expected_messages(before, after, joined)
        changed = (after.status, after.assignee, after.rating, after.escalation, after.seats) != (
            *(before.status, before.assignee, before.rating, before.escalation, before.seats),
        )
        assert (after.recorded > before.recorded) is changed
        check_always(world)
        before = after
    check_trail(world.trade)
