"""
The frames a client may send, as frozen typed data, and reading them strictly. No I/O, no database, no framework.

The union `ClientFrame` is the table of contents of the protocol. Fields a frame does not have are ignored and never
applied. Numbers, UUIDs and texts are taken only as what they are: "7", 7.0 and true are no positions.
"""

import unicodedata
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from accounts.text import is_blank
from chat.errors import BadFrame, Invalid, UnknownType

PROTOCOL_VERSION = 1
SUBPROTOCOL = "parley.v1"
MAX_FRAME_BYTES = 65_536
MAX_BODY = 5_000  # characters, that is code points
MAX_SYNC_POSITIONS = 200
MAX_SYNC_EVENTS = 300  # per conversation
MAX_SYNC_TOTAL = 2_000  # per sync
MAX_SYNC_BEHIND = 10_000  # farther behind, the newest page over REST is the quicker way
MAX_PAGE = 100
MAX_SEQ = 2**63 - 1
MAX_TITLE = 120  # of a group

FrameId = Annotated[str, Meta(max_length=64)]
Seq = Annotated[int, Meta(ge=0, le=MAX_SEQ)]
Body = Annotated[str, Meta(max_length=MAX_BODY)]


class Frame(Struct, frozen=True, kw_only=True, tag_field="type"):
    """Every client frame may carry an `id`, which its answer repeats."""

    id: FrameId | None = None


class Auth(Frame, frozen=True, tag="auth"):
    token: Annotated[str, Meta(max_length=8_192)]


class Ping(Frame, frozen=True, tag="ping"):
    pass


class SendMessage(Frame, frozen=True, tag="message.send"):
    conversation: UUID
    client_id: UUID
    body: Body = ""
    kind: Literal["text"] = "text"
    reply_to: UUID | None = None


class MarkDelivered(Frame, frozen=True, tag="message.delivered"):
    conversation: UUID
    seq: Seq


class MarkRead(Frame, frozen=True, tag="message.read"):
    conversation: UUID
    seq: Seq


class StartTyping(Frame, frozen=True, tag="typing.start"):
    conversation: UUID


class StopTyping(Frame, frozen=True, tag="typing.stop"):
    conversation: UUID


class SetPresence(Frame, frozen=True, tag="presence.set"):
    status: Literal["active", "idle"] = "active"
    foreground: bool = True


class Sync(Frame, frozen=True, tag="sync"):
    positions: Annotated[dict[UUID, Seq], Meta(max_length=MAX_SYNC_POSITIONS)]


ClientFrame = Auth | Ping | SendMessage | MarkDelivered | MarkRead | StartTyping | StopTyping | SetPresence | Sync
FRAME_TYPES: tuple[type[Frame], ...] = ClientFrame.__args__


class _Envelope(Struct):
    type: str
    id: FrameId | None = None


class RefusedFrame(Exception):
    """A frame that could not be read: the error to answer with, and the frame's own id where it had a usable one."""

    def __init__(self, error: BadFrame | UnknownType | Invalid, frame_id: str | None) -> None:
        super().__init__(error.detail)
        self.error = error
        self.frame_id = frame_id


_decoders = {frame.__struct_config__.tag: msgspec.json.Decoder(frame) for frame in FRAME_TYPES}
_envelope = msgspec.json.Decoder(_Envelope)
encode = msgspec.json.Encoder().encode


def to_text(frame: Any) -> str:
    """One frame as the text that goes over the wire."""
    return encode(frame).decode()


def read_frame(text: str) -> ClientFrame:
    """A client's frame. Raises RefusedFrame with bad_frame, unknown_type or invalid."""
    try:
        envelope = _envelope.decode(text)
    except msgspec.ValidationError as error:
        if "`$.id`" in str(error):
            raise RefusedFrame(_invalid(error), None) from error
        raise RefusedFrame(BadFrame(f"Every frame is an object with a text `type`: {error}"), None) from error
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError, ValueError) as error:
        raise RefusedFrame(BadFrame("This is not valid JSON."), None) from error
    decoder = _decoders.get(envelope.type)
    if decoder is None:
        raise RefusedFrame(UnknownType(), envelope.id)
    try:
        return decoder.decode(text)  # type: ignore[return-value]  # each decoder yields one of the union
    except msgspec.ValidationError as error:
        raise RefusedFrame(_invalid(error), envelope.id) from error


def _invalid(error: msgspec.ValidationError) -> Invalid:
    """msgspec says "Expected `int` - at `$.positions[...]`"; clients get that place as a JSON pointer."""
    words, _, place = str(error).replace("`key` in ", "").partition(" - at `$")
    path = place.rstrip("`").replace("[...]", "").replace("[", ".").replace("]", "").replace(".", "/")
    return Invalid(words, pointer=path or None)


def check_line(text: str, pointer: str) -> None:
    """Refuse what is not one visible line: such words stand in titles, lists and logs."""
    if is_blank(text) or any(unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") for character in text):
        raise Invalid("This has to be one line of visible text.", pointer=pointer)


def check_body(body: str) -> None:
    """Refuse what is empty to the eye, and NUL, which PostgreSQL cannot hold. All else is stored as it was sent."""
    if "\x00" in body:
        raise Invalid("The text holds a NUL character.", pointer="/body")
    if is_blank(body):
        raise Invalid("The text is empty.", pointer="/body")
