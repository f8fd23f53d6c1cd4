"""The screen for people: an input line that incoming messages do not tear, and a status bar below it."""

from collections.abc import Callable
from typing import Self

from prompt_toolkit import PromptSession, print_formatted_text
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.patch_stdout import patch_stdout

from chat.terminal.render import Line

SLOTS = ("connection", "typing", "receipts")


class PromptScreen:
    """The written line is erased on Enter: the message appears once, when the server has numbered it."""

    interactive = True

    def __init__(self) -> None:
        self.on_typed: Callable[[str], None] = lambda text: None
        self._statuses: dict[str, str] = {}
        self._patch = patch_stdout(raw=True)
        self._prompt: PromptSession[str] = PromptSession(
            "> ", erase_when_done=True, bottom_toolbar=self._toolbar, enable_suspend=True
        )
        self._prompt.default_buffer.on_text_changed += lambda buffer: self.on_typed(buffer.text)

    def __enter__(self) -> Self:
        self._patch.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.__exit__(None, None, None)

    def show(self, line: Line) -> None:
        print_formatted_text(FormattedText(line))

    def status(self, slot: str, text: str) -> None:
        self._statuses[slot] = text
        self._prompt.app.invalidate()

    async def read(self) -> str | None:
        try:
            return await self._prompt.prompt_async()
        except (EOFError, KeyboardInterrupt):
            return None

    def _toolbar(self) -> str:
        return " · ".join(text for slot in SLOTS if (text := self._statuses.get(slot)))
