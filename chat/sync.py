"""Giving one socket what it missed, so that its live stream goes on behind it without a hole or a repeat."""

from collections.abc import Mapping
from uuid import UUID

from chat import database, loading, protocol
from chat.errors import ChatError
from chat.outbox import Outbox, Stream


async def answer(socket: Outbox, frame: protocol.Sync) -> None:
    """
    Live events of the conversations named wait from here until each one's answer is out. Heads are read after they
    began to wait, so an event is either in the answer or among those that wait.
    """
    streams = {conversation: socket.hold(str(conversation)) for conversation in frame.positions}
    try:
        await _answer_named(socket, frame, streams)
        others = await database.run(loading.other_conversations, socket.identity.user_id, frame.positions)
        summaries = {"type": "sync.conversations", "id": frame.id, "conversations": others}
        await socket.room()
        socket.put(protocol.to_text(summaries))
        socket.put(protocol.to_text({"type": "ack", "id": frame.id}))
    except ChatError:
        # Nothing was said of these: the client asks again from where it stands, and live events would run ahead.
        for conversation, stream in streams.items():
            socket.release(str(conversation), stream, floor=0, paused=True)
        raise


async def _answer_named(socket: Outbox, frame: protocol.Sync, streams: Mapping[UUID, Stream]) -> None:
    heads = await database.run(loading.heads_of, socket.identity.user_id, frame.positions)
    budget = protocol.MAX_SYNC_TOTAL
    for conversation, position in frame.positions.items():
        head = heads.get(conversation)
        if head is None or position >= head:
            part = loading.missed(conversation, position, head, 0)  # asks nothing of the database
        else:
            part = await database.run(loading.missed, conversation, position, head, budget)
        budget -= len(part.events)
        await socket.room()
        if socket.streams.get(str(conversation)) is not streams[conversation]:
            part = loading.Missed(conversation, "sync.gone")  # put out of it while this was read
        socket.put(part.frame(frame.id))
        socket.release(str(conversation), streams[conversation], floor=part.last, paused=part.more)
        if head is None:
            socket.streams.pop(str(conversation), None)
