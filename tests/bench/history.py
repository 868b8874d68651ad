"""What history and the audit cost: a million rows beside ten thousand."""

import asyncio
import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from bot.domain.audit import GENESIS, Deed, Verb, sealed
from bot.domain.people import api_actor
from bot.domain.run import RunId, RunState
from bot.domain.stack import StackName
from bot.ports import RunQuery
from bot.store.archive import SqlArchive
from bot.store.audit import verify
from bot.store.database import Database
from bot.store.history import AuditQuery, audit_rows
from tests.bench.table import Table, Target
from tests.support.builders import an_actor, later

FEW: Final = 10_000
MANY: Final = 1_000_000
ROUNDS: Final = 60
AT_MOST: Final = 2.0
VERIFIED_WITHIN: Final = 60.0
_STACKS: Final = 100
_PEOPLE: Final = ("ann", "bob", "ada", "joe")
#: rows of a run: submitted, started, performed and ended
_ROWS: Final = 4
_VERBS: Final = (Verb.SUBMITTED, Verb.STARTED, Verb.PERFORMED, Verb.ENDED)
_PAGE: Final = 50

Question = Callable[[Database, int], Awaitable[object]]


def _runs(query: Callable[[int], RunQuery]) -> Question:
    async def ask(database: Database, size: int) -> object:
        found = await SqlArchive(database).runs(query(size))
        assert found
        return found

    return ask


def _rows(query: Callable[[int], AuditQuery]) -> Question:
    async def ask(database: Database, size: int) -> object:
        found = []
        async for row in audit_rows(database, query(size), batch=_PAGE):
            found.append(row)
            if len(found) == _PAGE:
                break
        assert found
        return found

    return ask


_STACK: Final = StackName("stack-7")
_OF_STACK: Final = frozenset({_STACK})
#: asked of a database with so many runs, and as many audit rows
QUESTIONS: Final[dict[str, Question]] = {
    "runs: the newest": _runs(lambda _: RunQuery(limit=_PAGE)),
    "runs: of a stack": _runs(lambda _: RunQuery(stacks=_OF_STACK, limit=_PAGE)),
    "runs: of a stack, an older page": _runs(
        lambda size: RunQuery(stacks=_OF_STACK, before=RunId(size // 2), limit=_PAGE)
    ),
    "runs: of a stack, failed": _runs(
        lambda _: RunQuery(stacks=_OF_STACK, state=RunState.FAILED, limit=_PAGE)
    ),
    "runs: of a stack, by a person": _runs(
        lambda _: RunQuery(stacks=_OF_STACK, actor="U0JOE", limit=_PAGE)
    ),
    "runs: by a person": _runs(lambda _: RunQuery(actor="U0BOB", limit=_PAGE)),
    "runs: failed": _runs(lambda _: RunQuery(state=RunState.FAILED, limit=_PAGE)),
    "runs: of a time": _runs(
        lambda size: RunQuery(
            since=later(size // 2), until=later(size // 2 + 90), limit=_PAGE
        )
    ),
    "audit: of a run": _rows(lambda size: AuditQuery(run=size // 5)),
    "audit: of a stack": _rows(lambda _: AuditQuery(stack=_STACK)),
    "audit: by a person": _rows(lambda _: AuditQuery(actor="U0BOB")),
    "audit: by a key that did one thing": _rows(lambda _: AuditQuery(actor="rare")),
    "audit: one verb": _rows(lambda _: AuditQuery(verb=Verb.ENDED)),
    "audit: one verb on a stack": _rows(
        lambda _: AuditQuery(verb=Verb.ENDED, stack=_STACK)
    ),
    "audit: of a time": _rows(
        lambda size: AuditQuery(since=later(size // 2), until=later(size // 2 + 90))
    ),
    "audit: of a stack, from a time on": _rows(
        lambda size: AuditQuery(stack=_STACK, since=later(size // 2))
    ),
    "audit: the head of a run": lambda database, size: SqlArchive(database).head(
        RunId(size // 5)
    ),
}


async def measure() -> Table:
    """Ask the same of both, in turns, and verify the larger one."""
    with TemporaryDirectory() as folder:
        few, many = Path(folder, "few.db"), Path(folder, "many.db")
        await _fill(few, FEW)
        await _fill(many, MANY)
        async with (
            Database.open(_url(few)) as of_few,
            Database.open(_url(many)) as of_many,
        ):
            rows = [
                (name, *await _compare(question, of_few, of_many))
                for name, question in QUESTIONS.items()
            ]
            seconds = await _verified(of_many)
    targets = [
        Target(name=name, measured=b / a, at_most=AT_MOST, unit="x")
        for name, a, b in rows
    ]
    walk = f"verify {MANY:,} rows"
    within = Target(name=walk, measured=seconds, at_most=VERIFIED_WITHIN, unit=" s")
    return Table(
        title="History and audit: milliseconds, the median",
        columns=("", f"{FEW:,} rows", f"{MANY:,} rows", "times"),
        rows=[(n, f"{a:.2f}", f"{b:.2f}", f"{b / a:.2f}") for n, a, b in rows],
        targets=[*targets, within],
        notes=(
            "SQLite; as many runs as audit rows, 100 stacks, 50 rows a page",
            "both are asked in turns, so that the machine is the same for both",
        ),
    )


async def _compare(
    question: Question, few: Database, many: Database
) -> tuple[float, float]:
    of_few, of_many = [], []
    for _ in range(ROUNDS):
        of_few.append(await _took(question, few, FEW))
        of_many.append(await _took(question, many, MANY))
    return median(of_few), median(of_many)


async def _took(question: Question, database: Database, size: int) -> float:
    started = time.perf_counter()
    await question(database, size)
    return (time.perf_counter() - started) * 1_000


async def _verified(database: Database) -> float:
    started = time.perf_counter()
    verdict = await verify(database)
    assert verdict.broken is None
    assert verdict.rows == MANY
    return time.perf_counter() - started


def _url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


async def _fill(path: Path, size: int) -> None:
    async with Database.open(_url(path)):
        pass  # makes the tables
    await asyncio.to_thread(_write, path, size)


def _write(path: Path, size: int) -> None:
    with closing(sqlite3.connect(path)) as kept:
        kept.execute("PRAGMA synchronous = OFF")
        columns = [row[1] for row in kept.execute("PRAGMA table_info(runs)")]
        _insert(kept, "threads (id, channel, ts, stack)", _threads(size))
        named = ", ".join(f'"{name}"' for name in columns)
        _insert(kept, f"runs ({named})", (_run(n, columns) for n in _numbers(size)))
        _insert(kept, "audit", _chain(size))
        kept.commit()


def _insert(
    kept: sqlite3.Connection, into: str, rows: Iterator[tuple[object, ...]]
) -> None:
    while some := list(islice(rows, 10_000)):
        marks = ", ".join("?" * len(some[0]))
        kept.executemany(f"INSERT INTO {into} VALUES ({marks})", some)


def _numbers(size: int) -> range:
    return range(1, size + 1)


def _threads(size: int) -> Iterator[tuple[object, ...]]:
    return ((n, "C0INFRA", f"{n}.5", _stack(n)) for n in _numbers(size))


def _stack(number: int) -> str:
    return f"stack-{number % _STACKS}"


def _by(number: int) -> str:
    return _PEOPLE[number // _STACKS % len(_PEOPLE)]


def _text(number: float) -> str:
    return (later(0) + timedelta(seconds=number)).strftime("%Y-%m-%d %H:%M:%S.%f")


def _run(number: int, columns: list[str]) -> tuple[object, ...]:
    actor = an_actor(_by(number))
    failed = number // _STACKS % 5 == 0
    known: dict[str, object] = {
        "id": number,
        "type": "task",
        "stack": _stack(number),
        "command": "terraform state list",
        "apply": "",
        "outside": 0,
        "skip_init": 0,
        "actor_kind": actor.kind.value,
        "actor_id": actor.id,
        "actor_team": actor.team,
        "actor_name": actor.name,
        "thread": number,
        "created_at": _text(number),
        "state": "failed" if failed else "finished",
        "state_since": _text(number),
        "reason": "exit_code" if failed else None,
        "exit_code": 1 if failed else 0,
        "note": "",
        "summary": "",
        "applied_from": 0,
        "keeps_claim": 0,
        "epoch": 1,
    }
    return tuple(known.get(name) for name in columns)


def _chain(size: int) -> Iterator[tuple[object, ...]]:
    previous: str = GENESIS
    for ordinal in _numbers(size):
        run = 1 + (ordinal - 1) // _ROWS
        by = api_actor("rare") if ordinal == size // 3 else an_actor(_by(run))
        deed = Deed(
            verb=_VERBS[(ordinal - 1) % _ROWS],
            actor=by,
            at=later(ordinal),
            stack=_stack(run),
            run=RunId(run),
            detail="terraform state list",
        )
        row = sealed(
            deed, ordinal=ordinal, previous=previous, salt=secrets.token_hex(16)
        )
        previous = row.hash
        who = (by.kind.value, by.id, by.team, by.name)
        said = (_text(ordinal), deed.stack, deed.run, deed.detail)
        yield ordinal, deed.verb.value, *who, *said, row.previous, row.hash, row.salt
