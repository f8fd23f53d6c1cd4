"""What an action may raise, and what the page then says."""

import pytest
from django.db import OperationalError
from django.http import Http404

from accounts.errors import Conflict as AccountConflict
from chat.admin.base import refusal_of
from chat.errors import Conflict, NotFound, Unavailable


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Conflict("Too late."), "Too late."),
        (AccountConflict("Somebody has to stay."), "Somebody has to stay."),
        (OperationalError("server closed the connection"), Unavailable.detail),
    ],
)
def test_a_refusal_is_told_in_its_own_words(error, words):
    def action() -> None:
        raise error

    assert refusal_of(action) == words


def test_what_does_not_exist_is_a_page_that_does_not_exist():
    def action() -> None:
        raise NotFound

    with pytest.raises(Http404):
        refusal_of(action)


def test_a_bug_is_not_a_refusal():
    with pytest.raises(ZeroDivisionError):
        refusal_of(lambda: 1 / 0)
