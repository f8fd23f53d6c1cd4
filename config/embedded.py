"""
What the demo needs in its environment where nothing is set: secrets of its own, kept in var/, no TLS, and a stub in
Expo's place.
"""

import os
import secrets
from argparse import ArgumentError, ArgumentParser
from collections.abc import Sequence
from pathlib import Path

DEFAULTS = {
    "HTTPS_ONLY": "off",
    "DRAIN_SECONDS": "0",
    "LOG_LEVEL": "WARNING",
    "ASSIGN_OFFLINE": "never",  # so that its queue waits until one of its admins comes
}


def prepare_environment(arguments: Sequence[str] = ()) -> None:
    """
    Fill in what is missing. Whatever is set already stays, so the same command serves real services too. `--port` among
    the arguments is $PORT, as settings are read before any command reads its arguments.
    """
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    _choose_ports(arguments)
    if "SECRET_KEY" in os.environ and "JWT_KEY" in os.environ:
        return
    var = Path(os.environ.get("VAR_DIR") or Path(__file__).resolve().parent.parent / "var")
    for name in ("SECRET_KEY", "JWT_KEY"):
        os.environ.setdefault(name, _kept_secret(var / f"demo-{name.lower()}"))


def _choose_ports(arguments: Sequence[str]) -> None:
    """Pushes go to a stub beside the server, unless somebody said where they go. Nonsense is left for the settings."""
    parser = ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument("--port")
    try:
        port = parser.parse_known_args(arguments)[0].port
    except ArgumentError:
        port = None
    if port is not None:
        os.environ["PORT"] = port
    port = os.environ.get("PORT") or "8000"
    if "EXPO_URL" in os.environ or not port.isdecimal():
        return
    beside = int(port) + 1 if int(port) < 65535 else 65534
    stub = os.environ.setdefault("EXPO_STUB_PORT", str(beside))
    if stub != "0":
        os.environ["EXPO_URL"] = f"http://127.0.0.1:{stub}"


def _kept_secret(path: Path) -> str:
    """The same one at every start, so that a restart signs nobody out. Only its owner may read the file."""
    try:
        return path.read_text()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        value = secrets.token_hex(48)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(value)
        return value
