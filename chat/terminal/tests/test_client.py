"""The whole client against a server that speaks the contract over real sockets on 127.0.0.1."""

import asyncio
import contextlib
import io
import os
import time
from collections.abc import AsyncIterator, Callable

import pytest

from chat.terminal import picker
from chat.terminal.app import App
from chat.terminal.backoff import Backoff
from chat.terminal.errors import LoginRefusedError, NoConversationError, SessionEndedError
from chat.terminal.screen import PlainScreen
from chat.terminal.session import Session
from chat.terminal.tests.server import PEOPLE, ContractServer, running

DEADLINE = 10.0


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition, with a deadline."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        await asyncio.sleep(0.01)


class Terminal:
    """One running client with a pipe for a keyboard."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.out = io.StringIO()
        self._read_end, self._keyboard = os.pipe()
        self.screen = PlainScreen(self._read_end, self.out)
        self.task: asyncio.Task[int] | None = None

    async def start(self) -> None:
        summary = await picker.pick(self.session, "T-1")
        app = App(self.session, summary, self.screen, backoff=Backoff(scale=0.02))
        self.task = asyncio.create_task(app.run())

    def type(self, text: str) -> None:
        os.write(self._keyboard, f"{text}\n".encode())

    def leave(self) -> None:
        if self._keyboard >= 0:
            os.close(self._keyboard)
            self._keyboard = -1

    async def left(self) -> int:
        assert self.task is not None
        async with asyncio.timeout(DEADLINE):
            return await self.task

    async def shows(self, text: str, times: int = 1) -> None:
        await until(lambda: self.shown(text) >= times)
        assert self.shown(text) == times, self.out.getvalue()

    def shown(self, text: str) -> int:
        return self.out.getvalue().count(text)


@contextlib.asynccontextmanager
async def terminal(server: ContractServer, name: str = "chris") -> AsyncIterator[Terminal]:
    async with Session(server.url) as session:
        await session.login(f"{name}@example.com", "parley-demo")
        client = Terminal(session)
        try:
            await client.start()
            yield client
        finally:
            client.leave()
            if client.task is not None:
                client.task.cancel()
                await asyncio.gather(client.task, return_exceptions=True)


def sent(server: ContractServer, kind: str) -> list[dict]:
    return [frame for frame in server.received if frame["type"] == kind]


@pytest.mark.asyncio
async def test_two_terminals_are_a_chat():
    async with running() as server, terminal(server) as chris, terminal(server, "tina") as tina:
        await until(lambda: len(server.sockets) == 2)

        chris.type("hello")
        await tina.shows("Chris: hello")
        await chris.shows("You: hello ✓")
        tina.type("hi Chris")
        await chris.shows("Tina [support]: hi Chris")

        await chris.shows("✓✓ read by Tina")
        assert server.bodies() == ["hello", "hi Chris"]


@pytest.mark.asyncio
async def test_a_pipe_sends_everything_in_order_and_ends_with_0():
    async with running() as server, terminal(server) as chris:
        for number in range(20):
            chris.type(f"line {number}")
        chris.leave()

        assert await chris.left() == 0
        assert server.bodies() == [f"line {number}" for number in range(20)]


@pytest.mark.asyncio
async def test_history_is_shown_first_and_older_messages_on_request():
    async with running() as server:
        for number in range(25):
            await server.post("tina", f"old {number:02}")
        async with terminal(server) as chris:
            await chris.shows("old 24")
            assert chris.shown("old ") == 20

            chris.type("/history")
            await chris.shows("old 00")

            assert chris.shown("old ") == 25
            chris.type("/history")
            await chris.shows("There is nothing older.")


@pytest.mark.asyncio
async def test_a_message_stored_without_an_ack_is_neither_lost_nor_doubled():
    async with running() as server, terminal(server) as chris:
        await until(lambda: server.sockets)
        server.cut_before_ack = 1

        chris.type("once")
        chris.type("after")

        await chris.shows("You: after ✓")
        assert chris.shown("You: once ✓") == 1
        assert server.bodies() == ["once", "after"]


@pytest.mark.asyncio
async def test_what_is_written_while_offline_goes_out_in_order_later():
    async with running() as server, terminal(server) as chris:
        await until(lambda: server.sockets)
        server.refuse_handshakes = 7
        await server.close_all(1011)
        await chris.shows("Offline. Still trying")

        for text in ("one", "two", "three"):
            chris.type(text)
        await chris.shows("You: three ✓")

        assert server.bodies() == ["one", "two", "three"]
        assert chris.shown("Connected again.") == 1


@pytest.mark.asyncio
async def test_what_was_missed_comes_by_sync_page_by_page():
    async with running() as server, terminal(server) as chris:
        await until(lambda: server.syncs == [0])
        server.refuse_handshakes = 1
        await server.close_all(1011)
        await until(lambda: not server.sockets)

        for number in range(8):
            await server.post("tina", f"missed {number}")
        await chris.shows("missed 7")

        assert [chris.shown(f"missed {number}") for number in range(8)] == [1] * 8
        assert [position for position in server.syncs if position in (3, 6)] == [3, 6]


@pytest.mark.asyncio
async def test_a_hole_in_the_stream_is_filled_by_a_sync():
    async with running() as server, terminal(server) as chris:
        await until(lambda: server.syncs == [0])
        await server.post("tina", "first")
        server.skip_live = 1

        await server.post("tina", "lost on the way")
        await server.post("tina", "third")
        await chris.shows("third")

        output = chris.out.getvalue()
        assert output.index("first") < output.index("lost on the way") < output.index("third")
        assert server.syncs == [0, 1]


@pytest.mark.asyncio
async def test_a_repeated_live_event_is_ignored():
    async with running() as server, terminal(server) as chris:
        await until(lambda: server.syncs == [0])
        await server.post("tina", "only once")

        await server.everyone(server.log[0])
        await server.post("tina", "next")

        await chris.shows("next")
        assert chris.shown("only once") == 1


@pytest.mark.asyncio
async def test_an_own_message_whose_event_is_lost_is_fetched():
    async with running() as server, terminal(server) as chris:
        await until(lambda: server.syncs == [0])
        server.skip_live = 1

        chris.type("where is it")

        await chris.shows("You: where is it ✓")


@pytest.mark.asyncio
async def test_a_reset_loads_the_newest_page_and_goes_on_live():
    async with running() as server, terminal(server) as chris:
        await until(lambda: server.syncs == [0])
        server.reset_next_sync, server.skip_live = True, 1
        await server.post("tina", "far away")
        await server.post("tina", "nearest")
        await chris.shows("nearest")

        await server.post("tina", "live again")

        await chris.shows("live again")
        assert chris.shown("far away") == chris.shown("nearest") == 1


@pytest.mark.asyncio
async def test_a_rate_limit_and_a_full_server_are_waited_out():
    async with running() as server, terminal(server) as chris:
        server.answers = [
            {"code": "rate_limited", "retry_after_ms": 30},
            {"code": "unavailable", "retry_after_ms": 30},
        ]
        chris.type("patient")
        chris.type("second")

        await chris.shows("You: second ✓")
        assert server.bodies() == ["patient", "second"]
        assert len({frame["client_id"] for frame in sent(server, "message.send")}) == 2


@pytest.mark.asyncio
async def test_a_refused_message_is_named_and_the_next_one_goes_on():
    async with running() as server, terminal(server) as chris:
        server.answers = [{"code": "conversation_closed", "detail": "It is closed."}]
        chris.type("too late")
        chris.type("next")

        await chris.shows("✗ not sent (conversation_closed: It is closed.): too late")
        await chris.shows("You: next ✓")
        assert server.bodies() == ["next"]


@pytest.mark.asyncio
async def test_an_expired_token_is_renewed_before_the_next_try():
    async with running() as server, terminal(server) as chris:
        await until(lambda: server.sockets)
        server.expired.add(chris.session.access)

        await server.close_all(4401)
        await until(lambda: server.renewals == 1)
        chris.type("still here")

        await chris.shows("You: still here ✓")


@pytest.mark.asyncio
async def test_the_token_is_renewed_on_the_open_socket():
    async with running() as server:
        server.token_life = 0.5
        async with terminal(server) as chris:
            await until(lambda: len(sent(server, "auth")) >= 2)

            assert server.handshakes == 1
            assert sent(server, "auth")[-1]["token"] in server.tokens
            assert chris.shown("lost") == 0


@pytest.mark.asyncio
@pytest.mark.parametrize("code", [4403, 4409])
async def test_a_final_close_is_never_followed_by_another_try(code: int):
    async with running() as server, terminal(server) as chris:
        await until(lambda: server.sockets)

        await server.close_all(code)

        with pytest.raises(SessionEndedError, match="log in again"):
            await chris.left()
        assert server.handshakes == 1


@pytest.mark.asyncio
async def test_a_restart_is_followed_after_the_delay_the_server_named():
    async with running() as server, terminal(server) as chris:
        await until(lambda: server.syncs == [0])
        await server.everyone({"type": "server.draining", "reconnect_in_ms": 10_000})
        started = time.monotonic()
        await server.close_all(1012)

        await until(lambda: server.handshakes == 2)

        assert time.monotonic() - started >= 10 * 0.02
        await chris.shows("Connected again.")


@pytest.mark.asyncio
async def test_a_conversation_that_is_gone_ends_the_client():
    async with running() as server, terminal(server) as chris:
        await until(lambda: server.sockets)

        await server.everyone({"type": "conversation.removed", "conversation": server.summary()["id"]})

        with pytest.raises(SessionEndedError, match="no longer"):
            await chris.left()


@pytest.mark.asyncio
async def test_typing_presence_edits_deletions_and_system_messages_are_shown():
    async with running() as server, terminal(server) as chris:
        await until(lambda: server.syncs == [0])
        conversation = server.summary()["id"]

        await server.everyone({"type": "typing.start", "conversation": conversation, "user": PEOPLE["tina"]})
        await chris.shows("Tina is typing…")
        await server.everyone({"type": "presence.update", "user": "tina", "status": "online"})
        message = await server.post("tina", "typo")
        await server.append("message.edited", message | {"body": "right", "edited_at": "2026-01-02T03:04:05.000Z"})
        await server.append("message.deleted", message | {"body": None, "deleted_at": "2026-01-02T03:04:06.000Z"})
        await server.post(None, data={"event": "trade.approved", "trade": {"reference": "T-1"}})
        await server.post(None, data={"event": "trade.weighed_twice"})

        await chris.shows("Trade weighed twice")
        for text in ("Tina is online", "edited: right", "deleted the message", "T-1 approved"):
            assert chris.shown(text) == 1, text


@pytest.mark.asyncio
async def test_what_steers_a_terminal_is_shown_and_not_obeyed():
    async with running() as server, terminal(server) as chris:
        await until(lambda: server.syncs == [0])

        await server.post("tina", "\x1b]0;owned\x07 \u202egnp.exe\n12:00 You: I pay twice")

        await chris.shows("\\x1b]0;owned\\x07 \\u202egnp.exe\n      │ 12:00 You: I pay twice\n")


@pytest.mark.asyncio
async def test_commands_are_answered_and_not_sent():
    async with running() as server, terminal(server) as chris:
        for command in ("/help", "/who", "/unread", "/nonsense", "//slash"):
            chris.type(command)
        await chris.shows("You: /slash ✓")

        for text in ("Tina [support] is offline", "2 unread, 1 of them here", "No command /nonsense"):
            assert chris.shown(text) == 1, text
        assert server.bodies() == ["/slash"]
        chris.type("/quit")
        assert await chris.left() == 0


@pytest.mark.asyncio
async def test_marks_follow_what_was_shown():
    async with running() as server, terminal(server):
        await until(lambda: server.syncs == [0])

        await server.post("tina", "one")
        await server.post("tina", "two")

        for kind in ("message.delivered", "message.read"):
            await until(lambda kind=kind: [frame["seq"] for frame in sent(server, kind)][-1:] == [2])


@pytest.mark.asyncio
async def test_a_wrong_password_and_an_unknown_trade_are_said_clearly():
    async with running() as server, Session(server.url) as session:
        with pytest.raises(LoginRefusedError):
            await session.login("chris@example.com", "wrong")
        await session.login("chris@example.com", "parley-demo")

        with pytest.raises(NoConversationError, match=r"No trade X-9 among yours. Yours: T-0, T-1."):
            await picker.pick(session, "X-9")


@pytest.mark.asyncio
async def test_parallel_calls_rotate_the_refresh_token_once():
    async with running() as server, Session(server.url) as session:
        await session.login("chris@example.com", "parley-demo")
        server.expired.add(session.access)

        await asyncio.gather(*(session.get("unread/") for _ in range(5)))

        assert server.renewals == 1
