"""A small server that speaks the contract for one conversation over real sockets, and fails on request."""

import asyncio
import contextlib
import json
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import uvicorn

CONVERSATION = "11111111-1111-4111-8111-111111111111"
PAGE = 3
Frame = dict[str, Any]


def stamp(seconds: float = 0.0) -> str:
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def person(name: str, role: str = "customer") -> Frame:
    return {"id": name.lower(), "display_name": name, "role": role, "staff": role != "customer"}


PEOPLE = {"chris": person("Chris"), "tina": person("Tina", "trade_admin")}


class Socket:
    """One accepted WebSocket."""

    def __init__(self, user: str, send: Callable[[Frame], Any]) -> None:
        self.user = user
        self._send = send
        self.frames: list[Frame] = []

    async def send(self, frame: Frame) -> None:
        await self._send({"type": "websocket.send", "text": json.dumps(frame)})

    async def close(self, code: int) -> None:
        await self._send({"type": "websocket.close", "code": code})


class ContractServer:
    """The log is the truth, `skip_live` and the other switches are the faults a client must survive."""

    def __init__(self) -> None:
        self.log: list[Frame] = []
        self.sockets: list[Socket] = []
        self.handshakes = 0
        self.syncs: list[int] = []
        self.received: list[Frame] = []
        self.renewals = 0
        self.logouts = 0
        self.token_life = 900.0
        self.refuse_handshakes = 0
        self.cut_before_ack = 0
        self.skip_live = 0
        self.reset_next_sync = False
        self.answers: list[Frame] = []
        self.expired: set[str] = set()
        self.tokens: dict[str, str] = {}
        self.url = ""

    # The log

    async def post(self, sender: str | None, body: str = "", **fields: Any) -> Frame:
        """Append a message and send it to every socket, unless it is to be lost on the way."""
        message = {
            "id": str(uuid.uuid4()),
            "conversation": CONVERSATION,
            "seq": len(self.log) + 1,
            "sender": None if sender is None else PEOPLE[sender],
            "client_id": None,
            "kind": "system" if sender is None else "text",
            "body": body,
            "data": None,
            "created_at": stamp(),
            **fields,
        }
        return await self.append("message.new", message)

    async def append(self, kind: str, message: Frame) -> Frame:
        event = {
            "type": kind,
            "conversation": CONVERSATION,
            "seq": len(self.log) + 1,
            "at": stamp(),
            "message": message,
        }
        self.log.append(event)
        if self.skip_live:
            self.skip_live -= 1
        else:
            await self.everyone(event)
        return message

    async def everyone(self, frame: Frame) -> None:
        for socket_ in list(self.sockets):
            await socket_.send(frame)

    async def close_all(self, code: int) -> None:
        for socket_ in list(self.sockets):
            await socket_.close(code)

    def messages(self) -> list[Frame]:
        return [event["message"] for event in self.log if event["type"] == "message.new"]

    def bodies(self) -> list[str]:
        return [message["body"] for message in self.messages()]

    def summary(self) -> Frame:
        presence = {"status": "offline", "last_active": None}
        members = [{"user": user, "role": "member", "presence": presence} for user in PEOPLE.values()]
        return {"id": CONVERSATION, "kind": "trade", "title": "T-1", "head": len(self.log), "participants": members}

    # REST

    def rest(
        self, method: str, path: str, query: dict[str, list[str]], body: Frame, user: str | None
    ) -> tuple[int, Any]:
        match method, path.removeprefix("/api/v1/"):
            case "POST", "auth/token/":
                name = body["email"].split("@")[0]
                if body["password"] != "parley-demo":
                    return 401, {"code": "unauthenticated", "detail": "no"}
                return 200, {**self.issue(name), "user": PEOPLE[name]}
            case "POST", "auth/token/refresh/":
                if body["refresh"] in self.expired:
                    return 401, {"code": "unauthenticated", "detail": "ended"}
                self.renewals += 1
                return 200, self.issue(self.tokens[body["refresh"]])
            case "POST", "auth/logout/":
                self.logouts += 1
                return 204, None
        if user is None:
            return 401, {"code": "token_expired", "detail": "expired"}
        match path.removeprefix("/api/v1/"):
            case "trades/":
                return 200, self.trades(query)
            case "conversations/":
                return 200, {"results": [self.summary()], "next": None}
            case "unread/":
                return 200, {"total": 2, "conversations": {CONVERSATION: 1}}
            case path if path == f"conversations/{CONVERSATION}/":
                return 200, self.summary()
            case path if path == f"conversations/{CONVERSATION}/messages/":
                limit, before = int(query["limit"][0]), int(query.get("before_seq", ["999999"])[0])
                return 200, {"results": [m for m in self.messages() if m["seq"] < before][-limit:]}
        return 404, {"code": "not_found", "detail": "Not found."}

    def trades(self, query: dict[str, list[str]]) -> Frame:
        """Two pages, so that a client must follow `next`."""
        if "cursor" in query:
            return {"results": [{"reference": "T-1", "conversation_id": CONVERSATION}], "next": None}
        other = {"reference": "T-0", "conversation_id": str(uuid.uuid4())}
        return {"results": [other], "next": "http://elsewhere.invalid/api/v1/trades/?limit=100&cursor=abc"}

    def issue(self, name: str) -> dict[str, str]:
        pair = {"access": f"access-{uuid.uuid4()}", "refresh": f"refresh-{uuid.uuid4()}"}
        self.tokens |= dict.fromkeys(pair.values(), name)
        return pair

    def user_of(self, headers: dict[bytes, bytes]) -> str | None:
        token = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
        return None if token in self.expired else self.tokens.get(token)

    # Sockets

    async def greet(self, socket_: Socket) -> None:
        limits = {"body_chars": 4000, "frame_bytes": 65536, "typing_every_ms": 3000, "typing_expires_ms": 300}
        await socket_.send(
            {
                "type": "connected",
                "protocol": 1,
                "user": PEOPLE[socket_.user],
                "server_time": stamp(),
                "token_expires_at": stamp(self.token_life),
                "limits": limits,
            }
        )

    async def frame(self, socket_: Socket, frame: Frame) -> None:
        self.received.append(frame)
        match frame["type"]:
            case "auth":
                await socket_.send({"type": "ack", "id": frame["id"], "token_expires_at": stamp(self.token_life)})
            case "sync":
                await self.sync(socket_, frame)
            case "message.send":
                await self.send(socket_, frame)
            case "message.read" | "message.delivered":
                ack = {"type": "ack", "id": frame["id"], "delivered_seq": frame["seq"], "unread": 0}
                await socket_.send(ack | {"read_seq": frame["seq"] if frame["type"] == "message.read" else 0})
                await self.everyone({**frame, "id": None, "user": socket_.user})
            case "typing.start" | "typing.stop":
                await self.everyone({**frame, "user": PEOPLE[socket_.user]})

    async def sync(self, socket_: Socket, frame: Frame) -> None:
        position = frame["positions"][CONVERSATION]
        self.syncs.append(position)
        answer: Frame = {"id": frame["id"], "conversation": CONVERSATION, "head": len(self.log)}
        if self.reset_next_sync:
            self.reset_next_sync = False
            await socket_.send(answer | {"type": "sync.reset"})
        else:
            events = self.log[position : position + PAGE]
            more = position + PAGE < len(self.log)
            await socket_.send(answer | {"type": "sync.events", "events": events, "more": more})
        await socket_.send({"type": "ack", "id": frame["id"]})

    async def send(self, socket_: Socket, frame: Frame) -> None:
        if self.answers:
            await socket_.send({"type": "error", "id": frame["id"], **self.answers.pop(0)})
            return
        known = next((m for m in self.messages() if m["client_id"] == frame["client_id"]), None)
        if self.cut_before_ack:
            self.sockets.remove(socket_)  # stored, but neither event nor ack reaches its author
        message = known or await self.post(socket_.user, frame["body"], client_id=frame["client_id"])
        if self.cut_before_ack:
            self.cut_before_ack -= 1
            await socket_.close(1011)
            return
        await socket_.send({"type": "ack", "id": frame["id"], "message": message, "duplicate": known is not None})

    # ASGI

    async def __call__(self, scope: Frame, receive: Callable[[], Any], send: Callable[[Frame], Any]) -> None:
        headers = dict(scope["headers"])
        if scope["type"] == "websocket":
            await self._websocket(headers, receive, send)
            return
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        query = parse_qs(scope["query_string"].decode())
        user = self.user_of(headers)
        status, answer = self.rest(scope["method"], scope["path"], query, json.loads(body or b"{}"), user)
        content = b"" if answer is None else json.dumps(answer).encode()
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": content})

    async def _websocket(
        self, headers: dict[bytes, bytes], receive: Callable[[], Any], send: Callable[[Frame], Any]
    ) -> None:
        await receive()
        self.handshakes += 1
        await send({"type": "websocket.accept"})
        user = self.user_of(headers)
        socket_ = Socket(user or "", send)
        if self.refuse_handshakes:
            self.refuse_handshakes -= 1
            await socket_.close(4503)
            return
        if user is None:
            await socket_.send({"type": "error", "id": None, "code": "token_expired", "detail": "expired"})
            await socket_.close(4401)
            return
        await self.greet(socket_)
        self.sockets.append(socket_)
        with contextlib.suppress(RuntimeError):  # uvicorn's word for sending after a close
            while (event := await receive())["type"] == "websocket.receive":
                await self.frame(socket_, json.loads(event["text"]))
        if socket_ in self.sockets:
            self.sockets.remove(socket_)


class QuietServer(uvicorn.Server):
    """Leaves the signals of the test process alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[ContractServer]:
    """A server on a free port of 127.0.0.1, in the loop of the test."""
    contract = ContractServer()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    contract.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        contract, lifespan="off", log_level="critical", ws="websockets-sansio", timeout_graceful_shutdown=1
    )
    server = QuietServer(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield contract
    finally:
        server.should_exit = True
        await serving
        listener.close()
