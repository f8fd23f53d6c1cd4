"""Fills Parley's database for a benchmark, and prints who may talk. Runs inside Parley, in a process of its own.

`python -m benchmarks.seed_parley people <pairs> <room>` or `… cast`; DJANGO_SETTINGS_MODULE and DATABASE_URL are set.
"""

import sys
from datetime import timedelta

import django
import msgspec

from benchmarks.generator.order import Cast, Pair, Room

django.setup()

from django.utils import timezone  # noqa: E402

from accounts.models import DeviceSession, User  # noqa: E402
from accounts.tokens import token_pair  # noqa: E402
from chat.models import Conversation, Participant  # noqa: E402

BATCH = 1000


def people(pairs: int, room: int) -> None:
    """Two people for each pair, others for the room, everybody with one signed-in device."""
    count = 2 * pairs + room
    users = [User(email=f"p{n}@example.com", display_name=f"Person {n}", password="!") for n in range(count)]
    User.objects.bulk_create(users, BATCH)
    expires = timezone.now() + timedelta(days=1)
    DeviceSession.objects.bulk_create([DeviceSession(user=user, expires_at=expires) for user in users], BATCH)
    for number in range(pairs):
        _converse(users[2 * number : 2 * number + 2], kind="direct")
    _converse(users[2 * pairs :], kind="group", title="Everybody")


def _converse(members: list[User], *, kind: str, title: str = "") -> None:
    key = ":".join(sorted(str(member.id) for member in members)) if kind == "direct" else None
    conversation = Conversation.objects.create(kind=kind, title=title, direct_key=key)
    Participant.objects.bulk_create(
        Participant(conversation=conversation, user=member, role="member") for member in members
    )


def cast() -> Cast:
    """Tokens are made anew, for they live minutes only and a series takes longer."""
    DeviceSession.objects.update(refreshed_at=timezone.now())
    tokens = {session.user_id: token_pair(session)["access"] for session in DeviceSession.objects.all()}
    seats: dict[Conversation, list[str]] = {}
    for seat in Participant.objects.select_related("conversation").order_by("id"):
        seats.setdefault(seat.conversation, []).append(tokens[seat.user_id])
    pairs = [Pair(str(c.id), (held[0], held[1])) for c, held in seats.items() if c.kind == "direct"]
    [room] = [Room(str(c.id), held) for c, held in seats.items() if c.kind == "group"]
    return Cast(pairs, room)


def main() -> None:
    match sys.argv[1:]:
        case ["people", pairs, room]:
            people(int(pairs), int(room))
        case ["cast"]:
            sys.stdout.buffer.write(msgspec.json.encode(cast()))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
