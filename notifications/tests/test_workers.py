"""
Real Celery workers on Valkey against a faulty Expo: nothing lost, nothing twice that Expo had answered, only the dead
token dropped, whatever happens to the worker and to Valkey.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis

from accounts.ids import new_id
from accounts.models import User
from chat.actions import messages
from chat.models import Conversation
from chat.tests.factories import group
from notifications.actions import receipts
from notifications.expostub.server import ExpoStub
from notifications.models import Device, OutboxRow, Push
from notifications.tests.factories import phone as registered
from testing.process import Process
from testing.server import default_environment
from testing.service import make_folder
from testing.services import Service, start_valkey
from testing.watchdog import PROJECT_ROOT

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.skipif(
        "__import__('django').db.connection.vendor != 'postgresql'", reason="workers of several processes"
    ),
]
PATIENCE = 40.0  # seconds for what takes a few on a quiet machine


class Workers:
    """A worker and a beat with a Valkey of their own."""

    def __init__(self, valkey: Service, database_url: str, expo_url: str) -> None:
        self.valkey = valkey
        self.environment = default_environment() | {
            "DATABASE_URL": database_url,
            "REDIS_URL": valkey.url,
            "EXPO_URL": expo_url,
            "PUSH_TIMEOUT_SECONDS": "1",
            "PUSH_RECEIPT_SECONDS": "1",
            "LOG_LEVEL": "INFO",
        }
        self.folder = make_folder("parley-workers-")
        self.worker = self._celery("worker", "worker", "--concurrency", "2", "--loglevel", "INFO")
        self.beat = self._celery("beat", "beat", "--schedule", str(self.folder / "schedule"))

    def _celery(self, name: str, *words: str) -> Process:
        command = [sys.executable, "-m", "celery", "-A", "config", *words]
        return Process(command, cwd=PROJECT_ROOT, log_path=self.folder / f"{name}.log", env=self.environment)

    def start(self) -> None:
        self.worker.start()
        self.beat.start()
        self.worker.wait_until(lambda: "ready" in self.worker.log, timeout=PATIENCE)

    def kill_worker(self) -> None:
        """As the kernel does when memory runs out: the pool's processes too."""
        self.worker.kill()

    def stop(self) -> None:
        self.worker.kill()
        self.beat.kill()


@pytest.fixture
def valkey() -> Iterator[Service]:
    with start_valkey() as valkey:
        yield valkey


@pytest.fixture
def workers(valkey: Service, database_url: str, stub: ExpoStub) -> Iterator[Workers]:
    found = Workers(valkey, database_url, stub.url)
    yield found
    found.stop()


def phone(user: User, inside: str = "") -> Device:
    return registered(user, f"ExponentPushToken[{inside}-{uuid4().hex}]")


def room(alice: User, bob: User) -> Conversation:
    """Of its own for each message, so that none waits for another's burst."""
    return group(alice, bob)


def say(alice: User, bob: User, text: str = "The payment is there.") -> UUID:
    sent = messages.send_message(actor=alice, conversation_id=room(alice, bob).pk, client_id=new_id(), body=text)
    return sent.message.id


def until(holds: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"never saw {what}: {dict(Counter(Push.objects.values_list('state')))}"
        time.sleep(0.05)


def all_sent(count: int) -> Callable[[], bool]:
    return lambda: Push.objects.filter(state__in=("sent", "delivered")).count() == count


def is_calm() -> bool:
    """Nothing waits, and nothing is on its way."""
    waits = OutboxRow.objects.filter(state="pending").exists()
    return not waits and not Push.objects.filter(state__in=("ready", "sending")).exists()


def phones_left() -> set[UUID]:
    return set(Device.objects.active().values_list("pk", flat=True))


def told(stub: ExpoStub) -> Counter[tuple[str, str]]:
    """How often the stub has accepted a message for a device."""
    return Counter((push["payload"]["data"]["message"], push["payload"]["to"]) for push in stub.pushes)


def test_every_fault_of_expo_passes_and_each_message_comes_once(workers, stub, alice, bob):
    phones = [phone(bob), phone(bob, "dead"), phone(bob, "late-dead")]
    workers.start()
    for fault, options in (
        ("429", {"retry_after": "1"}),
        ("500", {}),
        ("badjson", {"accept": False}),
        ("hang", {"seconds": 30, "accept": False}),
        ("cut", {"accept": False}),
    ):
        stub.fault(fault, **options)
        say(alice, bob)
        until(lambda: not stub.store.faults, fault)
    until(is_calm, "an end of it")
    stub.stop()
    say(alice, bob)
    until(lambda: Push.objects.filter(state="ready").exists(), "a push that waits for Expo")
    stub.start()
    until(is_calm, "an end of it")
    until(lambda: receipts.read_due() or phones_left() == {phones[0].pk}, "the receipts")

    counted = told(stub)
    assert set(counted.values()) == {1}
    assert {token for _, token in counted} == {phones[0].token, phones[2].token}
    assert len([token for _, token in counted if token == phones[0].token]) == 6
    assert {device.pk: device.end_reason for device in Device.objects.exclude(ended_at=None)} == {
        phones[1].pk: "not_registered",
        phones[2].pk: "not_registered",
    }
    assert "ExponentPushToken" not in workers.worker.log
    assert "The payment is there" not in workers.worker.log


@pytest.mark.parametrize("accepted", [True, False])
def test_a_worker_killed_while_expo_has_the_request_loses_nothing(workers, stub, alice, bob, accepted):
    """Its answer is lost, so nobody knows: the push goes out again under the same id, and that is counted."""
    device = phone(bob)
    workers.environment["PUSH_TIMEOUT_SECONDS"] = "10"
    stub.fault("hang", seconds=60, accept=accepted)
    workers.start()
    message = say(alice, bob)
    until(lambda: Push.objects.filter(state="sending").exists() and not stub.store.faults, "the request at Expo")

    workers.kill_worker()
    Push.objects.update(claimed_until=Push.objects.get().created_at)  # as if the time of its claim had passed
    redis.Redis.from_url(workers.valkey.url).flushall()
    workers.worker.start()
    until(all_sent(1), "the push sent by the next worker")

    push = Push.objects.get()
    assert push.unanswered == 1
    assert told(stub) == {(str(message), device.token): 1 + accepted}
    assert {one["payload"]["data"]["id"] for one in stub.pushes} == {str(push.pk)}


def test_a_worker_killed_before_and_after_sends_each_message_once(workers, stub, alice, bob):
    device = phone(bob)
    workers.start()
    first = say(alice, bob)
    until(all_sent(1), "the first push")
    workers.kill_worker()
    second = say(alice, bob)
    assert OutboxRow.objects.filter(cause=second, state="pending").exists()

    workers.valkey.kill()
    workers.valkey.restart()
    workers.worker.start()
    until(all_sent(2), "the second push")

    assert told(stub) == {(str(first), device.token): 1, (str(second), device.token): 1}
    assert Push.objects.filter(unanswered__gt=0).count() == 0


def test_a_worker_is_stopped_in_order_and_the_next_goes_on(workers, stub, alice, bob):
    phone(bob)
    workers.start()
    for _ in range(30):
        say(alice, bob)
    workers.worker.stop(timeout=PATIENCE)
    workers.worker.start()
    until(all_sent(30), "all of them")

    assert set(told(stub).values()) == {1}
