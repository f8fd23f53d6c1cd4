"""Lines: what they say, and that no text from outside can steer the terminal."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.terminal import render, safe, system
from chat.terminal.notices import Receipts, Typing

TINA = {"id": "t", "display_name": "Tina", "role": "trade_admin"}


def shown(**fields: object) -> str:
    message = {"sender": TINA, "kind": "text", "body": "hello", "created_at": "2026-01-02T03:04:05.000Z"}
    return render.plain(render.message(message | fields, "me"))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b2J", "\\x9b2J"),
        ("a\rb\x08\x00\x7f", "a\\x0db\\x08\\x00\\x7f"),
        ("\u202egnp.exe\u2066\u200f", "\\u202egnp.exe\\u2066\\u200f"),
        ("\u2028\u2029\ufeff\u200b", "\\u2028\\u2029\\ufeff\\u200b"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("é ü 日本 🙂 👩\u200d💻 क\u200cष", "é ü 日本 🙂 👩\u200d💻 क\u200cष"),
    ],
)
def test_what_steers_is_escaped_and_what_is_text_stays(text: str, escaped: str):
    assert safe.one_line(text) == escaped


@given(st.text())
def test_no_line_holds_a_control_whatever_the_body_and_name(text: str):
    line = shown(body=text, sender=TINA | {"display_name": text}, attachments=[{"name": text}])

    left = {unicodedata.category(character) for character in line.replace("\u200c", "").replace("\u200d", "")}
    assert left.isdisjoint({"Cf", "Cs", "Zl", "Zp"})
    assert {character for character in line if unicodedata.category(character) == "Cc"} <= {"\n"}
    assert all(part.startswith("      │ ") for part in line.split("\n")[1:])


@given(st.text(), st.text())
def test_a_system_message_is_one_line_of_harmless_text(event: str, text: str):
    trade = {"reference": text, "assignee": {"display_name": text}}
    line = shown(sender=None, kind="system", body=text, data={"event": event, "trade": trade, "reason": text})

    assert all(unicodedata.category(character) != "Cc" for character in line)


def test_a_message_has_time_name_with_role_and_text():
    line = shown()

    assert re.fullmatch(r"(\d\d \w{3} )?\d\d:\d\d Tina \[support\]: hello", line)


def test_own_edited_deleted_and_attached_are_told_apart():
    assert shown(sender={"id": "me"}).endswith("You: hello ✓")
    assert shown(edited_at="x").endswith("hello (edited)")
    assert shown(deleted_at="x", body=None).endswith("Tina [support]: (deleted)")
    assert shown(body="", attachments=[{"name": "proof.png"}]).endswith("Tina [support]: [file: proof.png]")


@pytest.mark.parametrize("stamp", [None, "", "yesterday", "9999-99-99T00:00:00Z"])
def test_an_unreadable_time_is_no_fault(stamp: str | None):
    assert render.clock(stamp) == "--:--"


@pytest.mark.parametrize("event", sorted(system.PHRASES))
def test_every_known_event_has_a_sentence_even_without_details(event: str):
    assert system.sentence({"data": {"event": event}})
    assert "{" not in system.sentence({"data": {"event": event, "trade": None, "user": None}})


def test_events_name_trade_person_and_reason():
    trade = {"reference": "T-1", "assignee": TINA, "queue_position": 3, "status": "rejected"}

    def said(event: str, **about: object) -> str:
        return system.sentence({"data": {"event": event, "trade": trade, **about}})

    assert said("trade.assigned") == "Tina takes care of trade T-1"
    assert said("trade.queued") == "Trade T-1 waits for a free colleague, place 3 in the queue"
    assert said("trade.rejected", reason="no money came") == "Trade T-1 rejected: no money came"
    assert said("participant.joined", user={"display_name": "Sara"}) == "Sara joined"
    assert said("escalation.resolved", escalation={"decision": "completed", "decision_reason": "paid"}) == (
        "Escalation resolved: completed: paid"
    )


def test_an_unknown_event_falls_back_to_its_body_or_its_name():
    assert system.sentence({"body": "Something new", "data": {"event": "trade.moon"}}) == "Something new"
    assert system.sentence({"body": "", "data": {"event": "trade.moon_landed"}}) == "Trade moon landed"
    assert system.sentence({}) == "System message"


def test_typing_and_receipts_are_calm():
    assert render.typing(Typing(())) == ""
    assert render.typing(Typing(("Tina",))) == "Tina is typing…"
    assert render.typing(Typing(("A", "B", "C", "D", "E"))) == "A, B, C and 2 more are typing…"
    assert render.receipts(Receipts(("Tina",), (), 1)) == "✓✓ delivered to Tina"
    assert render.receipts(Receipts((), ("Tina",), 1)) == "✓✓ read by Tina"
    assert render.receipts(Receipts((), ("A", "B"), 2)) == "✓✓ read by everyone"
    assert render.receipts(Receipts(("A",), ("B",), 2)) == "✓✓ read by B"
