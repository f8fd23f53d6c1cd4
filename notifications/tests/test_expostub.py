"""The stub keeps Expo's rules, fails as it is told, and shows what came. Over HTTP, as the sender meets it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import exponent_server_sdk as sdk
import httpx
import pytest

from notifications.expostub import rules
from notifications.expostub.phones import Phones, masked
from notifications.expostub.server import API, ExpoStub
from testing.ports import reserve_port

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def expo() -> Iterator[ExpoStub]:
    with ExpoStub() as stub:
        yield stub


def token(name: str = "phone") -> str:
    return f"ExponentPushToken[{name}]"


def send(stub: ExpoStub, body: Any, **options: Any) -> httpx.Response:
    return httpx.post(f"{stub.url}{API}/send", json=body, timeout=10, trust_env=False, **options)


def get(stub: ExpoStub, path: str, **options: Any) -> httpx.Response:
    return httpx.get(f"{stub.url}{path}", trust_env=False, **options)


def control(stub: ExpoStub, body: Any, **options: Any) -> httpx.Response:
    return httpx.post(f"{stub.url}/control", json=body, trust_env=False, **options)


def test_the_sdk_gets_tickets_and_receipts(expo: ExpoStub) -> None:
    client = sdk.PushClient(host=expo.url)

    tickets = client.publish_multiple([sdk.PushMessage(to=token(name), body="Hi") for name in ("one", "late-dead")])
    receipts = {receipt.id: receipt for receipt in client.check_receipts_multiple(tickets)}

    assert [ticket.status for ticket in tickets] == ["ok", "ok"]
    receipts[tickets[0].id].validate_response()
    with pytest.raises(sdk.DeviceNotRegisteredError):
        receipts[tickets[1].id].validate_response()
    assert [push["payload"]["body"] for push in expo.pushes] == ["Hi", "Hi"]


@pytest.mark.parametrize(("pattern", "error"), rules.ERRORS.items())
def test_a_pattern_in_the_token_refuses_the_push(expo: ExpoStub, pattern: str, error: str) -> None:
    [ticket] = send(expo, [{"to": token(f"a-{pattern}-1"), "body": "Hi"}]).json()["data"]

    assert (ticket["status"], ticket["details"]) == ("error", {"error": error})
    assert expo.pushes == []


@pytest.mark.parametrize(("pattern", "error"), [*rules.LATE_ERRORS.items(), ("noreceipt", None)])
def test_a_late_pattern_shows_in_the_receipt(expo: ExpoStub, pattern: str, error: str | None) -> None:
    [ticket] = send(expo, [{"to": token(pattern)}]).json()["data"]
    asked = httpx.post(f"{expo.url}{API}/getReceipts", json={"ids": [ticket["id"], "unknown"]}, trust_env=False)

    found = {key: receipt["details"]["error"] for key, receipt in asked.json()["data"].items()}
    assert found == ({ticket["id"]: error} if error else {})


@pytest.mark.parametrize("bad", ["", "ExponentPushToken[]", "FcmToken[x]", "ExponentPushToken[a b]", None, 7])
def test_what_is_no_token_is_not_registered(expo: ExpoStub, bad: object) -> None:
    [ticket] = send(expo, {"to": bad}).json()["data"]

    assert ticket["details"] == {"error": "DeviceNotRegistered"}


def test_a_payload_may_have_4096_bytes(expo: ExpoStub) -> None:
    rest = rules.MAX_PAYLOAD - len('{"to": "", "body": ""}') - len(token())

    tickets = send(expo, [{"to": token(), "body": "x" * length} for length in (rest, rest + 1)]).json()["data"]

    assert [ticket["status"] for ticket in tickets] == ["ok", "error"]


def test_more_than_a_hundred_at_once_are_refused_as_a_whole(expo: ExpoStub) -> None:
    answer = send(expo, [{"to": token()}] * 101)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "PUSH_TOO_MANY_NOTIFICATIONS")
    assert expo.pushes == []


def test_the_seventh_hundred_in_a_second_has_to_wait() -> None:
    limit = rules.RateLimit()

    assert [limit.take(100, 5.0 + n / 10) for n in range(7)] == [True] * 6 + [False]
    assert limit.take(100, 6.0)


def test_an_access_token_is_asked_for_when_there_is_one() -> None:
    with ExpoStub(access_token="secret") as expo:
        answers = [
            send(expo, {"to": token()}, headers={"Authorization": value}) for value in ("Bearer no", "Bearer secret")
        ]

    assert [answer.status_code for answer in answers] == [401, 200]


def test_ordered_statuses_come_as_often_as_ordered(expo: ExpoStub) -> None:
    control(expo, {"fault": "503", "times": 2})
    control(expo, {"fault": "429", "retry_after": "7"})

    answers = [send(expo, {"to": token()}) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [503, 503, 429, 200]
    assert answers[2].headers["Retry-After"] == "7"
    assert len(expo.pushes) == 1


@pytest.mark.parametrize("accept", [True, False])
def test_an_answer_can_be_lost_with_the_pushes_accepted_or_not(expo: ExpoStub, accept: bool) -> None:
    expo.fault("cut", accept=accept)
    expo.fault("badjson", accept=accept)
    expo.fault("hang", accept=accept, seconds=0)

    with pytest.raises(httpx.TransportError):
        send(expo, {"to": token()})
    broken, slow = send(expo, {"to": token()}), send(expo, {"to": token()})

    with pytest.raises(ValueError, match="Expecting"):
        broken.json()
    assert slow.status_code == (200 if accept else 503)
    assert len(expo.pushes) == (3 if accept else 0)


def test_stopped_it_is_not_there_and_started_again_it_is_at_the_same_address(expo: ExpoStub) -> None:
    address = expo.url
    expo.stop()

    with pytest.raises(httpx.ConnectError):
        send(expo, {"to": token()})
    expo.start()

    assert (send(expo, {"to": token()}).status_code, expo.url) == (200, address)


def test_cleared_it_forgets_pushes_phones_and_faults(expo: ExpoStub) -> None:
    send(expo, {"to": token()})
    expo.fault("500")

    control(expo, {"clear": True, "clear_faults": True})

    assert get(expo, "/phones.json").json() == {"phones": [], "faults": [], "accepted": 1, "refused": 0}
    assert send(expo, {"to": token()}).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{API}/send", b"{", 400),
        (f"{API}/send", b"[]", 400),
        (f"{API}/send", b"[7]", 400),
        (f"{API}/send", b" " * (2 * 1024 * 1024 + 1), 413),
        (f"{API}/getReceipts", b'{"ids": 7}', 400),
        ("/elsewhere", b"{}", 404),
        ("/control", b"[]", 400),
        ("/control", b'{"fault": "no such"}', 400),
        ("/control", b'{"fault": "503", "times": "many"}', 400),
        ("/control", b'{"fault": "503", "colour": "red"}', 400),
    ],
)
def test_nonsense_is_refused(expo: ExpoStub, path: str, body: bytes, status: int) -> None:
    assert httpx.post(f"{expo.url}{path}", content=body, trust_env=False).status_code == status


def test_pages_of_other_sites_can_neither_read_nor_order(expo: ExpoStub) -> None:
    assert get(expo, "/pushes.json", headers={"Host": "evil.example:80"}).status_code == 403
    assert control(expo, {"fault": "500"}, headers={"Origin": "https://evil.example"}).status_code == 403
    assert control(expo, {}, headers={"Origin": expo.url}).status_code == 200


def test_the_page_and_its_files_run_nothing_that_a_push_says(expo: ExpoStub) -> None:
    send(expo, {"to": token(), "title": "<script>1</script>", "body": "<!-- phones -->", "badge": 2})

    page = get(expo, "/")

    assert "<script>1" not in page.text
    assert "&lt;script&gt;1&lt;/script&gt;" in page.text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    kinds = {path: get(expo, path).headers["Content-Type"].partition(";")[0] for path in ("/phones.js", "/phones.css")}
    assert kinds == {"/phones.js": "text/javascript", "/phones.css": "text/css"}
    assert get(expo, "/phones.html").status_code == get(expo, "/../server.py").status_code == 404


def test_the_page_knows_the_last_hundred_phones() -> None:
    phones = Phones()
    for number in range(101):
        phones.receive({"payload": {"to": token(f"demo-{number}"), "badge": number}, "ticket": "t", "received_at": "-"})

    names = [phone["name"] for phone in phones]
    assert (len(names), names[0], names[-1]) == (100, "demo-1", "demo-100")
    assert masked(token("abcdefghijklmnopqrstuv")) == "abcd…stuv"


def test_the_command_serves_until_it_is_interrupted() -> None:
    port = reserve_port()
    command = [sys.executable, "manage.py", "expo_stub", "--port", str(port), "--access-token", "secret"]
    environment = {**os.environ, "DEBUG": "1", "PYTHONUNBUFFERED": "1"}

    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        said = running.stdout.readline()
        answer = httpx.post(f"http://127.0.0.1:{port}{API}/send", json={"to": token()}, trust_env=False)
        running.send_signal(signal.SIGINT)

    assert said.startswith(f"Phones on http://127.0.0.1:{port}/ ")
    assert (answer.status_code, running.returncode) == (401, 0)
