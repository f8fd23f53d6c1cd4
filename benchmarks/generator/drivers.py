"""The wire formats: how each system is addressed, and how its frames say "stored" and "here is a message"."""

import json

import msgspec
from picows import WSFrame, WSMsgType

from benchmarks.generator.client import Client, ClientFactory

TEXT = WSMsgType.TEXT


class Identified(msgspec.Struct):
    client_id: str | None = None


class ParleyFrame(msgspec.Struct):
    type: str
    id: str | None = None
    message: Identified | None = None
    code: str | None = None


class TutorialFrame(msgspec.Struct):
    type: str
    client_id: str = ""


class SocketIOAnswer(msgspec.Struct):
    client_id: str = ""
    error: str = ""


read_parley = msgspec.json.Decoder(ParleyFrame).decode
read_tutorial = msgspec.json.Decoder(TutorialFrame).decode
read_answer = msgspec.json.Decoder(tuple[SocketIOAnswer]).decode
read_event = msgspec.json.Decoder(tuple[str, SocketIOAnswer]).decode


class ParleyClient(Client):
    def url(self, port: int) -> str:
        return f"ws://127.0.0.1:{port}/ws/"

    def send(self, client_id: str, body: str) -> None:
        frame = (
            f'{{"type":"message.send","id":"{client_id}","conversation":"{self.conversation}",'
            f'"client_id":"{client_id}","body":"{body}"}}'
        )
        self.transport.send(TEXT, frame.encode())

    def received(self, frame: WSFrame) -> None:
        heard = read_parley(frame.get_payload_as_memoryview())
        if heard.type == "message.new":
            if heard.message is not None and heard.message.client_id is not None:
                self.watcher.seen(heard.message.client_id, self.seat)
        elif heard.type == "ack":
            self.watcher.acked(heard.id or "")
        elif heard.type == "connected":
            self.accepted()
        elif heard.type == "error":
            self.fault(f"error {heard.code}")


class TutorialClient(Client):
    """Also what the raw server speaks."""

    def url(self, port: int) -> str:
        return f"ws://127.0.0.1:{port}/ws/{self.conversation}/"

    def send(self, client_id: str, body: str) -> None:
        self.transport.send(TEXT, f'{{"client_id":"{client_id}","body":"{body}"}}'.encode())

    def received(self, frame: WSFrame) -> None:
        heard = read_tutorial(frame.get_payload_as_memoryview())
        if heard.type == "message":
            self.watcher.seen(heard.client_id, self.seat)
        elif heard.type == "ack":
            self.watcher.acked(heard.client_id)
        elif heard.type == "connected":
            self.accepted()
        else:
            self.fault(heard.type)


class SocketIOClient(Client):
    """Engine.IO 4 over a WebSocket: one digit for the packet, then Socket.IO's own digit, then JSON."""

    def url(self, port: int) -> str:
        return f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"

    def headers(self) -> dict[str, str]:
        return {}

    def send(self, client_id: str, body: str) -> None:
        event = f'["message",{{"conversation":"{self.conversation}","client_id":"{client_id}","body":"{body}"}}]'
        # The number asks for an acknowledgement; the answer names the client_id, so any number will do.
        self.transport.send(TEXT, f"421{event}".encode())

    def received(self, frame: WSFrame) -> None:
        packet = frame.get_payload_as_bytes()
        match packet[:2]:
            case b"42":
                self.watcher.seen(read_event(packet[2:])[1].client_id, self.seat)
            case b"43":
                self.answered(read_answer(packet[packet.index(b"[") :])[0])
            case b"2":
                self.transport.send(TEXT, b"3")
            case b"40":
                self.accepted()
            case _ if packet[:1] == b"0":
                self.transport.send(TEXT, b"40" + json.dumps({"token": self.token}).encode())
            case _:
                self.fault(packet.decode())

    def answered(self, answer: SocketIOAnswer) -> None:
        if answer.error:
            self.fault(f"error {answer.error}")
        else:
            self.watcher.acked(answer.client_id)


DRIVERS: dict[str, ClientFactory] = {
    "parley": ParleyClient,
    "socketio": SocketIOClient,
    "tutorial": TutorialClient,
}
