"""What waits for one socket: bounded, in order, with streams that wait for their sync."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from accounts.identity import Identity
from accounts.ids import new_id
from accounts.models import Role
from chat import outbox
from chat.enums import CloseCode
from chat.outbox import MAX_CHARACTERS, MAX_FRAMES, Outbox

ROOM = "room"


class Reader:
    """The other end of a socket: takes frames at once, one by one when allowed, or not at all."""

    def __init__(self, *, reads: bool = True) -> None:
        self.texts: list[str] = []
        self.code: int | None = None
        self.ended = asyncio.Event()
        self.reading = asyncio.Event()
        self.fails: Exception | None = None
        if reads:
            self.reading.set()

    async def send(self, message: dict[str, Any]) -> None:
        if self.fails is not None:
            raise self.fails
        if message["type"] == "websocket.close":
            self.code = message["code"]
            return
        await self.reading.wait()
        self.texts.append(message["text"])

    def outbox(self) -> Outbox:
        identity = Identity(uuid4(), uuid4(), "Alice", Role.CUSTOMER, None)
        return Outbox(self.send, identity, new_id(), self.ended.set)

    async def wait_end(self) -> None:
        await asyncio.wait_for(self.ended.wait(), 5)

    async def wait_texts(self, number: int) -> list[str]:
        async with asyncio.timeout(5):
            while len(self.texts) < number:
                await asyncio.sleep(0)
        return self.texts


async def finished(box: Outbox, reader: Reader) -> list[str]:
    """Everything written, once the socket was closed in order."""
    box.close(CloseCode.NORMAL)
    await reader.wait_end()
    return reader.texts


async def test_frames_are_written_in_order_and_the_close_behind_them():
    reader = Reader()
    box = reader.outbox()
    for number in range(20):
        box.put(str(number))

    assert await finished(box, reader) == [str(number) for number in range(20)]
    assert reader.code == 1000


async def test_after_the_close_nothing_more_is_taken_and_the_first_code_counts():
    reader = Reader()
    box = reader.outbox()
    box.close(CloseCode.LOGGED_OUT)
    box.close(CloseCode.RESTART)
    box.put("late")

    await reader.wait_end()

    assert (reader.texts, reader.code) == ([], 4409)


@pytest.mark.parametrize("texts", [["x"] * (MAX_FRAMES + 2), ["x" * (MAX_CHARACTERS // 2)] * 4])
async def test_a_slow_reader_is_closed_when_too_much_waits(texts):
    reader = Reader(reads=False)
    box = reader.outbox()
    box.put("first")
    await asyncio.sleep(0)
    for text in texts:
        box.put(text)

    await reader.wait_end()

    assert (box.closing, reader.code, reader.texts) == (CloseCode.TOO_SLOW, 4290, [])


async def test_too_much_before_the_first_write_closes_it_too():
    reader = Reader()
    box = reader.outbox()
    for _ in range(MAX_FRAMES + 1):
        box.put("x")

    await reader.wait_end()

    assert (reader.texts, reader.code) == ([], 4290)


async def test_one_frame_over_the_limit_of_characters_goes_out_alone():
    reader = Reader()
    box = reader.outbox()
    box.put("x" * (MAX_CHARACTERS + 1))

    assert [len(text) for text in await finished(box, reader)] == [MAX_CHARACTERS + 1]


async def test_typing_and_presence_make_room_first():
    reader = Reader(reads=False)
    box = reader.outbox()
    for number in range(MAX_FRAMES // 2 - 1):
        box.put(str(number))
    box.put_droppable("last of them")
    box.put_droppable("dropped")
    box.put("kept")

    reader.reading.set()

    assert (await finished(box, reader))[-2:] == ["last of them", "kept"]


async def test_an_answer_of_many_frames_waits_for_room():
    reader = Reader(reads=False)
    box = reader.outbox()
    await box.room()
    for number in range(MAX_FRAMES // 2 + 1):  # the writer holds one of them in its hand
        box.put(str(number))
    waiting = asyncio.create_task(box.room())
    await asyncio.sleep(0)
    assert not waiting.done()

    reader.reading.set()

    await asyncio.wait_for(waiting, 5)
    await reader.wait_texts(MAX_FRAMES // 2 + 1)
    box.stop()


async def test_nobody_waits_for_room_at_a_socket_that_closes():
    reader = Reader(reads=False)
    box = reader.outbox()
    for number in range(MAX_FRAMES // 2):
        box.put(str(number))

    box.close(CloseCode.TOO_SLOW)

    await asyncio.wait_for(box.room(), 5)
    await reader.wait_end()


async def test_held_events_come_behind_what_the_sync_gave_without_a_repeat():
    reader = Reader()
    box = reader.outbox()
    stream = box.hold(ROOM)
    for seq in (3, 4, 5):
        box.put_log(ROOM, seq, f"live {seq}")
    box.put("answer up to 4")

    box.release(ROOM, stream, floor=4)
    box.put_log(ROOM, 6, "live 6")

    assert await finished(box, reader) == ["answer up to 4", "live 5", "live 6"]
    assert box.streams == {}


async def test_other_conversations_go_on_while_one_is_held():
    reader = Reader()
    box = reader.outbox()
    box.hold(ROOM)
    box.put_log(ROOM, 1, "held")
    box.put_log("other", 7, "through")

    assert await finished(box, reader) == ["through"]


async def test_what_was_given_already_is_dropped_until_something_newer_comes():
    reader = Reader()
    box = reader.outbox()
    box.release(ROOM, box.hold(ROOM), floor=4)
    for seq in (3, 4, 5):
        box.put_log(ROOM, seq, str(seq))

    assert await finished(box, reader) == ["5"]


async def test_a_paused_stream_waits_for_the_next_sync():
    reader = Reader()
    box = reader.outbox()
    box.release(ROOM, box.hold(ROOM), floor=4, paused=True)
    box.put_log(ROOM, 5, "not yet")
    box.release(ROOM, box.hold(ROOM), floor=5)
    box.put_log(ROOM, 6, "6")

    assert await finished(box, reader) == ["6"]


async def test_the_later_of_two_syncs_of_one_conversation_counts():
    reader = Reader()
    box = reader.outbox()
    first = box.hold(ROOM)
    second = box.hold(ROOM)
    box.put_log(ROOM, 5, "5")
    box.release(ROOM, first, floor=4)
    assert not reader.texts

    box.release(ROOM, second, floor=4)
    box.release(ROOM, second, floor=0)

    assert await finished(box, reader) == ["5"]


async def test_more_held_events_than_a_socket_may_hold_end_it():
    reader = Reader()
    box = reader.outbox()
    box.hold(ROOM)
    for seq in range(MAX_FRAMES + 1):
        box.put_log(ROOM, seq, "x")

    await reader.wait_end()

    assert reader.code == 4290


@pytest.mark.parametrize("lost", [OSError("gone"), ConnectionResetError()])
async def test_a_socket_that_breaks_ends(lost):
    reader = Reader()
    reader.fails = lost
    box = reader.outbox()
    box.put("x")
    box.closing = CloseCode.FAULT

    await reader.wait_end()

    assert reader.texts == []


async def test_a_close_that_cannot_be_written_is_given_up(monkeypatch):
    monkeypatch.setattr(outbox, "CLOSE_TIMEOUT", 0.01)

    async def never(message: dict[str, Any]) -> None:
        await asyncio.Event().wait()

    ended = asyncio.Event()
    identity = Identity(uuid4(), uuid4(), "Alice", Role.CUSTOMER, None)
    box = Outbox(never, identity, new_id(), ended.set)
    box.put("x")
    box.close(CloseCode.TOO_SLOW)

    await asyncio.wait_for(ended.wait(), 5)


async def test_a_stopped_socket_writes_and_says_nothing_more():
    reader = Reader(reads=False)
    box = reader.outbox()
    box.put("x")
    box.stop()
    box.put("y")
    await asyncio.sleep(0)

    assert (reader.texts, reader.code, reader.ended.is_set(), box.closing) == ([], None, False, CloseCode.NORMAL)


async def test_a_socket_that_the_server_closed_by_itself_ends_here_too():
    reader = Reader()
    reader.fails = RuntimeError("Unexpected ASGI message 'websocket.send', after sending 'websocket.close'.")
    box = reader.outbox()

    box.put("hello")

    await reader.wait_end()
    assert box.closing is CloseCode.FAULT
