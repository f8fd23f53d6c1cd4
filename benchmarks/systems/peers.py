"""The systems that are not Parley: Socket.IO, the Channels tutorial in two variants, and the bare bound."""

import shutil
import subprocess
import time
from hashlib import md5
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import jwt
import psycopg

from benchmarks.generator.order import Cast, Pair, Room
from benchmarks.plan import PAIRS, ROOM
from benchmarks.services import Services
from benchmarks.systems.base import JWT_KEY, PEERS, count_rows, python

TOKEN_LIFETIME = 3600
PEOPLE = 2 * PAIRS + ROOM

SEED = """
INSERT INTO users SELECT md5('user ' || n)::uuid, 'Person ' || n FROM generate_series(1, %(people)s) n;
INSERT INTO conversations SELECT md5('conversation ' || n)::uuid FROM generate_series(0, %(pairs)s) n;
INSERT INTO participants (conversation_id, user_id)
    SELECT md5('conversation ' || (n + 1) / 2)::uuid, md5('user ' || n)::uuid FROM generate_series(1, 2 * %(pairs)s) n
    UNION ALL
    SELECT md5('conversation 0')::uuid, md5('user ' || n)::uuid FROM generate_series(2 * %(pairs)s + 1, %(people)s) n;
ANALYZE;
"""


class Peer:
    """A system on the peers' shared tables. One conversation of many, and pairs; ids follow from their number."""

    name: str
    driver: str
    workloads: frozenset[str]
    _database_url = ""
    _redis_url = ""

    def prepare(self, services: Services) -> None:
        self._database_url = services.database(f"bench_{self.name.replace('-', '_')}")
        self._redis_url = services.redis_url
        with psycopg.connect(self._database_url) as connection:
            connection.execute((PEERS / "schema.sql").read_text())
            psycopg.ClientCursor(connection).execute(SEED, {"people": PEOPLE, "pairs": PAIRS})

    def environment(self, port: int) -> dict[str, str]:
        return {"PORT": str(port), "DATABASE_URL": self._database_url, "REDIS_URL": self._redis_url}

    def cast(self) -> Cast:
        tokens = [self._token(_id("user", number)) for number in range(1, PEOPLE + 1)]
        pairs = [Pair(_id("conversation", n + 1), (tokens[2 * n], tokens[2 * n + 1])) for n in range(PAIRS)]
        return Cast(pairs, Room(_id("conversation", 0), tokens[2 * PAIRS :]))

    def stored(self) -> int | None:
        return count_rows(self._database_url, "messages")

    def _token(self, user: str) -> str:
        return jwt.encode({"sub": user, "exp": int(time.time()) + TOKEN_LIFETIME}, JWT_KEY, algorithm="HS256")


def _id(kind: str, number: int) -> str:
    """The same as PostgreSQL's `md5(...)::uuid` above."""
    return str(UUID(md5(f"{kind} {number}".encode(), usedforsecurity=False).hexdigest()))


class SocketIO(Peer):
    name = "socketio"
    driver = "socketio"
    workloads = frozenset({"W1", "W1o", "W2r", "W2", "W3"})

    def prepare(self, services: Services) -> None:
        if shutil.which("node") is None or shutil.which("npm") is None:
            raise SystemExit("the Socket.IO peer needs Node 20 with npm; leave it out with --systems")
        if not (self.folder() / "node_modules" / ".package-lock.json").exists():
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=self.folder(), check=True)
        super().prepare(services)

    def command(self, port: int) -> list[str]:
        return ["node", "server.js"]

    def environment(self, port: int) -> dict[str, str]:
        return {**super().environment(port), "NODE_ENV": "production"}

    def folder(self) -> Path:
        return PEERS / "socketio"


class Tutorial(Peer):
    """As the tutorial has it: a new database connection for each use."""

    name = "tutorial"
    driver = "tutorial"
    workloads = frozenset({"W1", "W2", "W3"})
    persistent = False

    def command(self, port: int) -> list[str]:
        return [
            *python("-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p"),
            str(port),
            "tutorial_site.asgi:application",
        ]

    def environment(self, port: int) -> dict[str, str]:
        return {
            **super().environment(port),
            "PERSISTENT_CONNECTIONS": "1" if self.persistent else "0",
            "LAYER_PREFIX": f"{self.name}-{port}",
        }

    def folder(self) -> Path:
        return PEERS / "tutorial"


class PersistentTutorial(Tutorial):
    name = "tutorial-persistent"
    workloads = frozenset({"W1", "W1o", "W2", "W3"})
    persistent = True


class Raw(Peer):
    """No database: shows what the generator can take."""

    name = "raw"
    driver = "tutorial"
    workloads = frozenset({"W1", "W1o", "W2r", "W2", "W3"})

    def command(self, port: int) -> list[str]:
        return [*python("server.py")]

    def environment(self, port: int) -> dict[str, str]:
        return {"PORT": str(port)}

    def folder(self) -> Path:
        return PEERS / "raw"

    def _token(self, user: str) -> str:
        return user

    def stored(self) -> int | None:
        return None


class RawCommit(Raw):
    """With PostgreSQL, in group commits: the bound for anything that stores."""

    name = "raw-commit"
    workloads = frozenset({"W1", "W1o", "W2r", "W2"})

    def environment(self, port: int) -> dict[str, str]:
        where = urlsplit(self._database_url)
        return {"PORT": str(port), "DATABASE_URL": where._replace(scheme="postgresql").geturl()}

    def stored(self) -> int | None:
        return count_rows(self._database_url, "messages")
