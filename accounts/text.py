"""What text looks like to a reader or a spreadsheet, and how times are written. Pure functions, no Django."""

import unicodedata
from datetime import UTC, datetime
from functools import lru_cache

INVISIBLE = frozenset(("Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Me"))
FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")  # letters and a symbol by category, blank to the eye
FORMULA_STARTS = frozenset("=+-@\u2212")
BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_invisible(char: str) -> bool:
    return char in FILLERS or unicodedata.category(char) in INVISIBLE


def is_blank(text: str) -> bool:
    """Whether a reader would see nothing at all: empty, spaces, zero-width characters or marks without a letter."""
    return all(map(is_invisible, text))


def csv_cell(text: str) -> str:
    """
    The text as a cell that no spreadsheet takes for a formula (OWASP, "CSV Injection"): an apostrophe goes in front of
    what begins with = + - @, also in full-width or small form or behind blanks, or with a tab or a line break.
    Quoting is left to the csv module.
    """
    if text[:1] in ("\t", "\r", "\n"):
        return f"'{text}"
    first = next((char for char in text if not is_invisible(char)), "")
    return f"'{text}" if unicodedata.normalize("NFKC", first) in FORMULA_STARTS else text


@lru_cache(maxsize=256)  # all messages of one commit have one time
def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: 2026-01-02T03:04:05.678Z."""
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return at.isoformat(timespec="milliseconds")[:23] + "Z"
