"""The JSON of one push, within Expo's 4,096 bytes whatever somebody wrote."""

import json
import unicodedata
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from notifications.enums import Kind

MAX_BYTES = 4096  # https://docs.expo.dev/push-notifications/sending-notifications/#message-request-format
MAX_TITLE = 100  # characters
TTL = 24 * 3600  # seconds that Expo, Apple and Google may keep it for a phone that is off
CUT = "…"
JOINER = "\u200d"  # between the parts of one picture

Payload = dict[str, Any]


def visible(
    *, token: str, push_id: UUID, kind: Kind, title: str, text: str, badge: int, data: Mapping[str, Any]
) -> Payload:
    """A push to be seen and heard. `text` is cut to fit, at the end of a character."""
    payload: Payload = {
        "to": token,
        "title": cut(title, MAX_TITLE),
        "body": "",
        "data": {"id": str(push_id), "kind": kind.value, **data},
        "badge": badge,
        "sound": "default",
        "priority": "high",
        "ttl": TTL,
        "channelId": kind.value,
    }
    payload["body"] = _fitting(text, MAX_BYTES - _size(payload))
    return payload


def silent(*, token: str, push_id: UUID, badge: int) -> Payload:
    """A push that only sets the number on the app's icon."""
    data = {"id": str(push_id), "kind": Kind.BADGE.value, "badge": badge}
    return {"to": token, "data": data, "badge": badge, "priority": "normal", "ttl": TTL, "_contentAvailable": True}


def cut(text: str, length: int) -> str:
    """At most `length` characters, the last of them an ellipsis where something is missing."""
    return text if len(text) <= length else _whole(text, length - 1) + CUT


def _fitting(text: str, room: int) -> str:
    """As much of a text as takes at most `room` bytes inside JSON as it is sent."""
    if _size(text) - 2 <= room:  # its quotes are in the payload already
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if _size(text[:middle] + CUT) - 2 <= room:
            low = middle
        else:
            high = middle - 1
    return _whole(text, low) + CUT


def _whole(text: str, length: int) -> str:
    """At most `length` characters, without the beginning of what is one character to a reader and would go on."""
    end = length
    while end and (_goes_on(text[end]) or text[end - 1] == JOINER or 0x1F1E6 <= ord(text[end - 1]) <= 0x1F1FF):
        end -= 1
    return text[: end or length]


def _goes_on(character: str) -> bool:
    """Whether it changes the one before it: an accent, a variation, a colour of skin, a joiner."""
    combines = unicodedata.category(character) in ("Mn", "Mc", "Me")
    return combines or character == JOINER or 0x1F3FB <= ord(character) <= 0x1F3FF


def _size(value: object) -> int:
    """Bytes as the SDK sends it: ASCII with escapes, so never less than what Expo counts."""
    return len(json.dumps(value).encode())
