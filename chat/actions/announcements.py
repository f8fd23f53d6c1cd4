"""Telling people that a trade or the queue changed: in its conversation for good, and to staff live."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from chat import access, eventlog, fanout
from chat.actions import notices
from chat.enums import SystemEvent
from chat.models import Escalation, Trade
from chat.serializers import escalation_shape, trade_shape


def say(
    trade: Trade, conversation: eventlog.Locked, event: SystemEvent, body: str, *, actor: User | None, **data: Any
) -> None:
    """The trade's one system message for what just happened to it, with the whole trade as its customer sees it."""
    now = Trade.objects.complete().get(pk=trade.pk)
    shape = msgspec.to_builtins(trade_shape(now, for_staff=False))
    said = eventlog.append_system(conversation, event, actor=actor, body=body, trade=shape, **data)
    notices.event_said(now, event, said, actor=actor)
    trade_changed(trade)


def trade_changed(trade: Trade) -> None:
    """For what its conversation says nothing of: staff who see it hear so, once the transaction has committed."""
    transaction.on_commit(partial(tell_staff_of, [trade.pk]), robust=True)


def tell_staff_of(trade_ids: Sequence[UUID]) -> None:
    """Trades that have changed, for staff who see them. Asks as often for many as for one."""
    roles = access.staff_roles()
    for trade in Trade.objects.complete().filter(pk__in=trade_ids):
        frame = {"type": "trade.updated", "trade": trade_shape(trade, for_staff=True)}
        fanout.to_users(access.staff_of(trade, roles), frame)


def escalation_changed(escalation: Escalation) -> None:
    """Super admins and the trade's assignee hear of it, once the running transaction has committed."""
    transaction.on_commit(partial(_tell_judges, escalation.pk), robust=True)


def _tell_judges(escalation_id: UUID) -> None:
    escalation = Escalation.objects.complete().get(pk=escalation_id)
    frame = {"type": "escalation.updated", "escalation": escalation_shape(escalation, for_staff=True)}
    fanout.to_users(access.staff_who_judge(escalation.trade), frame)


def queue_changed() -> None:
    """Once the running transaction has committed."""
    transaction.on_commit(_tell_queue, robust=True)


def _tell_queue() -> None:
    waiting = list(Trade.objects.queued().values_list("queued_at", flat=True))
    oldest = int((timezone.now() - waiting[0]).total_seconds()) if waiting and waiting[0] else 0
    frame = {"type": "queue.updated", "waiting": len(waiting), "oldest_wait_s": max(0, oldest)}
    fanout.to_users(User.objects.staff().values_list("pk", flat=True), frame)
