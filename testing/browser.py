"""The browser of this machine, for tests of pages: Debian's Chromium, or another one that PATH knows."""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"]  # as root
MISSING = "NO BROWSER: tests of pages cannot run. On Debian: apt-get install chromium"


def executable() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def is_required() -> bool:
    """On CI a missing browser is a failure; elsewhere it is said loudly, and its tests are skipped."""
    return os.environ.get("CI") == "true"


def describe() -> str:
    path = executable()
    return f"browser: {path}" if path else MISSING
