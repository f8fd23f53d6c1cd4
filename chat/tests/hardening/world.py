"""The people and the trades that rights are tried on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.test import Client

from accounts.models import User
from chat.actions import canned_replies, messages, people
from chat.enums import ParticipantRole
from chat.models import CannedReply, Conversation, Trade
from chat.tests.conftest import access_token
from chat.tests.factories import group, open_trade
from chat.tests.hardening.tools import MARK
from notifications.models import Device, Push
from notifications.tests.factories import phone

WHO = ("anonymous", "participant", "stranger", "assignee", "colleague", "super_admin")
SECRET = f"{MARK} for staff only"


@dataclass
class World:
    """A trade of Alice's that Tina looks after, one that waits in the queue, and a message in each place."""

    people: dict[str, User]
    clients: dict[str, Client]
    trade: Trade
    queued: Trade
    said: UUID
    noted: UUID
    room: Conversation | None = None  # what gather() made
    reply: CannedReply | None = None  # what keep_reply() made
    device: Device | None = None  # what register_phone() made
    push: Push | None = None  # what fail_a_push() made
    escalation: UUID | None = None  # what workflow.escalate() made

    def __getattr__(self, name: str) -> Any:
        return self.people[name]


@dataclass(frozen=True)
class Operation:
    """One row of the table. `{}` in the path is a field of the world; `before` brings the trade where it has to be."""

    name: str
    method: str
    path: str
    cells: str  # in the order of WHO
    body: Callable[[World], dict[str, Any]] | None = None
    before: Callable[[World], object] | None = None


def gather(world: World) -> None:
    """A group that Tina owns, Tom moderates and Alice is a member of."""
    world.room = group(world.assignee, world.participant)
    people.enter(world.room, world.colleague, ParticipantRole.MODERATOR)


def keep_reply(world: World) -> None:
    """One of Tina's own."""
    world.reply = canned_replies.create(actor=world.assignee, title="Hello", body="{reference}")


def keep_team_reply(world: World) -> None:
    world.reply = canned_replies.create(actor=world.super_admin, title="Hello", body="{reference}", team=True)


def register_phone(world: World) -> None:
    """Alice's."""
    world.device = phone(world.participant)


def fail_a_push(world: World) -> None:
    """On Alice's phone."""
    register_phone(world)
    world.push = Push.objects.create(
        device=world.device, thread=world.trade.conversation_id, kind="message", state="failed"
    )


def make_world(alice: User, bob: User, tina: User, tom: User, sara: User) -> World:
    trade = open_trade(alice)
    assert trade.assignee == tina
    User.objects.filter(pk=tina.pk).update(availability="busy")
    queued = open_trade(alice)
    said = messages.send_message(actor=alice, conversation_id=trade.conversation_id, client_id=uuid4(), body=MARK)
    noted = messages.send_message(
        actor=tina, conversation_id=trade.notes_conversation_id, client_id=uuid4(), body=SECRET
    )
    people = dict(zip(WHO[1:], (alice, bob, tina, tom, sara), strict=True))
    clients = {who: Client(headers={"Authorization": f"Bearer {access_token(user)}"}) for who, user in people.items()}
    return World(people, {"anonymous": Client(), **clients}, trade, queued, said.message.pk, noted.message.pk)
