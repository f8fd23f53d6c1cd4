"""What the demo needs in its environment where nothing is set: secrets of its own, kept in var/, and no TLS."""

import os
import secrets
from pathlib import Path

DEFAULTS = {
    "HTTPS_ONLY": "off",
    "DRAIN_SECONDS": "0",
    "LOG_LEVEL": "WARNING",
    "ASSIGN_OFFLINE": "never",  # so that its queue waits until one of its admins comes
}


def prepare_environment() -> None:
    """Fill in what is missing. Whatever is set already stays, so the same command serves real services too."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    if "SECRET_KEY" in os.environ and "JWT_KEY" in os.environ:
        return
    var = Path(os.environ.get("VAR_DIR") or Path(__file__).resolve().parent.parent / "var")
    for name in ("SECRET_KEY", "JWT_KEY"):
        os.environ.setdefault(name, _kept_secret(var / f"demo-{name.lower()}"))


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
