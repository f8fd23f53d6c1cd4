"""Reading cursors, limits and filters from a query string, as strictly as bodies are read."""

from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from rest_framework import exceptions
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.errors import InvalidBody

MAX_PAGE = 100
DEFAULT_PAGE = 50
PAGE_QUERY = {"limit": "1 to 100, default 50.", "cursor": "From `next` or `previous`."}  # for the OpenAPI page
DAY = len("2026-11-29")


def read_integer(request: Request, name: str, default: int | None, *, low: int, high: int) -> int | None:
    """A plain decimal number from the query string. Raises InvalidBody for anything else."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and low <= int(text) <= high):
        raise InvalidBody(f"`{name}` is a whole number from {low} to {high}.", pointer=f"/{name}")
    return int(text)


def read_limit(request: Request, high: int = MAX_PAGE, default: int = DEFAULT_PAGE) -> int:
    limit = read_integer(request, "limit", default, low=1, high=high)
    assert limit is not None
    return limit


def read_flag(request: Request, name: str) -> bool:
    text = request.query_params.get(name, "false")
    if text not in ("true", "false", "1", "0"):
        raise InvalidBody(f"`{name}` is true or false.", pointer=f"/{name}")
    return text in ("true", "1")


def read_choice(request: Request, name: str, allowed: tuple[str, ...]) -> str | None:
    text = request.query_params.get(name)
    if text is not None and text not in allowed:
        raise InvalidBody(f"`{name}` is one of {', '.join(allowed)}.", pointer=f"/{name}")
    return text


def read_text(request: Request, name: str, high: int = 64) -> str | None:
    text = request.query_params.get(name)
    if text is not None and (not text or len(text) > high or "\x00" in text):
        raise InvalidBody(f"`{name}` is a text of 1 to {high} characters.", pointer=f"/{name}")
    return text


def read_id(request: Request, name: str) -> UUID | None:
    text = request.query_params.get(name)
    try:
        return None if text is None else UUID(text)
    except ValueError:
        raise InvalidBody(f"`{name}` is a UUID.", pointer=f"/{name}") from None


def read_moment(request: Request, name: str, *, is_end: bool = False) -> datetime | None:
    """
    A time (RFC 3339 with an offset) or a day (2026-11-29, in UTC), as a time in UTC: a day stands for its beginning
    or, with `is_end`, for that of the next, so that ranges without their end hold the whole of the last day.
    """
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        moment = _read_day(text, is_end) if len(text) == DAY else msgspec.convert(text, Moment)
        if MINYEAR + 1 < moment.year < MAXYEAR - 1:  # in another time zone, or a range before, still in the calendar
            return moment.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        pass
    raise InvalidBody(f"`{name}` is a day (2026-11-29) or a time (2026-11-29T10:00:00Z).", pointer=f"/{name}")


Moment = Annotated[datetime, msgspec.Meta(tz=True)]


def _read_day(text: str, is_end: bool) -> datetime:
    beginning = datetime.combine(msgspec.convert(text, date), time.min, UTC)
    return beginning + timedelta(days=1) if is_end else beginning


class Pages(CursorPagination):
    """The newest first; a cursor stays right while rows come and go."""

    page_size = DEFAULT_PAGE

    def __init__(self, ordering: tuple[str, ...]) -> None:
        self.ordering = ordering

    def get_page_size(self, request: Request) -> int:
        return read_limit(request)

    def decode_cursor(self, request: Request) -> Cursor | None:
        try:
            return super().decode_cursor(request)
        except exceptions.NotFound:
            raise InvalidBody("This cursor is not one of ours.", pointer="/cursor") from None

    def page_of(self, rows: QuerySet[Any], request: Request) -> list[Any]:
        try:
            return self.paginate_queryset(rows, request) or []
        except (ValidationError, ValueError):
            raise InvalidBody("This cursor is not one of ours.", pointer="/cursor") from None

    def answer(self, results: list[Any], **beside: Any) -> Response:
        links = {"next": self.get_next_link(), "previous": self.get_previous_link()}
        return Response({"results": results, **links, **beside})
