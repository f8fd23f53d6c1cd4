"""What a request may be refused with, under the contract's codes. Raised anywhere, answered in one place."""

from math import ceil
from typing import Any

from rest_framework.exceptions import APIException, AuthenticationFailed, ParseError, PermissionDenied, Throttled
from rest_framework.exceptions import NotFound as RestNotFound


class BadFrame(ParseError):
    default_detail = "The body is not a JSON object."
    default_code = "bad_frame"


class InvalidBody(APIException):
    """What was sent has the right form but may not be so. `errors` says where, as JSON pointers into the body."""

    status_code = 400
    default_code = "invalid"

    def __init__(self, detail: str, *, pointer: str = "", errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(detail)
        self.errors = errors if errors is not None else [{"pointer": pointer, "detail": detail}]


class Unauthenticated(AuthenticationFailed):
    default_detail = "Sign in, or sign in again."
    default_code = "unauthenticated"


class TokenExpired(AuthenticationFailed):
    default_detail = "The access token has expired. Refresh it."
    default_code = "token_expired"


class Forbidden(PermissionDenied):
    default_code = "forbidden"


class NotFound(RestNotFound):
    default_code = "not_found"


class Conflict(APIException):
    status_code = 409
    default_detail = "That was already done, or cannot be done as things are."
    default_code = "conflict"


class TooLarge(APIException):
    status_code = 413
    default_detail = "The body is too large."
    default_code = "too_large"


class RateLimited(Throttled):
    """`wait` is in whole seconds, at least one: it becomes Retry-After."""

    default_code = "rate_limited"

    def __init__(self, wait: float, **kwargs: Any) -> None:
        super().__init__(wait=max(1, ceil(wait)), **kwargs)
