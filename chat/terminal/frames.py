"""The frames this client sends, and the names it needs to read the others; shapes only, no I/O."""

import json
from typing import Any

Frame = dict[str, Any]

LOG_EVENTS = frozenset(
    {
        "message.new",
        "message.edited",
        "message.deleted",
        "message.reacted",
        "message.pinned",
        "message.unpinned",
    }
)
# Used until the server names its own in `connected`.
DEFAULT_LIMITS: Frame = {
    "frame_bytes": 65536,
    "body_chars": 4000,
    "typing_every_ms": 3000,
    "typing_expires_ms": 7000,
}


def encode(frame: Frame) -> str:
    """The text that goes on the wire; its UTF-8 length is what the server's frame limit counts."""
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def auth(token: str, frame_id: str) -> Frame:
    return {"type": "auth", "id": frame_id, "token": token}


def sync(conversation: str, seq: int, frame_id: str) -> Frame:
    return {"type": "sync", "id": frame_id, "positions": {conversation: seq}}


def send(conversation: str, client_id: str, body: str, frame_id: str) -> Frame:
    return {
        "type": "message.send",
        "id": frame_id,
        "conversation": conversation,
        "client_id": client_id,
        "body": body,
    }


def mark(kind: str, conversation: str, seq: int) -> Frame:
    """`kind` is "delivered" or "read"; it is the frame's id too, since a later mark contains an earlier one."""
    return {"type": f"message.{kind}", "id": kind, "conversation": conversation, "seq": seq}


def typing(conversation: str, active: bool) -> Frame:
    return {"type": "typing.start" if active else "typing.stop", "conversation": conversation}
