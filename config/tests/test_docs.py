"""The pages in docs/ are complete and true as far as a program can tell: names, paths and examples, not prose."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.conf import settings
from drf_spectacular.generators import SchemaGenerator

from chat import protocol
from chat.consumers import LIMITS
from chat.enums import CloseCode, EventType, SystemEvent
from chat.errors import CODES

ROOT: Path = settings.BASE_DIR
PROTOCOL = (ROOT / "docs/protocol.md").read_text()
OPERATIONS = (ROOT / "docs/operations.md").read_text()
EXAMPLE_ENVIRONMENT = (ROOT / ".env.example").read_text()

CLIENT_FRAMES = {str(frame.__struct_config__.tag) for frame in protocol.FRAME_TYPES}
SERVER_FRAMES = {
    *("connected", "ack", "error", "pong", "message.new", "message.delivered", "message.read"),
    *("typing.start", "typing.stop", "presence.update", "conversation.added", "conversation.removed"),
    *("trade.updated", "queue.updated", "mention.new", "notification.new", "escalation.updated"),
    *("trade.warning", "server.draining"),
    *("sync.events", "sync.reset", "sync.gone", "sync.conversations"),
}
OTHER_TYPES = {"live"}  # between server processes, never on a socket


def section(heading: str) -> str:
    """What stands below a heading of the second level."""
    return PROTOCOL.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def examples(text: str) -> list[Any]:
    return [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```$", text, re.M | re.S)]


def types_in(value: object) -> Iterator[str]:
    """Each `type` in an example, those of frames inside it too."""
    if isinstance(value, dict):
        if isinstance(value.get("type"), str):
            yield value["type"]
        for part in value.values():
            yield from types_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from types_in(part)


def sent_types() -> set[str]:
    """Every frame type in the source of the chat: in a dict's "type", a sync's kind, or a text made by hand."""
    found = {event.value for event in EventType}
    for path in [*(ROOT / "chat").glob("*.py"), *(ROOT / "chat/actions").glob("*.py")]:
        source = path.read_text()
        found.update(re.findall(r'"type":"([a-z._]+)"', source))
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Dict):
                found.update(_types_of(node))
            elif isinstance(node, ast.Call):
                found.update(word for word in map(_text, node.args) if word.startswith("sync."))
    return {word for word in found if not word.startswith("websocket.")} - OTHER_TYPES


def _types_of(shape: ast.Dict) -> Iterator[str]:
    for key, value in zip(shape.keys, shape.values, strict=True):
        if key is not None and _text(key) == "type":
            choices = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
            yield from filter(None, map(_text, choices))


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def documented_path(path: str) -> str:
    """As the page writes it: below /api/v1/, and every id called {id}."""
    return re.sub(r"\{\w+_id\}", "{id}", path.removeprefix("/api/v1/"))


def test_every_json_example_parses_and_no_block_is_left_out():
    assert len(examples(PROTOCOL)) == PROTOCOL.count("```json") >= len(CLIENT_FRAMES | SERVER_FRAMES)


def test_every_client_frame_has_an_example_that_the_server_accepts():
    frames = examples(section("Frames a client sends"))

    assert {frame["type"] for frame in frames} == CLIENT_FRAMES
    for frame in frames:
        accepted = msgspec.to_builtins(protocol.read_frame(json.dumps(frame)))
        assert accepted.items() >= frame.items()


def test_the_list_of_server_frames_is_what_the_code_sends():
    assert sent_types() == SERVER_FRAMES


@pytest.mark.parametrize("frame", sorted(SERVER_FRAMES))
def test_every_server_frame_has_an_example(frame):
    shown = section("Sync") if frame.startswith("sync.") else section("Frames the server sends")

    assert frame in {example["type"] for example in examples(shown)}


def test_examples_show_no_frame_that_does_not_exist():
    on_sockets = section("Frames the server sends") + section("Sync")

    shown = {kind for example in examples(on_sockets) for kind in types_in(example)}

    assert shown <= SERVER_FRAMES | CLIENT_FRAMES


def test_answers_in_the_examples_have_every_field_of_the_real_ones():
    [connected] = [frame for frame in examples(PROTOCOL) if frame.get("type") == "connected"]

    assert connected["limits"] == LIMITS
    assert connected["protocol"] == protocol.PROTOCOL_VERSION
    assert connected["heartbeat_s"] == settings.HEARTBEAT.total_seconds()


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_error_code_is_explained(code):
    assert re.search(rf"^\| `{code}` \|", section("Error codes"), re.M)


@pytest.mark.parametrize("code", list(CloseCode))
def test_every_close_code_says_what_to_do_next(code):
    rows = [row.split("|") for row in section("Close codes").splitlines() if row.startswith("|")]

    [(_, _, _, next_step, _)] = [row for row in rows if str(code.value) in row[1]]

    assert next_step.strip()


@pytest.mark.parametrize("event", list(SystemEvent))
def test_every_system_event_is_named(event):
    assert f"`{event.value}`" in PROTOCOL


def test_every_endpoint_is_listed_and_no_other():
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    real = {f"{method.upper()} {documented_path(path)}" for path, methods in paths.items() for method in methods}

    listed = re.findall(r"^\| `((?:GET|POST|PUT|PATCH|DELETE) [^`]+)`", PROTOCOL, re.M)

    assert sorted(listed) == sorted(real)


def environment() -> list[str]:
    """The variables that settings.py reads."""
    return re.findall(r"\benv\.\w+\(\s*\"([A-Z_]+)\"", (ROOT / "config/settings.py").read_text())


@pytest.mark.parametrize("name", environment())
def test_every_setting_is_in_the_table_and_in_the_example(name):
    assert re.search(rf"^\| `{name}` \|", OPERATIONS, re.M)
    assert re.search(rf"^#? ?{name}=", EXAMPLE_ENVIRONMENT, re.M)


def test_the_table_and_the_example_name_no_other_setting():
    known = set(environment())

    assert set(re.findall(r"^\| `([A-Z_]+)` \|", OPERATIONS, re.M)) == known
    assert set(re.findall(r"^#? ?([A-Z_]+)=", EXAMPLE_ENVIRONMENT, re.M)) == known


def test_every_metric_is_explained():
    names = re.findall(r"\"(parley_\w+)\"", (ROOT / "chat/metrics.py").read_text())

    assert [name for name in names if name not in OPERATIONS] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text()
    headings = {re.sub(r"[^\w\- ]", "", line).strip().lower().replace(" ", "-") for line in _headings(text)}

    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        if file:
            assert "://" in file or (page.parent / file).exists(), target
        else:
            assert anchor in headings, target


def _headings(text: str) -> list[str]:
    return re.findall(r"^#+ (.*)$", text, re.M)
