"""Typed readers of the environment: each returns a value of its type or stops the start with one line that names it."""

import os
from urllib.parse import urlsplit

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


class WrongSetting(SystemExit):
    """Ends the process with its one line on stderr, whichever role it was to play: a traceback would bury the line."""


def text(name: str, default: str | None = None) -> str:
    """The variable as it is. Without a default, a missing or empty one stops the start."""
    value = os.environ.get(name, "")
    if value:
        return value
    if default is None:
        raise WrongSetting(f"{name} is not set. See .env.example for what it should hold.")
    return default


def flag(name: str, default: bool = False) -> bool:
    """1/true/yes/on or 0/false/no/off, in any case."""
    value = os.environ.get(name, "")
    if not value:
        return default
    if value.lower() in TRUE:
        return True
    if value.lower() in FALSE:
        return False
    raise WrongSetting(f"{name} should be on or off, not {value!r}.")


def integer(name: str, default: int, *, low: int, high: int) -> int:
    """A whole number between low and high, both included."""
    value = os.environ.get(name, "")
    if not value:
        return default
    if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
        raise WrongSetting(f"{name} should be a whole number from {low} to {high}, not {value!r}.")
    return int(value)


def names(name: str, default: str = "") -> list[str]:
    """A comma-separated list without blanks."""
    return [part.strip() for part in (os.environ.get(name, "") or default).split(",") if part.strip()]


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = os.environ.get(name, "") or default
    if value not in allowed:
        raise WrongSetting(f"{name} should be one of {', '.join(allowed)}, not {value!r}.")
    return value


def secret(name: str, default: str | None, *, min_bytes: int) -> str:
    """A secret of at least min_bytes; a shorter one stops the start without being shown."""
    value = text(name, default)
    if value.lstrip().startswith("#"):
        raise WrongSetting(f"{name} holds a comment, not a secret: comments need lines of their own.")
    if len(value.encode()) < min_bytes:
        raise WrongSetting(f"{name} is too short: it needs at least {min_bytes} bytes.")
    return value


def url(name: str, default: str, schemes: tuple[str, ...]) -> str:
    """A URL with one of the schemes, or the default (which may be empty)."""
    value = os.environ.get(name, "")
    if not value:
        return default
    if urlsplit(value).scheme not in schemes:
        raise WrongSetting(f"{name} should start with {' or '.join(s + '://' for s in schemes)}.")
    return value


def origins(name: str) -> list[str]:
    """A comma-separated list of origins: scheme, host and port, nothing behind."""
    found = names(name)
    for origin in found:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
            raise WrongSetting(f"{name} holds {origin!r}, which is not an origin like https://app.example.com.")
    return found
