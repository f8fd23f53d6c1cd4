"""Bodies: what is refused before anything looks at it, and where a refusal points."""

from io import BytesIO
from typing import Annotated
from uuid import UUID

import msgspec
import pytest
from django.core.handlers.asgi import ASGIRequest
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request

from accounts.errors import BadFrame, InvalidBody, TooLarge
from accounts.requests import JSONParser, convert, decode_object, read_body

DEEP = 100_000


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": 1,}',
        b"[]",
        b'"x"',
        b"1",
        b"null",
        b"true",
        b"NaN",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e400}',
        b'{"a": ' + b"1" * 5000 + b"}",
        b"[" * DEEP,
        b'{"a":' * DEEP,
        b'{"a": "\\ud83d"}',
        b'{"a": "\\ud83dx"}',
        b'{"a": "\\ude00\\ud83d"}',
        b'{"\\udc00": 1}',
        b'{"a": "\xc3\x28"}',
        b'{"a": "\xed\xa0\xbd"}',
        b'{"a": "\0"}',
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\0}\0",
    ],
)
def test_what_is_not_a_json_object_is_a_bad_frame(raw):
    with pytest.raises(BadFrame) as refusal:
        decode_object(raw)

    assert (refusal.value.status_code, refusal.value.get_codes()) == (400, "bad_frame")


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (rb'{"a": "\u0000"}', "/a"),
        (rb'{"a": ["x", {"b/c": "x\u0000"}]}', "/a/1/b~1c"),
        (rb'{"\u0000": 1}', ""),
    ],
)
def test_nul_is_refused_wherever_it_stands(raw, pointer):
    with pytest.raises(InvalidBody) as refusal:
        decode_object(raw)

    assert refusal.value.errors == [{"pointer": pointer, "detail": "NUL characters are not allowed."}]


def test_text_that_only_looks_like_nul_is_kept():
    assert decode_object(rb'{"a": "\\u0000"}') == {"a": "\\u0000"}


class Inner(msgspec.Struct):
    b: int


class Shape(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(max_length=3)]
    a: list[Inner] = []
    ids: dict[UUID, int] = {}


@pytest.mark.parametrize(
    ("found", "error"),
    [
        ({}, {"pointer": "/name", "detail": "Object missing required field `name`"}),
        ({"name": 1}, {"pointer": "/name", "detail": "Expected `str`, got `int`"}),
        ({"name": "abcd"}, {"pointer": "/name", "detail": "Expected `str` of length <= 3"}),
        ({"name": None}, {"pointer": "/name", "detail": "Expected `str`, got `null`"}),
        ({"name": "a", "a": [{"b": 1}, {"b": 1.0}]}, {"pointer": "/a/1/b", "detail": "Expected `int`, got `float`"}),
        ({"name": "a", "a": [{}]}, {"pointer": "/a/0/b", "detail": "Object missing required field `b`"}),
        ({"name": "a", "ids": {"x": 1}}, {"pointer": "/ids", "detail": "Invalid UUID"}),
    ],
)
def test_a_refusal_points_at_the_field(found, error):
    with pytest.raises(InvalidBody) as refusal:
        convert(found, Shape)

    assert refusal.value.errors == [error]


def test_fields_that_nobody_asked_for_are_ignored():
    assert convert({"name": "a", "role": "super_admin"}, Shape) == Shape(name="a")


def chunked(body: bytes, content_type: str = "application/json") -> Request:
    """A request without Content-Length, as HTTP/1.1 clients and proxies send it in chunks."""
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-type", content_type.encode())]}
    return Request(ASGIRequest(scope, BytesIO(body)), parsers=[JSONParser()])


def test_a_body_sent_in_chunks_is_read_and_held_to_the_same_rules(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 20

    assert read_body(chunked(b'{"name": "a"}'), Shape) == Shape(name="a")
    for body, content_type, refusal in [
        (b"[]", "application/json", BadFrame),
        (b'{"name": "a"}', "text/plain", UnsupportedMediaType),
        (b'{"name": "a"}', "application/json; charset=utf-16", UnsupportedMediaType),
        (b'{"name": "' + b"a" * 20, "application/json", TooLarge),
        (b"", "application/json", InvalidBody),
    ]:
        with pytest.raises(refusal):
            read_body(chunked(body, content_type), Shape)
