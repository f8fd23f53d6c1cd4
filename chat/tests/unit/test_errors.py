"""Refusals carry what PROTOCOL says, and nothing else."""

import pytest

from chat import errors
from chat.errors import ChatError, Conflict, Invalid, RateLimited

STATUSES = {
    "bad_frame": 400,
    "unknown_type": 400,
    "invalid": 400,
    "unauthenticated": 401,
    "token_expired": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "conversation_closed": 409,
    "too_large": 413,
    "rate_limited": 429,
    "unavailable": 503,
    "internal": 500,
}


def test_the_codes_are_those_of_the_protocol():
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ChatError)]

    assert {kind.code: kind.status for kind in classes} == STATUSES
    assert set(STATUSES) == errors.CODES


def test_a_refusal_says_its_own_words_unless_given_others():
    plain, worded = Conflict(), Conflict("This trade is over.")

    assert (plain.detail, str(plain)) == ("Somebody was there before you.", "Somebody was there before you.")
    assert (worded.detail, str(worded), Conflict.detail) == ("This trade is over.", "This trade is over.", plain.detail)


def test_a_refusal_may_point_at_a_field_or_say_how_long_to_wait():
    assert Invalid("Say why.", pointer="/reason").pointer == "/reason"
    assert RateLimited(retry_after_ms=1200).retry_after_ms == 1200
    assert (ChatError().pointer, ChatError().retry_after_ms) == (None, None)


@pytest.mark.parametrize("words", ["", None])
def test_a_refusal_is_never_without_words(words):
    assert ChatError(words).detail == "Something went wrong on our side."
