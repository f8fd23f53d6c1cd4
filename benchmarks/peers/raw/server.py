"""The least a chat server can do: pass frames on within a room, optionally after a group commit.

Without DATABASE_URL it shows how much the load generator can take; with it, what PostgreSQL leaves of that. It
checks no token and no membership, so it is a bound and not a peer.
"""

import asyncio
import json
import os
from collections import defaultdict
from typing import NamedTuple

import msgspec
import psycopg
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

INSERT = """INSERT INTO messages (conversation_id, sender_id, client_id, body)
            SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[])"""


class Sent(msgspec.Struct):
    client_id: str
    body: str


class Pending(NamedTuple):
    seat: "Seat"
    sent: Sent


decode = msgspec.json.Decoder(Sent).decode


class Rooms:
    """Who sits where, and what waits for the next commit."""

    def __init__(self) -> None:
        self.seats: dict[str, set[WSTransport]] = defaultdict(set)
        self.pending: list[Pending] = []
        self.wake = asyncio.Event()
        self.durable = False

    def accept(self, pending: Pending) -> None:
        if self.durable:
            self.pending.append(pending)
            self.wake.set()
        else:
            self.deliver(pending)

    def deliver(self, pending: Pending) -> None:
        seat, sent = pending
        message = {"conversation": seat.room, "sender": seat.user, "client_id": sent.client_id, "body": sent.body}
        seat.transport.send(WSMsgType.TEXT, json.dumps({"type": "ack", "client_id": sent.client_id}).encode())
        frame = json.dumps({"type": "message", "client_id": sent.client_id, "message": message}).encode()
        for transport in self.seats[seat.room]:
            transport.send(WSMsgType.TEXT, frame)

    async def commit_for_ever(self, database_url: str) -> None:
        """Each batch is what arrived while the last one was committed."""
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
            self.durable = True
            while True:
                await self.wake.wait()
                self.wake.clear()
                batch, self.pending = self.pending, []
                rows = [(p.seat.room, p.seat.user, p.sent.client_id, p.sent.body) for p in batch]
                await connection.execute(INSERT, [list(column) for column in zip(*rows, strict=True)], prepare=True)
                for pending in batch:
                    self.deliver(pending)


class Seat(WSListener):
    """One socket: its room is in the path, its user in a header."""

    transport: WSTransport

    def __init__(self, rooms: Rooms, request: WSUpgradeRequest) -> None:
        self.rooms = rooms
        self.room = request.path.decode().strip("/").removeprefix("ws/")
        self.user = request.headers.get("Authorization", "").removeprefix("Bearer ")

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self.rooms.seats[self.room].add(transport)
        transport.send(WSMsgType.TEXT, b'{"type":"connected"}')

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self.rooms.accept(Pending(self, decode(frame.get_payload_as_memoryview())))
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.rooms.seats[self.room].discard(transport)


async def main() -> None:
    rooms = Rooms()
    server = await ws_create_server(
        lambda request: Seat(rooms, request), "127.0.0.1", int(os.environ["PORT"]), backlog=1024
    )
    database_url = os.environ.get("DATABASE_URL")
    async with server, asyncio.TaskGroup() as tasks:
        if database_url:
            tasks.create_task(rooms.commit_for_ever(database_url))
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
