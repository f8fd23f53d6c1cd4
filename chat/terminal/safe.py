"""Makes text from other people harmless for a terminal: what steers it is shown as an escape instead."""

import unicodedata

# Joiners shape Persian, Indic scripts and emoji and move nothing on the screen.
HARMLESS = frozenset("\u200c\u200d")
STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def one_line(text: str) -> str:
    """Controls (C0, C1, ESC), bidi overrides, invisible formatting and line breaks, all written out."""
    return "".join(escape(character) for character in text)


def lines(text: str) -> list[str]:
    """The lines of a body, each made harmless; a line break stays one only here."""
    return [one_line(part.expandtabs(4)) for part in text.replace("\r\n", "\n").split("\n")]


def escape(character: str) -> str:
    if character in HARMLESS or unicodedata.category(character) not in STEERING:
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
