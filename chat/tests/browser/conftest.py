"""
Headless Chromium against a real server. The plugin's fixtures that hold Playwright live as long as a module here: its
event loop sits in this thread as long as it is open, and asynchronous tests of other modules need the thread.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, ConsoleMessage, Page, Playwright, sync_playwright

from accounts.models import User
from accounts.tests.factories import PASSWORD
from testing import browser as installed
from testing.server import ServerProcess


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    if installed.executable() is None:
        if installed.is_required():
            pytest.fail(installed.MISSING)
        pytest.skip(installed.MISSING)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as running:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # that loop is Playwright's; nothing of ours runs on it
        yield running


@pytest.fixture(scope="module")
def browser_type(playwright: Playwright) -> BrowserType:
    return playwright.chromium


@pytest.fixture(scope="module")
def browser(browser_type: BrowserType) -> Iterator[Browser]:
    running = browser_type.launch(executable_path=installed.executable(), args=installed.ARGUMENTS)
    yield running
    running.close()


@pytest.fixture(scope="module")
def browser_context_args() -> dict[str, Any]:
    return {"timezone_id": "Europe/Berlin", "locale": "en-GB", "accept_downloads": True}


class Desk:
    """Somebody at Django admin, in a browser of their own that complains about nothing."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.complaints: list[str] = []
        page.set_default_timeout(10_000)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (self.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.base}/admin/{path}")

    def sign_in(self, user: User, password: str = PASSWORD) -> None:
        self.open("login/")
        self.page.get_by_label("E-mail").fill(user.email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def says(self, words: str) -> None:
        self.page.locator(".messagelist li", has_text=words).wait_for()

    def click(self, role: Any, name: str) -> None:
        self.page.get_by_role(role, name=name, exact=True).click()


@pytest.fixture
def open_desk(server: ServerProcess, new_context: Callable[..., Any]) -> Iterator[Callable[..., Desk]]:
    opened: list[Desk] = []

    def at_desk(**options: Any) -> Desk:
        desk = Desk(new_context(**options).new_page(), server.http_url)
        opened.append(desk)
        return desk

    yield at_desk
    assert [complaint for desk in opened for complaint in desk.complaints] == []
