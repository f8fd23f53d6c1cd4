"""What the live sockets read from the database: who connects, what they missed, and whether hubs are still right."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import FilteredRelation, Q
from django.utils import timezone
from msgspec import Raw

from accounts.identity import Identity
from accounts.models import DeviceSession, Role, User
from chat import access, database, protocol, sql
from chat.errors import ChatError, NotFound, Unauthenticated
from chat.models import Conversation, Event, Participant
from chat.serializers import conversation_shape, event_shape

MAX_SYNC_BYTES = 256_000  # of one sync.events frame; what is over comes with the next sync
FETCH_LIMIT = 2_000  # events per repair query


@dataclass(frozen=True, slots=True)
class Arrival:
    """Who connects, and the head of each conversation they take part in."""

    identity: Identity
    heads: dict[str, int]


def arrivals(claimed: Sequence[Identity]) -> list[Arrival | ChatError]:
    """
    What each claimed identity (of a verified token, ticket or cookie) is worth now, for many sockets at once. A
    session that ended, or whose person may not sign in, is Unauthenticated.
    """
    session_ids = list({one.session_id for one in claimed})
    holders: dict[UUID, tuple[UUID, str, str]] = {}
    heads: dict[UUID, dict[str, int]] = defaultdict(dict)
    for session_id, user_id, name, role, conversation_id, head in _seats(session_ids):
        holders[session_id] = (user_id, name, role)
        if conversation_id is not None:
            heads[user_id][str(conversation_id)] = head
    return [_arrival(one, holders.get(one.session_id), heads) for one in claimed]


def _arrival(
    claimed: Identity, holder: tuple[UUID, str, str] | None, heads: Mapping[UUID, dict[str, int]]
) -> Arrival | ChatError:
    if holder is None or holder[0] != claimed.user_id:
        return Unauthenticated()
    user_id, name, role = holder
    identity = Identity(user_id, claimed.session_id, name, Role(role), claimed.expires_at)
    return Arrival(identity, dict(heads.get(user_id, {})))


def _seats(session_ids: list[UUID]) -> Iterable[tuple[Any, ...]]:
    """Of each live session its person, once for each conversation of theirs and its head, or once with neither."""
    if sql.is_postgres():
        return sql.execute(_SEATS, [session_ids, timezone.now()]).fetchall()
    sessions = DeviceSession.objects.live().filter(pk__in=session_ids)
    seats = FilteredRelation("user__participations", condition=Q(user__participations__left_at=None))
    rows = sessions.annotate(seat=seats).values_list(
        "pk", "user", "user__display_name", "user__role", "seat__conversation", "seat__conversation__head"
    )
    return rows.order_by()


# The same as the query of models, which took a quarter of what a connect costs.
_SEATS = """
    SELECT s.id, u.id, u.display_name, u.role, c.id, c.head
    FROM accounts_devicesession s
    JOIN accounts_user u ON u.id = s.user_id AND u.is_active
    LEFT JOIN chat_participant p ON p.user_id = u.id AND p.left_at IS NULL
    LEFT JOIN chat_conversation c ON c.id = p.conversation_id
    WHERE s.id = ANY(%b) AND s.revoked_at IS NULL AND s.expires_at > %s
"""


class DatabaseLoader:
    """The hub's view of the database."""

    async def events_after(self, conversation: str, seq: int) -> list[tuple[int, str]]:
        return await database.run(_events_after, UUID(conversation), seq)

    async def added_frame(self, user: str, conversation: str) -> tuple[int, str] | None:
        return await database.run(_added_frame, UUID(user), UUID(conversation))


def _events_after(conversation_id: UUID, seq: int) -> list[tuple[int, str]]:
    events = Event.objects.after(conversation_id, seq)[:FETCH_LIMIT]
    return [(event.seq, protocol.to_text(event_shape(event))) for event in events]


def _added_frame(user_id: UUID, conversation_id: UUID) -> tuple[int, str] | None:
    viewer = User.objects.get(pk=user_id)
    try:
        conversation = access.get_summary(viewer, conversation_id)
        frame = {"type": "conversation.added", "conversation": conversation_shape(conversation, viewer)}
    except NotFound:
        return None
    return conversation.head, protocol.to_text(frame)


@dataclass(frozen=True, slots=True)
class Truth:
    """What the database says about those who are connected to this process."""

    heads: dict[str, int]  # by conversation
    conversations: dict[str, set[str]]  # by user
    live_sessions: set[str]
    roles: dict[str, str]  # by user, of those who may sign in
    asked_users: set[str]
    asked_sessions: set[str]


def truth(rooms: set[str], users: set[str], sessions: set[str]) -> Truth:
    """One query each, whatever the number of sockets."""
    conversations: dict[str, set[str]] = defaultdict(set)
    for user_id, conversation_id in (
        Participant.objects.current()
        .filter(user__in=[UUID(user) for user in users])
        .values_list("user", "conversation")
    ):
        conversations[str(user_id)].add(str(conversation_id))
    heads = Conversation.objects.filter(pk__in=rooms).values_list("pk", "head")
    live = DeviceSession.objects.live().filter(pk__in=sessions).values_list("pk", flat=True)
    roles = User.objects.filter(is_active=True, pk__in=users).values_list("pk", "role")
    return Truth(
        heads={str(conversation_id): head for conversation_id, head in heads},
        conversations=conversations,
        live_sessions={str(session_id) for session_id in live},
        roles={str(user_id): role for user_id, role in roles},
        asked_users=users,
        asked_sessions=sessions,
    )


@dataclass(frozen=True, slots=True)
class Missed:
    """The answer for one conversation of a sync. After `last` the live stream goes on, unless there is `more`."""

    conversation: UUID
    kind: str  # sync.events, sync.reset or sync.gone
    head: int = 0
    last: int = 0
    more: bool = False
    events: tuple[bytes, ...] = ()

    def frame(self, frame_id: str | None) -> str:
        shape: dict[str, Any] = {"type": self.kind, "id": frame_id, "conversation": self.conversation}
        if self.kind != "sync.gone":
            shape["head"] = self.head
        if self.kind == "sync.events":
            shape |= {"events": [Raw(event) for event in self.events], "more": self.more}
        return protocol.to_text(shape)


def heads_of(user_id: UUID, conversation_ids: Iterable[UUID]) -> dict[UUID, int]:
    """The heads of those of the conversations that are the person's own."""
    viewer = User.objects.get(pk=user_id)
    mine = Participant.objects.current().filter(user=viewer, conversation__in=list(conversation_ids))
    return dict(mine.values_list("conversation", "conversation__head"))


def missed(conversation_id: UUID, position: int, head: int | None, budget: int) -> Missed:
    """What happened behind a position, at most `budget` events."""
    if head is None:
        return Missed(conversation_id, "sync.gone")
    if position > head or head - position > protocol.MAX_SYNC_BEHIND:
        return Missed(conversation_id, "sync.reset", head=head, last=head)
    limit = min(budget, protocol.MAX_SYNC_EVENTS)
    events: list[bytes] = []
    last, size = position, 0
    if position < head and limit > 0:
        for event in Event.objects.after(conversation_id, position, until=head)[:limit]:
            encoded = protocol.encode(event_shape(event))
            size += len(encoded)
            if events and size > MAX_SYNC_BYTES:
                break
            events.append(encoded)
            last = event.seq
    return Missed(conversation_id, "sync.events", head=head, last=last, more=last < head, events=tuple(events))


def other_conversations(user_id: UUID, named: Iterable[UUID]) -> list[Any]:
    """Summaries of the person's newest conversations besides those named."""
    viewer = User.objects.get(pk=user_id)
    rows = access.summaries(viewer).exclude(pk__in=list(named)).newest_activity_first()[: protocol.MAX_PAGE]
    shapes = []
    for conversation in rows:
        with suppress(NotFound):  # left meanwhile
            shapes.append(conversation_shape(conversation, viewer))
    return shapes
