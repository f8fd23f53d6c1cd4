"""Readers of the environment: a value of the right type, or one line that names the variable."""

import pytest

from config import env
from config.env import WrongSetting


@pytest.fixture
def given(monkeypatch):
    """Sets the variable NAME, or leaves it out for None."""

    def give(value):
        monkeypatch.delenv("NAME", raising=False)
        if value is not None:
            monkeypatch.setenv("NAME", value)

    return give


def refused(read, *args, **options):
    with pytest.raises(WrongSetting) as caught:
        read("NAME", *args, **options)
    [line] = str(caught.value).splitlines()
    assert line.startswith("NAME ")
    return line


@pytest.mark.parametrize(("value", "read"), [("x", "x"), (" ", " "), ("", "default"), (None, "default")])
def test_text_is_taken_as_it_is(given, value, read):
    given(value)

    assert env.text("NAME", "default") == read


@pytest.mark.parametrize("value", ["", None])
def test_text_without_a_default_has_to_be_there(given, value):
    given(value)

    assert "is not set" in refused(env.text)


@pytest.mark.parametrize("value", ["1", "true", "Yes", "ON"])
def test_a_flag_is_on(given, value):
    given(value)

    assert env.flag("NAME") is True


@pytest.mark.parametrize("value", ["0", "False", "no", "off"])
def test_a_flag_is_off(given, value):
    given(value)

    assert env.flag("NAME", default=True) is False


@pytest.mark.parametrize("default", [True, False])
def test_a_flag_that_is_not_set_has_its_default(given, default):
    given(None)

    assert env.flag("NAME", default=default) is default


@pytest.mark.parametrize("value", ["2", "maybe", " on"])
def test_a_flag_is_nothing_else(given, value):
    given(value)

    assert repr(value) in refused(env.flag)


@pytest.mark.parametrize(("value", "read"), [("1", 1), ("10", 10), ("", 5), (None, 5)])
def test_a_number_within_its_limits(given, value, read):
    given(value)

    assert env.integer("NAME", 5, low=1, high=10) == read


@pytest.mark.parametrize("value", ["0", "11", "-1", "1.5", "x", "٣", "1e1", " 1", "1_0"])
def test_a_number_is_whole_and_within_its_limits(given, value):
    given(value)

    assert "from 1 to 10" in refused(env.integer, 5, low=1, high=10)


def test_a_list_has_no_blanks(given):
    given(" a, ,b,")
    assert env.names("NAME") == ["a", "b"]

    given(None)
    assert env.names("NAME", "x,y") == ["x", "y"]


def test_a_choice_is_one_of_those_allowed(given):
    given("b")
    assert env.choice("NAME", "a", ("a", "b")) == "b"
    given("")
    assert env.choice("NAME", "a", ("a", "b")) == "a"
    given("B")
    assert "one of a, b" in refused(env.choice, "a", ("a", "b"))


def test_a_secret_is_long_enough_and_never_shown(given):
    given("é" * 16)
    assert env.secret("NAME", None, min_bytes=32) == "é" * 16
    given("hunter2")
    assert "hunter2" not in refused(env.secret, None, min_bytes=32)
    given(None)
    assert "is not set" in refused(env.secret, None, min_bytes=32)


def test_a_url_has_one_of_the_schemes(given):
    given("redis://h/0")
    assert env.url("NAME", "", ("redis", "rediss")) == "redis://h/0"
    given("")
    assert env.url("NAME", "default", ("redis",)) == "default"
    given("http://user:secret@h")
    assert "secret" not in refused(env.url, "", ("redis", "rediss"))


def test_origins_have_a_scheme_a_host_and_nothing_behind(given):
    given("https://a.example, http://b.example:8000")
    assert env.origins("NAME") == ["https://a.example", "http://b.example:8000"]


@pytest.mark.parametrize("value", ["a.example", "https://a.example/", "https://", "*", "ftp://a", "https://a?x=1"])
def test_an_origin_that_is_none_is_named(given, value):
    given(f"https://ok.example,{value}")

    assert repr(value) in refused(env.origins)
