"""The page of the Expo stub that shows phones: what arrives is there without a reload, and is text whatever it says."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from notifications.expostub.server import API, ExpoStub

TOKEN = "ExponentPushToken[demo-bob-phone]"
EVIL = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"


@pytest.fixture
def stub() -> Iterator[ExpoStub]:
    with ExpoStub(command="manage.py chat --as tina@example.com") as stub:
        yield stub


def push(stub: ExpoStub, **payload: Any) -> None:
    httpx.post(f"{stub.url}{API}/send", json={"to": TOKEN, **payload}, trust_env=False).raise_for_status()


@pytest.fixture
def page(new_context: Callable[..., Any]) -> Iterator[Page]:
    page = new_context(viewport={"width": 390, "height": 844}).new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert complaints == []


def test_a_push_and_a_fault_appear_without_a_reload(stub: ExpoStub, page: Page) -> None:
    page.goto(stub.url)
    expect(page.get_by_role("heading", name="No push yet")).to_be_visible()
    expect(page.locator("code").first).to_have_text("manage.py chat --as tina@example.com")
    expect(page.locator("#faults")).to_be_hidden()

    push(stub, title="Trade BP-1002", body="Tina: Hello", badge=1)
    stub.fault("503", times=3)

    expect(page.locator(".phone h2")).to_have_text("demo-bob-phone")
    expect(page.locator(".push b")).to_have_text("Trade BP-1002")
    expect(page.locator(".push .body")).to_have_text("Tina: Hello")
    expect(page.locator(".badge")).to_have_text("1")
    expect(page.locator("#summary")).to_have_text("1 push accepted, 0 refused")
    expect(page.locator("#fault-list")).to_have_text("503 × 3")
    expect(page.locator("#empty")).to_be_hidden()
    stub.clear_faults()
    expect(page.locator("#faults")).to_be_hidden()
    push(stub, badge=0, _contentAvailable=True)
    expect(page.locator(".silent span")).to_have_text("Silent: badge 0")
    expect(page.locator(".badge")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("javascript", [True, False], ids=["live", "without JavaScript"])
def test_a_script_in_a_push_is_text(stub: ExpoStub, new_context: Callable[..., Any], javascript: bool) -> None:
    push(stub, title=EVIL, body=EVIL)

    page = new_context(java_script_enabled=javascript).new_page()
    page.goto(stub.url)

    expect(page.locator(".push b")).to_have_text(EVIL)
    expect(page.locator(".push .body")).to_have_text(EVIL)
    push(stub, title="Later", body=EVIL)
    expect(page.locator(".push")).to_have_count(2, timeout=10_000)  # by itself either way
    assert page.locator(".push img, .push script").count() == 0
    expect(page).to_have_title("Phones · Expo stub")
