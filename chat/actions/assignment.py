"""Which admin looks after a trade: given out, taken, handed over, put back."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.ids import new_id
from accounts.models import Role, User
from chat import access, eventlog
from chat.access import Right
from chat.actions import announcements, audit, candidates, mentions, people, pushes
from chat.enums import OPEN_STATUSES, ConversationKind, EventType, ParticipantRole, SystemEvent
from chat.errors import Conflict, Invalid
from chat.eventlog import Entry
from chat.models import Escalation, NewMessage, Participant, Trade
from chat.protocol import check_body

logger = logging.getLogger("parley.trades")


def assign_or_queue(trade: Trade) -> None:
    """For a trade that has just been opened, in its transaction. Nobody overtakes those who wait already."""
    admin = candidates.next_admin(trade)
    if admin is not None and not _is_somebody_waiting_for(admin, trade):
        _give(trade, admin, actor=None)
        return
    audit.record("trade.queued", actor=None, trade=trade)
    conversation = eventlog.lock([trade.conversation_id])[trade.conversation_id]
    body = f"All of our support team are busy. {_place_in_queue(trade)}"
    announcements.say(trade, conversation, SystemEvent.TRADE_QUEUED, body, actor=None)
    announcements.queue_changed()
    # Who had room, or got some before this could be seen in the queue, has it still.
    transaction.on_commit(drain_queue, robust=True)


def _is_somebody_waiting_for(admin: User, trade: Trade) -> bool:
    waiting = Trade.objects.queued().exclude(pk=trade.pk).exclude(customer=admin)
    return waiting.filter(~Q(released_by=admin) | Q(released_by=None)).exists()


def _place_in_queue(trade: Trade) -> str:
    """For the customer. What is not known is not promised."""
    now = Trade.objects.complete().get(pk=trade.pk)
    place = f"You are number {now.ahead_in_queue + 1} in the queue"
    if now.expected_wait is None:
        return f"{place} and will be answered as soon as somebody is free."
    minutes = max(1, round(now.expected_wait.total_seconds() / 60))
    return f"{place}; at the pace of the last hour that takes about {minutes} min."


def drain_queue() -> int:
    """
    Give out what waits, longest first, while somebody has room. Safe to run any number of times at once: each looks
    again at the whole queue after every try, so that room which appears in between goes to the head of it.
    """
    given, passed_over = 0, set[UUID]()
    while trade_id := _next_in_queue(passed_over):
        passed_over.add(trade_id)
        with passing_over(trade_id), transaction.atomic():
            trade = access.hold_trade(trade_id, Trade.objects.queued())
            admin = None if trade is None else candidates.next_admin(trade)
            if trade is not None and admin is not None:
                _give(trade, admin, actor=None)
                announcements.queue_changed()
                given += 1
            passed_over.discard(trade_id)
    return given


def _next_in_queue(passed_over: set[UUID]) -> UUID | None:
    """The first that somebody could be given now. What others just took is gone at the next look."""
    waiting = list(Trade.objects.queued().exclude(pk__in=passed_over).values_list("pk", "customer", "released_by"))
    free = candidates.with_room() if waiting else set()
    return next((trade_id for trade_id, *excluded in waiting if free.difference(excluded)), None)


@contextmanager
def passing_over(trade_id: UUID) -> Iterator[None]:
    """A trade whose rows somebody holds too long must not stop those behind it: it is tried again next time."""
    try:
        yield
    except OperationalError as error:
        connection.close()
        logger.warning("trade passed over", extra={"trade": str(trade_id), "reason": str(error)[:200]})


def step_down(user_id: UUID) -> None:
    """
    Somebody's account was closed or their role changed: what they may no longer look after goes back to the queue, and
    they leave every trade chat and every staff note that is no longer theirs.
    """
    user = User.objects.get(pk=user_id)
    stays = user.is_active and user.is_staff
    if not stays:
        _requeue_all(user)
    seats = Participant.objects.current().filter(user=user, conversation__kind__in=_TRADE_KINDS)
    seats = seats.exclude(conversation__trade__customer=user)
    if stays:
        notes = seats.filter(conversation__kind=ConversationKind.STAFF_NOTES)
        seats = notes.none() if user.is_super_admin else notes.exclude(conversation__noted_trade__assignee=user)
    for seat in seats.select_related("conversation"):
        with transaction.atomic():
            people.leave(eventlog.lock([seat.conversation_id])[seat.conversation_id], user.pk)
    if not stays:
        drain_queue()


def _requeue_all(user: User) -> None:
    """In one transaction: nobody sees them with some of their trades. Nothing new comes: they are no admin any more."""
    with transaction.atomic():
        held = Trade.objects.open().filter(assignee=user)
        pairs = held.values_list("conversation_id", "notes_conversation_id")
        eventlog.lock({conversation for pair in pairs for conversation in pair})
        for trade in held.select_for_update(of=("self",), no_key=True).order_by("pk"):
            _requeue(trade, actor=None)


_TRADE_KINDS = (ConversationKind.TRADE, ConversationKind.STAFF_NOTES)


def take(*, actor: User, trade_id: UUID) -> Trade:
    """Claim a trade from the queue. The first wins, everybody after gets Conflict."""
    with transaction.atomic():
        trade = access.lock_trade(actor, trade_id, Right.TAKE)
        if trade.assignee_id is not None or trade.status not in OPEN_STATUSES:
            raise Conflict("This trade is not in the queue any more.")
        _give(trade, _check_colleague(trade, actor.pk), actor=actor, action="trade.taken")
        announcements.queue_changed()
    return access.get_trade(actor, trade_id)


def hand_over(*, actor: User, trade_id: UUID, admin_id: UUID, note: str = "") -> Trade:
    """Give an open trade to a colleague, with a note that only staff see. To whoever has it already changes nothing."""
    with transaction.atomic():
        trade = access.lock_trade(actor, trade_id, Right.HAND_OVER)
        _require_open(trade)
        admin = _check_colleague(trade, admin_id)
        if trade.assignee_id != admin.pk:
            was_queued = trade.assignee_id is None
            _leave_note(trade, actor, note)
            _give(trade, admin, actor=actor, action="trade.handed_over")
            if was_queued:
                announcements.queue_changed()
    return Trade.objects.complete().get(pk=trade_id)


def _check_colleague(trade: Trade, admin_id: UUID) -> User:
    """Under the lock of their row, so that somebody who is being demoted gets nothing."""
    admin = User.objects.staff().exclude(pk=trade.customer_id).filter(pk=admin_id).locked().first()
    if admin is None:
        raise Invalid("There is no such colleague.", pointer="/admin_id")
    return admin


def release(*, actor: User, trade_id: UUID, note: str = "") -> Trade:
    """Put an open trade back into the queue, behind those that wait. It is not given to the same admin again."""
    with transaction.atomic():
        trade = access.lock_trade(actor, trade_id, Right.HAND_OVER)
        _require_open(trade)
        if trade.assignee_id is None:
            raise Conflict("This trade is in the queue already.")
        _leave_note(trade, actor, note)
        _requeue(trade, actor=actor)
    return Trade.objects.complete().get(pk=trade_id)


def _requeue(trade: Trade, *, actor: User | None) -> None:
    """Under the trade's lock."""
    audit.record("trade.released", actor=actor, trade=trade, subject=trade.assignee, admin=str(trade.assignee_id))
    _queue(trade, actor=actor, released_by=trade.assignee_id)


def move_on(trade: Trade, *, why: str, back_soon: bool) -> bool:
    """
    Take a trade off an assignee who does not answer, under the trade's lock: to the next admin who is online or, where
    those are full, to the queue (and to the same one again only if they are `back_soon`). Where nobody else is online
    it stays: it would only wander between people who are not there. Whether it moved.
    """
    was = trade.assignee_id
    assert was is not None
    admin = candidates.next_admin(trade, but=[was], online_only=True)
    if admin is None and not candidates.is_anybody_online(trade, but=[was]):
        return False
    if admin is not None:
        _give(trade, admin, actor=None, action="trade.reassigned", why=why)
    else:
        audit.record("trade.reassigned", actor=None, trade=trade, was=str(was), to="", why=why)
        _queue(trade, actor=None, released_by=None if back_soon else was)
    return True


def _queue(trade: Trade, *, actor: User | None, released_by: UUID | None) -> None:
    conversations = eventlog.lock([trade.conversation_id, trade.notes_conversation_id])
    _clear_seats(trade, conversations, keep=None)
    trade.released_by_id, trade.assignee, trade.queued_at = released_by, None, timezone.now()
    trade.reassignments += 1
    trade.save(update_fields=["released_by", "assignee", "queued_at", "reassignments"])
    body = f"Your trade is back in the queue. {_place_in_queue(trade)}"
    announcements.say(trade, conversations[trade.conversation_id], SystemEvent.TRADE_QUEUED, body, actor=actor)
    announcements.queue_changed()


def restore(trade: Trade) -> dict[str, Any]:
    """
    What a trade that is opened again needs to be looked after: whoever had it last, full or not, if they still may,
    else a place in the queue. Under the trade's lock; the caller stores it and tells of it.
    """
    admin = User.objects.staff().exclude(pk=trade.customer_id).filter(assigned_trades=trade).locked().first()
    conversations = eventlog.lock([trade.conversation_id, trade.notes_conversation_id])
    _clear_seats(trade, conversations, keep=admin)
    announcements.queue_changed()
    if admin is None:
        transaction.on_commit(drain_queue, robust=True)
        return {"assignee": None, "queued_at": timezone.now(), "released_by": None}
    for conversation in conversations.values():
        people.enter(conversation, admin)
    return {"assigned_at": timezone.now()}


def _require_open(trade: Trade) -> None:
    if trade.status not in OPEN_STATUSES:
        raise Conflict("This trade is over.")


def _give(trade: Trade, admin: User, *, actor: User | None, action: str = "trade.assigned", **detail: str) -> None:
    was = trade.assignee_id
    audit.record(action, actor=actor, trade=trade, subject=admin, to=str(admin.pk), was=str(was or ""), **detail)
    conversations = eventlog.lock([trade.conversation_id, trade.notes_conversation_id])
    _clear_seats(trade, conversations, keep=admin)
    for conversation in conversations.values():
        people.step_in(conversation, admin, ParticipantRole.MEMBER)
    now = timezone.now()
    trade.assignee, trade.assigned_at, trade.queued_at, trade.released_by = admin, now, None, None
    trade.reassignments += was is not None
    trade.save(update_fields=["assignee", "assigned_at", "queued_at", "released_by", "reassignments"])
    User.objects.filter(pk=admin.pk).update(last_assigned_at=now)
    body = f"{admin.display_name} from support is looking after this trade."
    announcements.say(trade, conversations[trade.conversation_id], SystemEvent.TRADE_ASSIGNED, body, actor=actor)


def _clear_seats(trade: Trade, conversations: dict[UUID, eventlog.Locked], *, keep: User | None) -> None:
    """
    Whoever looked after the trade loses its conversations at once. Its customer stays, and super admins who stepped
    in or read; one who had the trade keeps what they took an escalation for, and the notes.
    """
    seats = Participant.objects.current().filter(conversation__in=conversations).exclude(user=trade.customer_id)
    judge = Escalation.objects.unresolved().filter(trade=trade, taken_by__isnull=False).values("taken_by")
    had_it = Q(user=trade.assignee_id, conversation=trade.conversation_id) & ~Q(user__in=judge)
    seats = seats.exclude(~had_it, user__role=Role.SUPER_ADMIN)
    if keep is not None:
        seats = seats.exclude(user=keep)
    for seat in seats:
        people.leave(conversations[seat.conversation_id], seat.user_id)


def _leave_note(trade: Trade, actor: User, note: str) -> None:
    if not note:
        return
    check_body(note)
    notes = eventlog.lock([trade.conversation_id, trade.notes_conversation_id])
    message = NewMessage(conversation_id=trade.notes_conversation_id, sender=actor, client_id=new_id(), body=note)
    stored = eventlog.append(notes, [Entry(EventType.MESSAGE_NEW, actor, message)])
    mentions.note(notes, stored)
    pushes.note_messages(notes, stored)
