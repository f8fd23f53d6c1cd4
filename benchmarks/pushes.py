"""
`python -m benchmarks.pushes`: does a faulty push service slow the chat? People say 200 messages a second to others who
are away, while the stub of Expo answers, hangs, or fails; all of it in one run, turn by turn, with a server, two Celery
workers and a beat. Prints for each state the p50 and p99 of the ack, and how they compare with an answering Expo.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from uuid import uuid4

from notifications.expostub.server import ExpoStub
from testing.client import SocketClient
from testing.process import Process
from testing.server import ServerProcess, default_environment
from testing.services import start_postgres, start_valkey

PAIRS = 20
RATE = 10  # messages a second of each sender
WARM_UP = 2.0  # seconds at the beginning of each state that are not counted
ROOT = Path(__file__).resolve().parent.parent
STATES = {
    "answers": lambda stub: None,
    "hangs": lambda stub: stub.fault("hang", times=100_000, seconds=30, accept=False),
    "fails": lambda stub: stub.fault("503", times=100_000),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pushes", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="of each state in each round")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with ExitStack() as stack:
        postgres = stack.enter_context(start_postgres())
        valkey = stack.enter_context(start_valkey())
        stub = stack.enter_context(ExpoStub(port=0))
        environment = {
            **default_environment(),
            "DATABASE_URL": postgres.url,
            "REDIS_URL": valkey.url,
            "EXPO_URL": stub.url,
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        os.environ.update(environment)
        pairs = _seed()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-pushes-")))
        for name, words in (("worker", ["worker", "--concurrency", "2"]), ("beat", ["beat", "-s", str(folder / "b")])):
            process = Process(
                [sys.executable, "-m", "celery", "-A", "config", *words],
                cwd=ROOT,
                log_path=folder / f"{name}.log",
                env=environment,
            )
            process.start()
            stack.callback(process.kill)
        server = stack.enter_context(ServerProcess(environment))
        acks = asyncio.run(_measure(server.ws_url, pairs, stub, options.seconds, options.rounds))
        print(_table(acks))
        print(f"\n{len(stub.pushes):,} pushes accepted by the stub, {_rows():,} outbox rows")
    return 0


def _seed() -> list[tuple[str, str]]:
    """Senders' tokens and the conversations they write in; whom they write to has a phone and is away."""
    import django

    django.setup()
    from django.core.management import call_command

    from accounts.models import DeviceSession
    from accounts.tokens import token_pair
    from benchmarks import seed_parley
    from chat.models import Participant
    from notifications.models import Device

    call_command("migrate", verbosity=0)
    seed_parley.people(PAIRS, 1)
    seats = list(Participant.objects.filter(conversation__kind="direct").order_by("conversation", "id"))
    sessions = {session.user_id: session for session in DeviceSession.objects.all()}
    pairs = []
    for sender, receiver in zip(seats[::2], seats[1::2], strict=True):
        pairs.append((token_pair(sessions[sender.user_id])["access"], str(sender.conversation_id)))
        token = f"ExponentPushToken[{uuid4().hex}]"
        Device.objects.create(
            user_id=receiver.user_id,
            session=sessions[receiver.user_id],
            token=token,
            token_key=token,
            platform="ios",
        )
    return pairs


def _rows() -> int:
    from notifications.models import OutboxRow

    return OutboxRow.objects.count()


async def _measure(url: str, pairs, stub: ExpoStub, seconds: float, rounds: int) -> dict[str, list[list[float]]]:
    """For each state one list of ack times in seconds per round."""
    acks: dict[str, list[list[float]]] = defaultdict(list)
    sockets = [await SocketClient.connect(url, token=token) for token, _ in pairs]
    for _ in range(rounds):
        for state, begin in STATES.items():
            begin(stub)
            await asyncio.gather(*(_talk(s, c, WARM_UP) for s, (_, c) in zip(sockets, pairs, strict=True)))
            said = await asyncio.gather(*(_talk(s, c, seconds) for s, (_, c) in zip(sockets, pairs, strict=True)))
            acks[state].append([ack for one in said for ack in one])
            stub.clear_faults()
            await asyncio.sleep(1)
    for socket in sockets:
        await socket.close()
    return acks


async def _talk(socket: SocketClient, conversation: str, seconds: float) -> list[float]:
    acks, end = [], perf_counter() + seconds
    while (began := perf_counter()) < end:
        answer = await socket.send_message(conversation, "The payment is there.")
        assert answer["type"] == "ack", answer
        acks.append(perf_counter() - began)
        await asyncio.sleep(max(0.0, 1 / RATE - acks[-1]))
    return acks


def _table(acks: dict[str, list[list[float]]]) -> str:
    lines = ["| Expo | acks | p50 ms | p99 ms | p99 against answering |", "|---|---|---|---|---|"]
    figures = {state: [_percentiles(one) for one in rounds] for state, rounds in acks.items()}
    base = statistics.median(p99 for _, p99 in figures["answers"])
    for state, rounds in figures.items():
        p50, p99 = (statistics.median(one[place] for one in rounds) for place in (0, 1))
        count = sum(len(one) for one in acks[state])
        lines.append(f"| {state} | {count:,} | {1000 * p50:.1f} | {1000 * p99:.1f} | {p99 / base:.2f} × |")
    return "\n".join(lines)


def _percentiles(acks: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(acks, n=100)
    return cuts[49], cuts[98]


if __name__ == "__main__":
    raise SystemExit(main())
