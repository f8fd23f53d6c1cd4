"""Every refusal of the chat: a stable code, an HTTP status, and words that tell nothing a stranger may not know."""

from typing import ClassVar


class ChatError(Exception):
    """Raised deep, translated once per edge. `detail` is shown to the client as it is."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    detail = "Something went wrong on our side."

    def __init__(self, detail: str | None = None, *, pointer: str | None = None, retry_after_ms: int | None = None):
        self.detail = detail or self.detail
        self.pointer = pointer
        self.retry_after_ms = retry_after_ms
        super().__init__(self.detail)


class BadFrame(ChatError):
    code, status, detail = "bad_frame", 400, "This is not a JSON object."


class UnknownType(ChatError):
    code, status, detail = "unknown_type", 400, "There is no such type of frame."


class Invalid(ChatError):
    """Well-formed, but a field is missing, of the wrong type or out of its limits. `pointer` names it (RFC 6901)."""

    code, status, detail = "invalid", 400, "A field is missing or wrong."


class Unauthenticated(ChatError):
    code, status, detail = "unauthenticated", 401, "Sign in first."


class TokenExpired(ChatError):
    code, status, detail = "token_expired", 401, "The access token has expired."


class Forbidden(ChatError):
    """Only for what the caller can see anyway; anything else is NotFound."""

    code, status, detail = "forbidden", 403, "You may not do this."


class NotFound(ChatError):
    """Missing, or none of the caller's business: the two look the same."""

    code, status, detail = "not_found", 404, "There is no such thing."


class Conflict(ChatError):
    code, status, detail = "conflict", 409, "Somebody was there before you."


class ConversationClosed(ChatError):
    code, status, detail = "conversation_closed", 409, "This conversation is closed."


class TooLarge(ChatError):
    code, status, detail = "too_large", 413, "This is larger than the limit."


class RateLimited(ChatError):
    code, status, detail = "rate_limited", 429, "Too many at once. Try again a little later."


class Unavailable(ChatError):
    """The database did not answer in time. It may have been stored: repeat with the same client_id."""

    code, status, detail = "unavailable", 503, "Not possible right now. Try again with the same client_id."


CODES = frozenset(
    error.code
    for error in (
        *(BadFrame, UnknownType, Invalid, Unauthenticated, TokenExpired, Forbidden, NotFound, Conflict),
        *(ConversationClosed, TooLarge, RateLimited, Unavailable, ChatError),
    )
)
