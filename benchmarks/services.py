"""The PostgreSQL and Redis that all systems are measured on, and a fresh database for each."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psycopg
import redis

from benchmarks import proc
from testing.services import create_database, drop_database, start_postgres, start_valkey


@dataclass
class Services:
    """`pids` are the roots whose families' CPU time counts as the services'."""

    postgres_url: str
    redis_url: str
    describe: list[str]
    pids: list[int] = field(default_factory=list)

    def database(self, name: str) -> str:
        """An empty database, whatever was there."""
        drop_database(urlsplit(self.postgres_url)._replace(path=f"/{name}").geturl())
        return create_database(self.postgres_url, name)


@contextmanager
def services() -> Iterator[Services]:
    """They inherit the caller's core. Durable: fsync is on, as an ack is a promise."""
    with start_postgres() as postgres, start_valkey() as valkey:
        found = Services(postgres.url, valkey.url, [postgres.describe, valkey.describe])
        with psycopg.connect(postgres.url) as connection:
            found.pids.append(proc.parent(connection.info.backend_pid))
        with redis.Redis.from_url(valkey.url) as client:
            found.pids.append(int(client.info("server")["process_id"]))
        yield found
