"""What is missing or wrong in the environment stops the start of every role with one line that names it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from testing.server import default_environment
from testing.watchdog import PROJECT_ROOT

MANAGE = ["manage.py", "check"]
WRONG = [
    ("SECRET_KEY", None),
    ("SECRET_KEY", "short"),
    ("JWT_KEY", None),
    ("JWT_KEY", "short"),
    ("DATABASE_URL", "mysql://h/db"),
    ("DATABASE_POOL_SIZE", "3"),
    ("REDIS_URL", "http://h"),
    ("CORS_ORIGINS", "*"),
    ("PORT", "80000"),
    ("THROTTLE", "maybe"),
    ("DEBUG", "perhaps"),
    ("HTTPS_ONLY", "perhaps"),
    ("PROXY_COUNT", "-1"),
    ("WS_QUERY_TOKEN", "x"),
    ("REPAIR_SECONDS", "31"),
    ("DRAIN_SECONDS", "x"),
    ("TRADE_DEADLINE_MINUTES", "0"),
    ("STAFF_TOTP", "yes"),
    ("CUSTOMER_CONVERSATIONS", "all"),
    ("SOCKETS_PER_PROCESS", "0"),
    ("LOG_LEVEL", "LOUD"),
]


def run(command: list[str], folder: Path, **changes: str | None) -> subprocess.CompletedProcess[str]:
    base = {"VAR_DIR": str(folder), "DATABASE_URL": os.environ["DATABASE_URL"]}
    env = {name: value for name, value in (default_environment() | base | changes).items() if value is not None}
    return subprocess.run(
        [sys.executable, *command], cwd=PROJECT_ROOT, env=env, capture_output=True, text=True, timeout=60
    )


def test_the_right_settings_start(tmp_path):
    assert run(MANAGE, tmp_path).returncode == 0


def test_with_debug_no_secret_is_needed(tmp_path):
    assert run(MANAGE, tmp_path, DEBUG="1", SECRET_KEY=None, JWT_KEY=None, DATABASE_URL=None).returncode == 0


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_setting_stops_the_start_with_one_line_that_names_it(tmp_path, name, value):
    ended = run(MANAGE, tmp_path, **{name: value})

    assert (ended.returncode, ended.stdout) == (1, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"{name} ")


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "uvicorn", "config.asgi:application", "--port", "1"],
        ["-m", "daphne", "-p", "1", "config.asgi:application"],
        ["-m", "celery", "-A", "config", "worker", "--pool", "solo"],
    ],
    ids=["uvicorn", "daphne", "celery"],
)
def test_every_role_is_stopped_by_the_same_line(tmp_path, command):
    ended = run(command, tmp_path, JWT_KEY="short")

    assert ended.returncode != 0
    assert [line for line in ended.stderr.splitlines() if line] == ["JWT_KEY is too short: it needs at least 64 bytes."]
