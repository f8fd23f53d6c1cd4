"""Options, password and exit code of the terminal client; the Django command and `python -m` share it."""

import argparse
import asyncio
import getpass
import os
import sys
from urllib.parse import urlsplit

from chat.terminal import picker, safe, screen
from chat.terminal.app import App
from chat.terminal.errors import CodeNeededError, LoginRefusedError, TerminalError
from chat.terminal.session import Session

DEMO_PASSWORD = "parley-demo"
LOGOUT_WITHIN = 2.0


def default_url() -> str:
    return os.environ.get("PARLEY_URL") or f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="email", required=True, metavar="EMAIL", help="who you are")
    parser.add_argument("--trade", metavar="REFERENCE", help="open this trade's conversation instead of the newest")
    parser.add_argument("--password", help="else $PARLEY_PASSWORD, the demo's on this machine, or asked for")
    parser.add_argument("--otp", help="a code of your authenticator, where you have one; else asked for")
    parser.add_argument("--url", default=default_url(), help="the server (default: %(default)s)")


def run(email: str, trade: str | None, password: str | None, url: str, otp: str | None = None) -> int:
    """Chat until the person leaves; the exit code. Ctrl-C is leaving, too."""
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise TerminalError(f"Not the address of a server: {safe.one_line(url)}")
    for stream in (sys.stdout, sys.stderr):
        # A terminal without UTF-8 gets question marks, not a traceback.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        return asyncio.run(_chat(email, trade, password, url, otp))
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        # Whoever read our output has left; nothing may be flushed to them at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


async def _chat(email: str, trade: str | None, password: str | None, url: str, otp: str | None) -> int:
    async with Session(url) as session:
        await _login(session, email, password, otp)
        try:
            summary = await picker.pick(session, trade)
            return await App(session, summary, screen.choose()).run()
        finally:
            await _logout(session)


async def _login(session: Session, email: str, password: str | None, otp: str | None) -> None:
    given = password or os.environ.get("PARLEY_PASSWORD")
    local = urlsplit(session.url).hostname == "127.0.0.1"
    try:
        await _with_code(session, email, given or (DEMO_PASSWORD if local else _ask(email)), otp)
    except LoginRefusedError:
        # The demo's password was only a guess; a person can still say the right one.
        if given or not local or not sys.stdin.isatty():
            raise
        await _with_code(session, email, _ask(email), otp)


async def _with_code(session: Session, email: str, password: str, otp: str | None) -> None:
    """A code that was not given is asked for once, when the server wants one and there is somebody to ask."""
    try:
        await session.login(email, password, otp)
    except CodeNeededError:
        if otp or not sys.stdin.isatty():
            raise
        await session.login(email, password, input("Code: "))


def _ask(email: str) -> str:
    return getpass.getpass(f"Password of {safe.one_line(email)}: ")


async def _logout(session: Session) -> None:
    """The session was this terminal's own. A server that cannot be reached ends it by itself after 30 days."""
    try:
        async with asyncio.timeout(LOGOUT_WITHIN):
            await session.logout()
    except (TerminalError, TimeoutError):
        return


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="chat", description="Chat in the terminal.")
    add_arguments(parser)
    try:
        return run(**vars(parser.parse_args(arguments)))
    except TerminalError as error:
        print(safe.one_line(str(error)), file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
