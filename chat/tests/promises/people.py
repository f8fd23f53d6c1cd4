"""People with a device, groups of them, and waiting for what is about to become true."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
from channels.db import database_sync_to_async
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import DeviceSession, Role, User
from accounts.tests.factories import DeviceSessionFactory, UserFactory
from accounts.tokens import token_pair
from chat.models import Conversation, Event, Message
from chat.tests import factories
from testing.client import SocketClient
from testing.rest import RestClient
from testing.server import ServerProcess

T = TypeVar("T")


@dataclass(frozen=True)
class Device:
    """Somebody signed in on one device."""

    user: User
    session: DeviceSession

    @property
    def token(self) -> str:
        return token_pair(self.session)["access"]

    def token_for(self, seconds: int) -> str:
        """One that expires so soon."""
        token, now = AccessToken(), int(time.time())
        token.payload = {
            "token_type": "access",
            "sub": str(self.user.pk),
            "sid": str(self.session.pk),
            "jti": str(uuid4()),
            "iat": now,
            "exp": now + seconds,
        }
        return str(token)

    async def connect(self, server: ServerProcess, **options: Any) -> SocketClient:
        return await SocketClient.connect(server.ws_url, **{"token": self.token} | options)

    def rest(self, server: ServerProcess) -> RestClient:
        client = RestClient(server.http_url)
        client.access = self.token
        return client

    def another(self) -> "Device":
        return Device(self.user, DeviceSessionFactory.create(user=self.user))


def person(role: Role = Role.CUSTOMER, password: str | None = None, **fields: Any) -> Device:
    """Without a password unless one is given: hashing one takes longer than most tests."""
    return Device(*_signed_in(UserFactory.create(role=role, password=password, **fields)))


def _signed_in(user: User) -> tuple[User, DeviceSession]:
    return user, DeviceSessionFactory.create(user=user)


def people(count: int) -> list[Device]:
    return [person() for _ in range(count)]


def group(*members: Device) -> str:
    """The id of a new conversation of theirs."""
    return str(factories.group(*(member.user for member in members)).pk)


async def in_database(work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Something of the ORM, from an asynchronous test."""
    return await database_sync_to_async(work)(*args, **kwargs)


def stored(conversation: str) -> tuple[int, list[int], list[int]]:
    """A conversation's head, the numbers of its events and those of its messages."""
    head = Conversation.objects.get(pk=conversation).head
    events = list(Event.objects.filter(conversation=conversation).order_by("seq").values_list("seq", flat=True))
    messages = list(Message.objects.filter(conversation=conversation).order_by("seq").values_list("seq", flat=True))
    return head, events, messages


def rows_of(client_id: str) -> int:
    return Message.objects.filter(client_id=UUID(client_id)).count()


async def until(condition: Callable[[], bool], timeout: float = 10.0, *, what: str = "the condition") -> float:
    """Wait until it holds; returns the seconds it took, fails when it does not in time."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < timeout, f"{what} did not hold within {timeout:g} s"
        await asyncio.sleep(0.005)
    return time.monotonic() - began


async def timed(work: Awaitable[T]) -> tuple[T, float]:
    """What it results in, and the seconds it took."""
    began = time.monotonic()
    result = await work
    return result, time.monotonic() - began


async def metric(server: ServerProcess, name: str) -> float:
    """A number from the server's own counts; 0 when it has not counted yet."""
    async with httpx.AsyncClient(trust_env=False) as http:
        lines = (await http.get(f"{server.http_url}/metrics", timeout=10)).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


def texts(client: SocketClient, conversation: str) -> list[str]:
    return [event["message"]["body"] for event in client.events(conversation)]


def seqs(client: SocketClient, conversation: str) -> list[int]:
    return [event["seq"] for event in client.events(conversation)]
