"""The demo as a newcomer runs it: two terminals chat, the server is killed and started again, nothing is lost."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from asyncio.subprocess import PIPE, Process
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from chat.models import Trade
from testing.ports import reserve_port

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 30.0


class Terminal:
    """A `manage.py chat` on pipes, and the lines it has shown."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode().rstrip())

    def say(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n".encode())

    async def shows(self, text: str) -> None:
        async with asyncio.timeout(DEADLINE):
            while not any(text in line for line in self.lines):
                await asyncio.sleep(0.05)

    async def end(self) -> int:
        self.say("/quit")
        async with asyncio.timeout(DEADLINE):
            await self._reader
            return await self.process.wait()


class Demo:
    def __init__(self, folder: Path) -> None:
        self.port, self.phones = reserve_port(), reserve_port()
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        ports = {"PORT": str(self.port), "EXPO_STUB_PORT": str(self.phones)}
        self.environment = {**kept, **ports, "VAR_DIR": str(folder), "PYTHONUNBUFFERED": "1"}

    async def run(self, *command: str) -> Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "manage.py", *command),
            cwd=ROOT,
            env=self.environment,
            stdin=PIPE,
            stdout=PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def serve(self) -> Process:
        process = await self.run("demo")
        try:
            async with asyncio.timeout(2 * DEADLINE):
                while not await asyncio.to_thread(self._is_ready):
                    assert process.returncode is None, (await process.communicate())[0].decode()
                    await asyncio.sleep(0.1)
        except BaseException:
            process.kill()
            raise
        return process

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2):
                return True
        except OSError:
            return False

    async def chat(self, name: str) -> Terminal:
        return Terminal(await self.run("chat", "--as", f"{name}@example.com", "--trade", "BP-1001"))


@pytest.mark.slow
async def test_two_terminals_chat_across_a_killed_server(tmp_path: Path) -> None:
    demo = Demo(tmp_path)
    server = await demo.serve()
    alice, tina = await demo.chat("alice"), await demo.chat("tina")
    await asyncio.gather(alice.shows("Connected."), tina.shows("Connected."))
    alice.say("one")
    await tina.shows("Alice: one")
    tina.say("two")
    await alice.shows("Tina [support]: two")

    server.kill()
    await server.wait()
    await alice.shows("Connection lost")
    alice.say("three")
    server = await demo.serve()
    await asyncio.gather(alice.shows("You: three ✓"), tina.shows("Alice: three"))
    tina.say("four")
    await alice.shows("Tina [support]: four")

    heard = Counter(
        word for word in ("one", "two", "three", "four") for line in tina.lines if line.endswith((word, f"{word} ✓"))
    )
    assert heard == {"one": 1, "two": 1, "three": 1, "four": 1}
    assert (await alice.end(), await tina.end()) == (0, 0)
    server.send_signal(signal.SIGINT)
    output, _ = await asyncio.wait_for(server.communicate(), DEADLINE)
    assert server.returncode == 0, output.decode()
    assert "Traceback" not in output.decode()


async def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    demo = Demo(tmp_path)
    taken = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", demo.port)

    process = await demo.run("demo")
    output, _ = await asyncio.wait_for(process.communicate(), DEADLINE)

    taken.close()
    assert process.returncode == 1
    assert output.decode().strip() == f"CommandError: Port {demo.port} is taken. Choose another: PORT=8001 make demo"


async def test_a_taken_port_of_the_phones_is_one_clear_line(tmp_path: Path) -> None:
    demo = Demo(tmp_path)
    taken = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", demo.phones)

    process = await demo.run("demo")
    output, _ = await asyncio.wait_for(process.communicate(), DEADLINE)

    taken.close()
    assert process.returncode == 1
    line = f"CommandError: Port {demo.phones} is taken. Choose another: EXPO_STUB_PORT=8101 make demo"
    assert output.decode().strip() == line


async def test_seeding_only_fills_the_database_once(tmp_path: Path) -> None:
    demo = Demo(tmp_path)

    outputs = []
    for _ in range(2):
        process = await demo.run("demo", "--seed-only")
        outputs.append((await asyncio.wait_for(process.communicate(), DEADLINE))[0].decode())

    assert outputs[0] == outputs[1]
    assert outputs[0].splitlines()[0] == "People (password parley-demo):"
    with closing(sqlite3.connect(tmp_path / "parley.sqlite3")) as database:
        queued = "SELECT count(*) FROM chat_trade WHERE queued_at IS NOT NULL"
        [(trades, waiting)] = database.execute(f"SELECT count(*), ({queued}) FROM chat_trade")
        [(phones,)] = database.execute("SELECT count(*) FROM notifications_device")
    assert (trades, waiting) == (20, 2)
    assert phones == 0  # servers on this database may push to the real Expo


@pytest.mark.django_db(transaction=True)
def test_seeding_works_on_postgresql_too(tmp_path: Path, database_url: str) -> None:
    environment = Demo(tmp_path).environment | {"DATABASE_URL": database_url}

    done = subprocess.run(
        [sys.executable, "manage.py", "demo", "--seed-only"], cwd=ROOT, env=environment, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert (Trade.objects.count(), Trade.objects.filter(queued_at__isnull=False).count()) == (20, 2)
