"""Reading frames: each is taken as exactly what it says, and whatever else comes is refused in the right words."""

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import protocol
from chat.errors import BadFrame, Invalid, UnknownType
from chat.protocol import RefusedFrame, check_body, read_frame

ONE = "01890000-0000-7000-8000-000000000001"
TWO = "01890000-0000-7000-8000-000000000002"
READ = {"type": "message.read", "conversation": ONE, "seq": 7}
SEND = {"type": "message.send", "conversation": ONE, "client_id": TWO}

FRAMES: list[tuple[dict[str, Any], protocol.Frame]] = [
    ({"type": "auth", "token": "abc"}, protocol.Auth(token="abc")),
    ({"type": "ping"}, protocol.Ping()),
    (SEND | {"body": "hi"}, protocol.SendMessage(conversation=UUID(ONE), client_id=UUID(TWO), body="hi")),
    (
        SEND | {"kind": "text", "reply_to": TWO},
        protocol.SendMessage(conversation=UUID(ONE), client_id=UUID(TWO), reply_to=UUID(TWO)),
    ),
    (READ, protocol.MarkRead(conversation=UUID(ONE), seq=7)),
    (READ | {"type": "message.delivered"}, protocol.MarkDelivered(conversation=UUID(ONE), seq=7)),
    ({"type": "typing.start", "conversation": ONE}, protocol.StartTyping(conversation=UUID(ONE))),
    ({"type": "typing.stop", "conversation": ONE}, protocol.StopTyping(conversation=UUID(ONE))),
    (
        {"type": "presence.set", "status": "idle", "foreground": False},
        protocol.SetPresence(status="idle", foreground=False),
    ),
    (
        {"type": "sync", "positions": {ONE: 0, TWO: 2**63 - 1}},
        protocol.Sync(positions={UUID(ONE): 0, UUID(TWO): 2**63 - 1}),
    ),
    ({"type": "sync", "positions": {}}, protocol.Sync(positions={})),
]


def refusal(text: str) -> RefusedFrame:
    with pytest.raises(RefusedFrame) as caught:
        read_frame(text)
    return caught.value


@pytest.mark.parametrize(("sent", "read"), FRAMES)
def test_each_frame_is_read_as_what_it_says(sent, read):
    assert read_frame(json.dumps(sent)) == read


def test_every_type_of_frame_is_tried_above():
    assert {type(read) for _, read in FRAMES} == set(protocol.FRAME_TYPES)


def test_an_id_comes_along_and_unknown_fields_are_ignored():
    assert read_frame('{"type":"ping","id":"a1","role":"super_admin"}') == protocol.Ping(id="a1")
    assert read_frame('{"type":"ping","id":null}') == protocol.Ping()


NO_FRAMES = [
    *("", "hello", "NaN", "[]", '"ping"', "7", "null", "{}", '{"type":7}', '{"type":null}', "{'type':'ping'}"),
    *('{"type":"ping"} x', '{"type":"ping","x":"\\ud800"}', '{"type":"ping","id":"\ud800"}', "\ud800"),
    '{"type":"ping","x":' + "[" * 100_000 + "]" * 100_000 + "}",
]


@pytest.mark.parametrize("text", NO_FRAMES, ids=range(len(NO_FRAMES)))
def test_what_is_no_object_with_a_type_is_a_bad_frame(text):
    refused = refusal(text)

    assert (type(refused.error), refused.frame_id) == (BadFrame, None)


@pytest.mark.parametrize("kind", ["", "message.edit", "reaction.add", "connected", "PING", "__class__"])
def test_a_type_that_is_not_there_is_said_so_with_the_frames_own_id(kind):
    refused = refusal(json.dumps({"type": kind, "id": "a1"}))

    assert (type(refused.error), refused.frame_id) == (UnknownType, "a1")


@pytest.mark.parametrize("frame_id", ["x" * 65, 7, ["a"], {"id": "a"}, True])
def test_an_id_that_is_none_cannot_be_repeated(frame_id):
    refused = refusal(json.dumps({"type": "ping", "id": frame_id}))

    assert (type(refused.error), refused.error.pointer, refused.frame_id) == (Invalid, "/id", None)


@pytest.mark.parametrize(
    ("frame", "pointer"),
    [
        *((READ | {"seq": seq}, "/seq") for seq in ("7", 7.0, 7.5, True, None, -1, 2**63, 10**40, [7])),
        *((READ | {"conversation": place}, "/conversation") for place in ("x", "", 7, None, ONE[:-1], {"id": ONE})),
        *((SEND | {"body": body}, "/body") for body in (7, None, ["hi"], "x" * 5_001)),
        *((SEND | {"client_id": key}, "/client_id") for key in ("x", 7, None)),
        *((SEND | {"kind": kind}, "/kind") for kind in ("image", "system", "", None)),
        (SEND | {"reply_to": "x"}, "/reply_to"),
        ({"type": "sync", "positions": {ONE: "1"}}, "/positions"),
        ({"type": "sync", "positions": {"x": 1}}, "/positions"),
        ({"type": "sync", "positions": [ONE]}, "/positions"),
        ({"type": "sync", "positions": {ONE[:-3] + f"{n:03}": 0 for n in range(201)}}, "/positions"),
        ({"type": "presence.set", "status": "offline"}, "/status"),
        ({"type": "presence.set", "foreground": "yes"}, "/foreground"),
        ({"type": "auth", "token": "x" * 8_193}, "/token"),
        ({"type": "typing.start"}, None),
        ({"type": "message.send", "conversation": ONE}, None),
    ],
)
def test_a_field_that_is_missing_or_wrong_is_named(frame, pointer):
    refused = refusal(json.dumps(frame | {"id": "a1"}))

    assert (type(refused.error), refused.error.pointer, refused.frame_id) == (Invalid, pointer, "a1")
    assert "$" not in refused.error.detail


def test_limits_count_characters_as_people_do_not_bytes():
    frame = read_frame(json.dumps(SEND | {"body": "😀" * 5_000}))

    assert isinstance(frame, protocol.SendMessage)
    assert len(frame.body) == protocol.MAX_BODY


def test_two_hundred_positions_are_not_too_many():
    positions = {ONE[:-3] + f"{n:03}": n for n in range(protocol.MAX_SYNC_POSITIONS)}

    frame = read_frame(json.dumps({"type": "sync", "positions": positions}))

    assert isinstance(frame, protocol.Sync)
    assert len(frame.positions) == protocol.MAX_SYNC_POSITIONS


@given(st.one_of(st.text(), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "id", "seq", "body", "positions"]), inner),
).map(json.dumps)))  # fmt: skip
def test_nothing_that_may_come_is_more_than_a_frame_or_a_refusal(text):
    try:
        outcome: object = read_frame(text)
    except RefusedFrame as refused:
        outcome = refused.error

    assert isinstance(outcome, (*protocol.FRAME_TYPES, BadFrame, UnknownType, Invalid))


def test_frames_go_out_as_compact_json_in_utf_8():
    assert protocol.to_text({"type": "é", "at": UUID(ONE)}) == f'{{"type":"é","at":"{ONE}"}}'


@pytest.mark.parametrize("body", ["", " ", "\n\t", "\u200b\u200d", "\u2800", "\u3164", "\ufe0f", "\u00a0"])
def test_a_body_without_anything_to_see_is_refused(body):
    with pytest.raises(Invalid, match="empty") as caught:
        check_body(body)

    assert caught.value.pointer == "/body"


def test_a_body_with_nul_is_refused():
    with pytest.raises(Invalid, match="NUL"):
        check_body("a\x00b")


@pytest.mark.parametrize("body", [" a ", "\u202eabc", "👨‍👩‍👧", "0", "a\r\nb", "\u0627\u0644"])
def test_a_body_with_anything_to_see_is_taken(body):
    check_body(body)
