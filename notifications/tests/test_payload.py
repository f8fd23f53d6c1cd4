"""A push is never larger than Expo takes, and cut where a reader would cut it."""

import json
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications import payload
from notifications.enums import Kind


def visible(text, title="Trade BP-1"):
    return payload.visible(
        token="ExponentPushToken[x]",
        push_id=uuid4(),
        kind=Kind.MESSAGE,
        title=title,
        text=text,
        badge=1,
        data={"url": "/"},
    )


def size(found):
    return len(json.dumps(found).encode())


@pytest.mark.parametrize("character", ["a", "ä", "€", "👩", '"', "\\", "\n", "\x01"])
def test_a_long_text_is_cut_to_fit_whatever_it_is_made_of(character):
    found = visible(character * 5000)

    assert 4096 - 16 < size(found) <= 4096
    assert found["body"].endswith("…")
    assert set(found["body"][:-1]) <= {character}


def test_what_fits_is_whole():
    assert visible("a" * 3000)["body"] == "a" * 3000


def test_a_picture_of_several_parts_is_not_cut_in_the_middle():
    family = "👩‍👩‍👧‍👦"
    body = visible(family * 300)["body"]

    assert not body[:-1].endswith("\u200d")


@pytest.mark.parametrize("whole", ["e\u0301", "👍🏽", "❤\ufe0f", "👩\u200d💻"])
@pytest.mark.parametrize("before", ["", "a", "aa"])
def test_what_is_one_character_to_a_reader_is_not_cut_in_the_middle(whole, before):
    body = visible(before + whole * 2000)["body"][:-1]

    assert body.removeprefix(before).replace(whole, "") == ""


def test_a_long_title_is_cut_too():
    assert visible("a", title="t" * 120)["title"] == "t" * 99 + "…"


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=6000))
def test_it_always_fits(text):
    found = visible(text, title=text[:200])

    assert size(found) <= 4096
    found["body"].encode()
