"""How often stacks change hands, beside the bare statement in the same driver."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import aiosqlite
import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from bot.domain.run import Run
from bot.store import locks
from bot.store.database import Database
from bot.store.record import SqlRecord
from tests.bench.table import Table, Target
from tests.support import postgres
from tests.support.builders import a_new_run, later

STACKS: Final = (1, 10, 100)
ROUNDS: Final = 40
SECONDS: Final = 0.15
AT_LEAST: Final = 0.5

_PRAGMAS: Final = ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON")
_TABLE: Final = (
    "CREATE TABLE bare "
    "(stack TEXT PRIMARY KEY, run INTEGER, fence INTEGER NOT NULL, since TEXT)"
)
_TAKE: Final = (
    "INSERT INTO bare VALUES ($1, $2, 1, $3) ON CONFLICT (stack) DO UPDATE "
    "SET run = excluded.run, fence = bare.fence + 1, since = excluded.since "
    "WHERE bare.run IS NULL RETURNING *"
)
_RELEASE: Final = "UPDATE bare SET run = NULL WHERE run = $1 RETURNING stack"
_BY_LIBRARY: Final = (
    text(_TAKE.replace("$1", ":stack").replace("$2", ":run").replace("$3", ":since")),
    text(_RELEASE.replace("$1", ":run")),
)

#: takes and releases the stack of one run
Pair = Callable[[Run], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """The ways in which a stack can be claimed and released, on one database."""

    kind: str
    record: SqlRecord
    ours: Pair
    library: Pair
    bare: Pair


async def measure() -> Table:
    """Compare the ways, in turns, for each number of stacks on each database."""
    rows: list[tuple[str, ...]] = []
    targets: list[Target] = []
    for opened in (_on_sqlite(), _on_postgresql()):
        async with opened as ways:
            for count in STACKS:
                ours, library, bare = await _compare(ways, count)
                ratio = _share(ours, bare)
                of_library = _share(ours, library)
                name = f"{ways.kind}, stacks: {count}"
                rates = _rates(ours, library, bare)
                rows.append((name, *rates, f"{of_library:.2f}", f"{ratio:.2f}"))
                # At least half as often is at most twice as long.
                share = Target(name=name, measured=1 / ratio, at_most=1 / AT_LEAST)
                targets.append(share)
    return Table(
        title="Claims and releases: pairs a second, each way durable",
        columns=("", "store", "library", "bare", "of library", "of bare"),
        rows=rows,
        targets=targets,
        notes=(
            "store: take_claim and release_claim, each in a transaction of the record",
            "library: the bare statements, each in a transaction of SQLAlchemy's own",
            "bare: INSERT … ON CONFLICT and UPDATE, each committed by itself",
            "one connection each, and as many takers at once as there are stacks",
        ),
    )


def _share(ours: list[float], others: list[float]) -> float:
    return median(a / b for a, b in zip(ours, others, strict=True))


async def _compare(ways: Ways, count: int) -> tuple[list[float], ...]:
    runs = [
        await ways.record.submit(a_new_run(stack=f"{count}-{number}"), later(0))
        for number in range(count)
    ]
    rates: tuple[list[float], ...] = ([], [], [])
    for nth in range(ROUNDS + 1):
        for kept, pair in zip(rates, (ways.ours, ways.library, ways.bare), strict=True):
            rate = await _rate(pair, runs)
            if nth:  # the first fills caches
                kept.append(rate)
    return rates


async def _rate(pair: Pair, runs: list[Run]) -> float:
    """Return how many pairs a second a taker for each of *runs* makes, in all."""
    started = time.perf_counter()
    made = await asyncio.gather(*(_pairs(pair, run, started) for run in runs))
    return sum(made) / (time.perf_counter() - started)


async def _pairs(pair: Pair, run: Run, started: float) -> int:
    made = 0
    while time.perf_counter() < started + SECONDS:
        await pair(run)
        made += 1
    return made


def _rates(*ways: list[float]) -> list[str]:
    return [f"{median(rates):.0f}" for rates in ways]


@asynccontextmanager
async def _store(url: str) -> AsyncIterator[tuple[SqlRecord, Pair]]:
    async with Database.open(url) as database:

        async def pair(run: Run) -> None:
            async with database.write("claim a stack") as db:
                assert await locks.take_claim(db, run, later(1)) is not None
            async with database.write("release a stack") as db:
                assert await locks.release_claim(db, run.id)

        yield SqlRecord(database), pair


@asynccontextmanager
async def _library(url: str) -> AsyncIterator[Pair]:
    engine = create_async_engine(url, pool_size=1, max_overflow=0)

    async def pair(run: Run) -> None:
        taken = {"stack": run.stack, "run": run.id, "since": "2026-11-20"}
        async with engine.begin() as db:
            assert (await db.execute(_BY_LIBRARY[0], taken)).one_or_none()
        async with engine.begin() as db:
            assert (await db.execute(_BY_LIBRARY[1], {"run": run.id})).one_or_none()

    try:
        yield pair
    finally:
        await engine.dispose()


@asynccontextmanager
async def _on_sqlite() -> AsyncIterator[Ways]:
    with TemporaryDirectory() as place:
        address = f"sqlite+aiosqlite:///{place}/handrail.db"
        async with (
            _store(address) as (record, ours),
            aiosqlite.connect(Path(place, "bare.db"), isolation_level=None) as db,
        ):
            for pragma in _PRAGMAS:
                await db.execute_fetchall(f"PRAGMA {pragma}")
            await db.execute_fetchall(_TABLE)

            async def bare(run: Run) -> None:
                taken = (run.stack, run.id, "2026-11-20 12:00:00")
                assert await db.execute_fetchall(_TAKE, taken)
                assert await db.execute_fetchall(_RELEASE, (run.id,))

            async with _library(f"sqlite+aiosqlite:///{place}/bare.db") as library:
                yield Ways(
                    kind="SQLite",
                    record=record,
                    ours=ours,
                    library=library,
                    bare=bare,
                )


@asynccontextmanager
async def _on_postgresql() -> AsyncIterator[Ways]:
    with postgres.serving(settings=()) as server:
        async with (
            server.database() as address,
            _store(address) as (record, ours),
            _connected(str(server.folder)) as db,
        ):
            await db.execute(_TABLE)
            one_at_a_time = asyncio.Lock()

            async def bare(run: Run) -> None:
                async with one_at_a_time:
                    assert await db.fetch(_TAKE, run.stack, run.id, "2026-11-20")
                async with one_at_a_time:
                    assert await db.fetch(_RELEASE, run.id)

            async with _library(server.url("postgres")) as library:
                yield Ways(
                    kind="PostgreSQL",
                    record=record,
                    ours=ours,
                    library=library,
                    bare=bare,
                )


@asynccontextmanager
async def _connected(folder: str) -> AsyncIterator[asyncpg.Connection]:
    db = await asyncpg.connect(host=folder, user="postgres", database="postgres")
    try:
        yield db
    finally:
        await db.close()
