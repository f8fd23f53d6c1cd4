"""
P7: whatever happens in whatever order, the pushes that go out are those of the rule, each once.

The rule is written down a second time here, as a model that knows no table. Time passes by moving everything the
outbox remembers into the past, so the real clock of messages and leases need not be touched.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actions import sessions
from accounts.ids import new_id
from accounts.models import DeviceSession, User
from accounts.tests.factories import DeviceSessionFactory
from chat import presence
from chat.actions import conversations, messages, receipts
from chat.presence import Change
from chat.tests.factories import group
from notifications.actions import sending
from notifications.enums import Kind, PushState, RowState
from notifications.expostub.server import ExpoStub
from notifications.models import Device, OutboxRow, Push, Service
from testing.ports import reserve_port

TICK = timedelta(seconds=6)  # longer than PUSH_EVERY, so that one push a tick may go out in the conversation
WAITING_TICKS = 3  # the first tick after PUSH_WAIT_FOR_APP
PEOPLE = 3
PHONES = 2

people = st.integers(0, PEOPLE - 1)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("say"), people),
        st.tuples(st.just("say"), people),
        st.tuples(st.sampled_from(["open", "hide", "close", "deliver", "read"]), people),
        st.tuples(st.sampled_from(["mute", "unmute", "deliver", "open"]), people),
        st.tuples(st.sampled_from(["pass", "log_out"]), people),
    ),
    min_size=12,
    max_size=40,
)


@dataclass
class Person:
    """What the rule looks at, of one person."""

    user: User
    phones: list[Device]
    signed_in: list[bool] = field(default_factory=lambda: [True] * PHONES)
    socket: UUID | None = None
    foreground: bool = False
    muted: bool = False
    delivered: int = 0
    read: int = 0


@dataclass(frozen=True)
class Due:
    """A message that a phone may have to be told of."""

    seq: int
    message: UUID
    person: int
    phone: int
    waits: bool
    tick: int


class World:
    """The real thing and the model beside it: each step is done to both."""

    def __init__(self, users: list[User]) -> None:
        self.room = group(*users)
        self.people = [Person(user, [_phone(user, place) for place in range(PHONES)]) for user in users]
        self.head = 0
        self.tick = 0
        self.waiting: list[Due] = []
        self.expected: set[tuple[UUID, UUID]] = set()

    def do(self, step: str, who: int) -> None:
        getattr(self, f"do_{step}")(who)

    def do_say(self, who: int) -> None:
        sent = messages.send_message(
            actor=self.people[who].user, conversation_id=self.room.pk, client_id=new_id(), body=f"said by {who}"
        )
        self.head += 1
        assert sent.message.seq == self.head
        for place, person in enumerate(self.people):
            if place != who and not person.muted:
                self.waiting += [
                    Due(self.head, sent.message.id, place, phone, person.foreground, self.tick)
                    for phone in range(PHONES)
                    if person.signed_in[phone]
                ]

    def do_open(self, who: int) -> None:
        person = self.people[who]
        person.socket, person.foreground = person.socket or new_id(), True
        presence.note([Change(person.socket, person.user.pk, foreground=True)])

    def do_hide(self, who: int) -> None:
        person = self.people[who]
        if person.socket is not None:
            person.foreground = False
            presence.note([Change(person.socket, person.user.pk, foreground=False)])

    def do_close(self, who: int) -> None:
        person = self.people[who]
        if person.socket is not None:
            presence.note([Change(person.socket, person.user.pk, ended=True)])
            person.socket, person.foreground = None, False

    def do_deliver(self, who: int) -> None:
        self._mark(who, read=False)
        self.people[who].delivered = self.head

    def do_read(self, who: int) -> None:
        self._mark(who, read=True)
        self.people[who].read = self.people[who].delivered = self.head

    def _mark(self, who: int, *, read: bool) -> None:
        receipts.mark(actor=self.people[who].user, conversation_id=self.room.pk, seq=self.head, read=read)

    def do_mute(self, who: int) -> None:
        self._mute_until(who, timezone.now() + timedelta(days=1))
        self.people[who].muted = True

    def do_unmute(self, who: int) -> None:
        self._mute_until(who, None)
        self.people[who].muted = False

    def _mute_until(self, who: int, until: object) -> None:
        conversations.change(actor=self.people[who].user, conversation_id=self.room.pk, muted_until=until)

    def do_log_out(self, who: int) -> None:
        """On the first phone that is signed in still."""
        phone = self.people[who].signed_in.index(True) if any(self.people[who].signed_in) else 0
        sessions.log_out(session=DeviceSession.objects.get(pk=self.people[who].phones[phone].session_id))
        self.people[who].signed_in[phone] = False

    def do_pass(self, who: int = 0) -> None:
        self.tick += 1
        _pass_time(TICK)
        sending.send_due()
        still: list[Due] = []
        for due in self.waiting:
            person = self.people[due.person]
            if due.waits and self.tick - due.tick < WAITING_TICKS:
                still.append(due)
            elif (
                person.signed_in[due.phone]
                and not person.muted
                and person.read < due.seq
                and not ((due.waits or person.foreground) and person.delivered >= due.seq)
            ):
                self.expected.add((due.message, person.phones[due.phone].pk))
        self.waiting = still
        told = OutboxRow.objects.filter(kind=Kind.MESSAGE, state=RowState.TAKEN, push__state=PushState.SENT)
        assert set(told.values_list("cause", "device")) == self.expected


def _phone(user: User, place: int) -> Device:
    token = f"ExponentPushToken[{user.display_name}-{place}-{new_id().hex}]"
    session = DeviceSessionFactory.create(user=user)
    return Device.objects.create(user=user, session=session, token=token, token_key=token, platform="ios")


def _pass_time(passed: timedelta) -> None:
    OutboxRow.objects.update(created_at=F("created_at") - passed, due_at=F("due_at") - passed)
    Push.objects.update(created_at=F("created_at") - passed, due_at=F("due_at") - passed, sent_at=F("sent_at") - passed)
    Service.objects.update(next_slot_at=F("next_slot_at") - passed)


@contextmanager
def _taken_back() -> Iterator[None]:
    """Each example begins with the same empty tables."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def stub(settings) -> Iterator[ExpoStub]:
    with ExpoStub(port=reserve_port()) as stub:
        settings.EXPO_URL = stub.url
        yield stub


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(done=steps)
def test_the_pushes_are_those_of_the_rule_whatever_happens_in_whatever_order(stub, alice, bob, tina, done):
    with _taken_back():
        world = World([alice, bob, tina])
        before = len(stub.pushes)

        for step in done:
            world.do(*step)
        for _ in range(WAITING_TICKS + 1):
            world.do_pass()

        assert not OutboxRow.objects.filter(state=RowState.PENDING).exists()
        _check_what_expo_got([push["payload"] for push in stub.pushes[before:]])


def _check_what_expo_got(payloads: list[dict]) -> None:
    """One request for each push, with the number of messages it stands for; and no icon shows more than is unread."""
    visible = [payload for payload in payloads if "body" in payload]
    pushes = {str(push.pk): push for push in Push.objects.filter(kind=Kind.MESSAGE, state=PushState.SENT)}
    assert sorted(payload["data"]["id"] for payload in visible) == sorted(pushes)
    for payload in visible:
        push = pushes[payload["data"]["id"]]
        assert payload["to"] == push.device.token
        assert push.count == push.rows.filter(state=RowState.TAKEN).count()
        assert push.count == 1 or payload["body"] == f"{push.count} new messages"
