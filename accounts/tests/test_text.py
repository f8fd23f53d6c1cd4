"""Blankness, cells and times."""
# the ambiguous letters are the point

from datetime import UTC, datetime, timedelta, timezone

import pytest

from accounts.text import csv_cell, is_blank, timestamp


@pytest.mark.parametrize(
    "text",
    ["", "  \n\t", "\u200b\u2060\ufeff", "\u0301\u0302", "\u3164\u115f\u2800", "\x01\x7f", "\u2028", "\u00a0\u3000"],
)
def test_text_of_which_nothing_is_seen_is_blank(text):
    assert is_blank(text)


@pytest.mark.parametrize("text", [".", " a ", "\u200bx", "👩‍👩‍👧", "1️⃣", "☀️", "é", "ا"])
def test_text_with_one_visible_character_is_not_blank(text):
    assert not is_blank(text)


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n1", " =1", "\u00a0\u200b=1", "\x01=1", "\ufeff@x"),
        *("\uff1d1", "\uff0b1", "\uff0d1", "\uff201", "\ufe62x", "\u22121", " \u3000\uff1d1", '=HYPERLINK("x")'),
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(text):
    assert csv_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", " ", "a=1", "1-2", "BP-1", 'say "hi", or\r\nnot', "'=1", "é", "👍 =1"])
def test_any_other_cell_stays_as_it_is(text):
    assert csv_cell(text) == text


def test_times_are_utc_with_milliseconds():
    utc = datetime(2026, 1, 2, 3, 4, 5, 678_999, UTC)
    elsewhere = datetime(2026, 1, 2, 4, 4, 5, 0, timezone(timedelta(hours=1)))

    assert [timestamp(utc), timestamp(elsewhere)] == ["2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.000Z"]
