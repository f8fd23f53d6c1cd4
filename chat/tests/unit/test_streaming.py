"""A long CSV answer under ASGI and without it."""

from itertools import count

import pytest
from django.test import AsyncRequestFactory, RequestFactory

from chat.streaming import PIECE, csv_answer, csv_headers


class Rows:
    """Rows without end, or until it fails; counts how many were asked for."""

    def __init__(self, fails_at=None):
        self.asked = 0
        self.fails_at = fails_at

    def __iter__(self):
        for number in count():
            if number == self.fails_at:
                raise RuntimeError("the database is gone")
            self.asked += 1
            yield [str(number), 'a "b", c']


async def test_under_asgi_a_piece_is_made_when_it_is_sent():
    rows = Rows()
    answer = csv_answer(AsyncRequestFactory().get("/"), iter(rows), "x.csv")

    pieces = aiter(answer)
    assert rows.asked == 0
    first, asked = await anext(pieces), rows.asked
    await anext(pieces)

    assert (first[:21], first.count(b"\r\n")) == (b'0,"a ""b"", c"\r\n1,"a ', PIECE)
    assert (asked, rows.asked) == (PIECE, 2 * PIECE)


async def test_a_failure_in_the_middle_is_not_taken_for_the_end():
    answer = csv_answer(AsyncRequestFactory().get("/"), iter(Rows(fails_at=PIECE + 1)), "x.csv")

    pieces = aiter(answer)
    await anext(pieces)
    with pytest.raises(RuntimeError):
        await anext(pieces)


def test_without_asgi_it_is_a_plain_iterator():
    answer = csv_answer(RequestFactory().get("/"), iter([["a", "b"], ["c", "\r\n"]]), "x.csv")

    assert answer.getvalue() == b'a,b\r\nc,"\r\n"\r\n'


def test_nothing_is_nothing():
    assert csv_answer(RequestFactory().get("/"), iter(()), "x.csv").getvalue() == b""


def test_the_headers_alone_are_the_same():
    full, alone = csv_answer(RequestFactory().get("/"), iter(()), "x.csv"), csv_headers("x.csv")

    assert dict(full.headers) | {"Content-Length": "0"} == dict(alone.headers) | {"Content-Length": "0"}
    assert (alone.content, alone["Content-Disposition"]) == (b"", 'attachment; filename="x.csv"')
