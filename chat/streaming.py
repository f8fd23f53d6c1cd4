"""A table as a CSV answer (RFC 4180), sent a piece at a time: memory stays the same however long it is."""

import csv
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from chat import database

PIECE = 500  # rows; what is fetched in chunks of as many asks the database once per piece
CONTENT_TYPE = "text/csv; charset=utf-8; header=present"


def csv_answer(request: HttpRequest, rows: Iterator[Sequence[str]], name: str) -> StreamingHttpResponse:
    """
    As a download called `name` (letters, digits, dots and dashes). A failure in the middle cuts the connection, so that
    nobody takes half a table for all of it.
    """
    pieces = _pieces(rows)
    served = _on_threads(pieces) if isinstance(request, ASGIRequest) else pieces
    return StreamingHttpResponse(served, content_type=CONTENT_TYPE, headers=_headers(name))


def csv_headers(name: str) -> HttpResponse:
    """The same without a row, for HEAD."""
    return HttpResponse(content_type=CONTENT_TYPE, headers=_headers(name))


def _headers(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}


def _pieces(rows: Iterator[Sequence[str]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    while piece := "".join(map(writer.writerow, islice(rows, PIECE))):
        yield piece


async def _on_threads(pieces: Iterator[str]) -> AsyncIterator[str]:
    """Django would gather all of a plain iterator before it sends the first piece."""
    while (piece := await database.run(next, pieces, None)) is not None:
        yield piece


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text
