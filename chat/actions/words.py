"""What people say to explain what they do: reasons and comments, checked alike everywhere."""

from accounts.text import is_blank
from chat.errors import Invalid

MAX_REASON = 1_000  # characters


def require_reason(reason: str) -> None:
    """Raise Invalid where a reason is wanted and a reader would see none."""
    if is_blank(reason):
        raise Invalid("Say why.", pointer="/reason")


def check(text: str, pointer: str) -> None:
    """Raise Invalid for what cannot be stored, or is too long."""
    if "\x00" in text:
        raise Invalid("The text holds a NUL character.", pointer=pointer)
    if len(text) > MAX_REASON:
        raise Invalid(f"At most {MAX_REASON} characters.", pointer=pointer)
