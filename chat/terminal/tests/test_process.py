"""The client as a process of its own: pipes, a real terminal, Ctrl-C, and its exit codes."""

import asyncio
import contextlib
import os
import pty
import signal
import sys
import termios
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chat.terminal.tests.server import ContractServer, running
from chat.terminal.tests.test_client import until

ROOT = Path(__file__).resolve().parents[3]
DEADLINE = 20.0


def arguments(server: ContractServer) -> list[str]:
    return ["-m", "chat.terminal.cli", "--as", "chris@example.com", "--url", server.url]


async def piped(server: ContractServer, *more: str) -> Process:
    command = [*arguments(server), *more]
    return await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=PIPE, preexec_fn=_mind_ctrl_c
    )


def _mind_ctrl_c() -> None:
    """Tests that run as a background job inherit that SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def finished(process: Process, text: bytes | None = None) -> tuple[int | None, str, str]:
    try:
        async with asyncio.timeout(DEADLINE):
            out, err = await process.communicate(text)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, out.decode(), err.decode()


@pytest.mark.asyncio
async def test_a_piped_line_is_sent_before_the_process_ends():
    async with running() as server:
        code, out, err = await finished(await piped(server, "--trade", "T-1"), "hello\nwörld".encode())

        assert (code, err) == (0, "")
        assert "You: wörld ✓" in out
        assert server.bodies() == ["hello", "wörld"]
        assert server.logouts == 1


@pytest.mark.asyncio
async def test_ctrl_c_ends_with_0_and_no_traceback():
    async with running() as server:
        process = await piped(server)
        await until(lambda: server.sockets)

        process.send_signal(signal.SIGINT)

        code, _, err = await finished(process)
        assert (code, err) == (0, "")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--password", "wrong"), "does not accept"),
        (("--trade", "X-9"), "No trade X-9"),
        (("--url", "ftp://x"), "Not the"),
    ],
)
async def test_what_cannot_work_is_one_clear_line(more: tuple[str, ...], said: str):
    async with running() as server:
        code, out, err = await finished(await piped(server, *more), b"")

        assert (code, out) == (1, "")
        assert said in err
        assert err.count("\n") == 1


class Typewriter:
    """A process on a pseudo-terminal, and all it has drawn."""

    def __init__(self, process: Process, keyboard: int) -> None:
        self.process = process
        self.drawn = b""
        self._keyboard = keyboard
        asyncio.get_running_loop().add_reader(keyboard, self._read)

    def _read(self) -> None:
        try:
            self.drawn += os.read(self._keyboard, 65536)
        except OSError:  # Linux's way to say that the other end is closed
            asyncio.get_running_loop().remove_reader(self._keyboard)

    def type(self, text: bytes) -> None:
        os.write(self._keyboard, text)


@contextlib.asynccontextmanager
async def on_a_terminal(server: ContractServer) -> AsyncIterator[Typewriter]:
    keyboard, screen = pty.openpty()
    termios.tcsetwinsize(screen, (24, 80))
    environment = {**os.environ, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments(server), cwd=ROOT, stdin=screen, stdout=screen, stderr=screen, env=environment
    )
    os.close(screen)
    typewriter = Typewriter(process, keyboard)
    try:
        yield typewriter
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        asyncio.get_running_loop().remove_reader(keyboard)
        os.close(keyboard)


@pytest.mark.asyncio
@pytest.mark.parametrize("leaving", [b"\x04", b"\x03", b"/quit\r"])
async def test_a_person_types_sees_others_and_leaves(leaving: bytes):
    async with running() as server, on_a_terminal(server) as chris:
        await until(lambda: server.syncs and b"Connected." in chris.drawn)

        chris.type(b"hel")
        await until(lambda: any(frame["type"] == "typing.start" for frame in server.received))
        await server.post("tina", "a line in between \x1b[2J")
        await until(lambda: b"a line in between \\x1b[2J" in chris.drawn)
        chris.type(b"lo\r")
        await until(lambda: server.bodies()[-1:] == ["hello"])
        await until(lambda: "✓".encode() in chris.drawn)
        chris.type(leaving)

        async with asyncio.timeout(DEADLINE):
            assert await chris.process.wait() == 0
        assert b"Traceback" not in chris.drawn
