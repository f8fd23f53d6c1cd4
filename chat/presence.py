"""
Who is here: a lease per live socket, and telling others when somebody comes, idles or goes.

A server renews the leases of its sockets; a socket that ends leaves its lease to run out after the grace, so a
reconnect goes unnoticed; the leases of a server that died run out by themselves. Whoever changes the announced status
first (a conditional update) tells the others, so several servers may look at once.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, DateTimeField, Q, QuerySet, Value
from django.db.models.functions import Least
from django.utils import timezone

from accounts.models import User
from accounts.text import timestamp
from chat import fanout
from chat.enums import PresenceStatus
from chat.models import Connection, Participant, Presence

Listener = Callable[[Sequence[UUID]], None]
_on_arrival: list[Listener] = []

MAX_SHARED = 50  # people in a conversation, up to which its people hear of each other's presence


def on_arrival(listener: Listener) -> None:
    """Subscribe to people coming online; called after the commit, and one that fails stops nobody."""
    if listener not in _on_arrival:
        _on_arrival.append(listener)


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one socket: it is there (active or idle, seen or in the background), or it has ended."""

    connection_id: UUID
    user_id: UUID
    ended: bool = False
    idle: bool = False
    foreground: bool = True


def note(changes: Sequence[Change]) -> list[None]:
    """Store what happened to sockets, in order, and tell whom it concerns."""
    latest = {change.connection_id: change for change in changes}
    now = timezone.now()
    with transaction.atomic():
        _relax_commit()
        ended = [change.connection_id for change in latest.values() if change.ended]
        grace_end = now + settings.PRESENCE_GRACE
        # In the grace nobody is announced, but nobody has the app open either.
        Connection.objects.filter(pk__in=ended).update(
            foreground=False, expires_at=Least("expires_at", Value(grace_end, DateTimeField()))
        )
        Connection.objects.bulk_create(
            [_lease(change, now + settings.PRESENCE_LEASE) for change in latest.values() if not change.ended],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["idle", "foreground", "expires_at"],
        )
        refresh({change.user_id for change in changes})
    return [None] * len(changes)


def _lease(change: Change, expires_at: datetime) -> Connection:
    return Connection(
        id=change.connection_id,
        user_id=change.user_id,
        idle=change.idle,
        foreground=change.foreground,
        expires_at=expires_at,
    )


def renew(holders: Mapping[UUID, UUID]) -> None:
    """
    These sockets (by id, with their people) are still there. After an outage their leases may have lapsed or never
    been stored, and their people may pass for offline: both are put right.
    """
    expires_at = timezone.now() + settings.PRESENCE_LEASE
    with transaction.atomic():
        _relax_commit()
        kept = Connection.objects.filter(pk__in=list(holders))
        kept.update(expires_at=expires_at)
        missing = holders.keys() - set(kept.values_list("pk", flat=True))
        Connection.objects.bulk_create(
            [Connection(id=key, user_id=holders[key], expires_at=expires_at) for key in missing], ignore_conflicts=True
        )
        offline = Presence.objects.filter(user__in=set(holders.values()), status=PresenceStatus.OFFLINE)
        mistaken = set(offline.values_list("user", flat=True))
        if mistaken:
            refresh(mistaken)


def sweep() -> None:
    """Announce those whose last lease has run out."""
    live = Connection.objects.filter(expires_at__gt=timezone.now()).values("user")
    gone = Presence.objects.exclude(status=PresenceStatus.OFFLINE).exclude(user__in=live)
    user_ids = set(gone.values_list("user", flat=True))
    if user_ids:
        with transaction.atomic():
            refresh(user_ids)


def refresh(user_ids: set[UUID]) -> None:
    """Bring what was announced of these people in line with their leases, and announce what changed."""
    now = timezone.now()
    leases = Connection.objects.filter(user__in=user_ids, expires_at__gt=now).values_list("user", "idle")
    status = dict.fromkeys(user_ids, PresenceStatus.OFFLINE)
    for user_id, idle in leases:
        if not idle or status[user_id] is PresenceStatus.OFFLINE:
            status[user_id] = PresenceStatus.IDLE if idle else PresenceStatus.ONLINE
    changed = []
    known = dict(Presence.objects.filter(user__in=user_ids).values_list("user", "status"))
    newcomers = [Presence(user_id=user_id, status=PresenceStatus.OFFLINE) for user_id in user_ids - known.keys()]
    Presence.objects.bulk_create(newcomers, ignore_conflicts=True)
    for value in PresenceStatus:
        holders = sorted(user_id for user_id in user_ids if status[user_id] is value)
        moving = Presence.objects.filter(user__in=holders).exclude(status=value)
        changed += _move(moving, value)
    if changed:
        transaction.on_commit(lambda: announce({user_id: status[user_id] for user_id in changed}))
    arrived = [user_id for user_id in changed if known.get(user_id, PresenceStatus.OFFLINE) == PresenceStatus.OFFLINE]
    if arrived:
        for listener in _on_arrival:
            transaction.on_commit(partial(listener, arrived), robust=True)


def _move(moving: QuerySet[Presence], status: PresenceStatus) -> list[UUID]:
    """Those whose announced status this transaction changes; locked in one order against other servers."""
    ids = list(moving.select_for_update(of=("self",)).order_by("user").values_list("user", flat=True))
    Presence.objects.filter(user__in=ids).update(status=status, last_active=timezone.now())
    return ids


def announce(statuses: dict[UUID, PresenceStatus]) -> None:
    """Tell each person's company. Who is offline has no socket to be told on."""
    at = timestamp(timezone.now())
    for user_id, audience in _audiences(list(statuses)).items():
        frame = {"type": "presence.update", "user": user_id, "status": statuses[user_id], "last_active": at}
        fanout.to_users(audience - {user_id}, frame, droppable=True)


def _audiences(user_ids: list[UUID]) -> dict[UUID, set[UUID]]:
    """By person: who shares a conversation of at most MAX_SHARED with them; for staff, all staff too."""
    audiences: dict[UUID, set[UUID]] = defaultdict(set)
    shared = Participant.objects.current().seen().filter(user__in=user_ids).values_list("conversation", "user")
    members: dict[UUID, list[UUID]] = defaultdict(list)
    for conversation, user_id in shared:
        members[conversation].append(user_id)
    small = (
        Participant.objects.current()
        .filter(conversation__in=list(members))
        .values("conversation")
        .annotate(n=Count("pk"))
        .filter(n__lte=MAX_SHARED)
        .values("conversation")
    )
    # Of conversations that are over, only who is known to be here: an admin has had thousands of customers. In open
    # ones everybody, as the presence of somebody who connects at this very moment is not stored yet.
    here = Q(user__presence__isnull=False) & ~Q(user__presence__status=PresenceStatus.OFFLINE)
    company = Participant.objects.current().filter(Q(conversation__closed_at=None) | here, conversation__in=small)
    for conversation, other in company.values_list("conversation", "user"):
        for user_id in members[conversation]:
            audiences[user_id].add(other)
    staff = set(User.objects.staff().values_list("pk", flat=True))
    for user_id in staff.intersection(user_ids):
        audiences[user_id] |= staff
    return audiences


def _relax_commit() -> None:
    """Leases outlive no crash worth a disk flush; messages keep theirs."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO OFF")
