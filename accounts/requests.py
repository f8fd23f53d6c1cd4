"""Bodies of REST requests: strict JSON in, a typed struct out. Whoever reads a body through here never meets a dict."""

import re
from collections.abc import Mapping
from typing import IO, Any, TypeVar

import msgspec
from django.conf import settings
from django.http.request import UnreadablePostError
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from accounts.errors import BadFrame, InvalidBody, TooLarge
from accounts.models import DeviceSession, User

Shape = TypeVar("Shape", bound=msgspec.Struct)

WHERE = re.compile(r" - at (?:`key` in )?`\$(?P<path>[^`]*)`$")
STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
MISSING = re.compile(r"missing required field `(?P<name>[^`]+)`")


class UserRequest(Request):
    """A request past authentication, for annotations: its user is one of ours, its auth the device session."""

    user: User
    auth: DeviceSession


class JSONParser(BaseParser):
    """One JSON object in UTF-8. NaN, lone surrogates, absurd depth or numbers and NUL are refused here for all."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        _check_type(media_type or "")
        return decode_object(_read(stream))


def decode_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in raw. Raises BadFrame, or InvalidBody when some text holds NUL."""
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadFrame("The body is not valid JSON.") from error
    if not isinstance(found, dict):
        raise BadFrame
    if b"\\u0000" in raw:  # the only way to write it: a bare NUL is not JSON
        _refuse_nul(found, "")
    return found


def read_body(request: Request, shape: type[Shape]) -> Shape:
    """The body as `shape`; unknown fields are ignored, a missing body is {}. Raises InvalidBody naming the field."""
    return convert(_data(request), shape)


def convert(found: object, shape: type[Shape]) -> Shape:
    try:
        return msgspec.convert(found, type=shape)
    except msgspec.ValidationError as error:
        raise invalid(error) from error


def invalid(error: msgspec.ValidationError) -> InvalidBody:
    """The refusal for what msgspec says, e.g. "Expected `str`, got `int` - at `$.a[0].b`" as /a/0/b."""
    text = str(error)
    where = WHERE.search(text)
    pointer = _pointer(where["path"]) if where else ""
    detail = text[: where.start()] if where else text
    if missing := MISSING.search(detail):
        pointer += f"/{missing['name']}"
    return InvalidBody(detail, pointer=pointer)


def _data(request: Request) -> object:
    if request.META.get("CONTENT_LENGTH") or not request.META.get("CONTENT_TYPE"):
        return request.data
    # Sent in chunks: DRF takes a request without a length for one without a body.
    _check_type(request.content_type)
    raw = _read(request)
    return decode_object(raw) if raw else {}


def _check_type(content_type: str) -> None:
    kind, parameters = parse_header_parameters(content_type)
    if kind.lower() != JSONParser.media_type:  # DRF takes "*/*" for a match
        raise UnsupportedMediaType(content_type)
    if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(content_type)


def _read(stream: IO[Any] | Request) -> bytes:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    try:
        raw: bytes = stream.read(limit + 1)
    except UnreadablePostError as error:  # the client went away in the middle
        raise BadFrame("The body ended early.") from error
    if len(raw) > limit:
        raise TooLarge
    return raw


def _refuse_nul(value: object, pointer: str) -> None:
    if isinstance(value, str) and "\0" in value:
        raise InvalidBody("NUL characters are not allowed.", pointer=pointer)
    if isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_nul(item, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_nul(key, pointer)
            _refuse_nul(item, f"{pointer}/{_escape(key)}")


def _pointer(path: str) -> str:
    return "".join("/" + _escape(name or index) for name, index in STEP.findall(path) if index != "...")


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
