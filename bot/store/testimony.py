"""Compare the runs with what the audit rows testify of them."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import RowMapping, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Verb
from bot.domain.run import RunState
from bot.store.database import Database
from bot.store.tables import audit, runs

_BATCH: Final = 1_000
_TERMINAL: Final = frozenset(state.value for state in RunState if state.is_terminal)
_WHO: Final = ("actor_kind", "actor_id", "actor_team")
_NO_INIT: Final = "--no-init -- "


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """What a run and the audit rows say differently."""

    run: int
    stack: str
    what: str  #: a sentence without its subject, the run


async def disagreements(
    database: Database, *, batch: int = _BATCH
) -> AsyncIterator[Disagreement]:
    """Yield every run that was changed, put in or removed beside the audit rows."""
    after = 0
    while True:
        async with database.read("compare the runs with the audit rows") as db:
            of_runs = await _runs(db, after, batch)
            told = await _told(db, after, of_runs[-1]["id"]) if of_runs else {}
        for run in of_runs:
            for what in _faults(run, told.get(run["id"], {})):
                yield Disagreement(run=run["id"], stack=run["stack"], what=what)
        if len(of_runs) < batch:
            break
        after = of_runs[-1]["id"]
    for gone in await _orphans(database):
        yield gone


async def _runs(db: AsyncConnection, after: int, batch: int) -> Sequence[RowMapping]:
    named = ("id", "stack", "command", "skip_init", *_WHO, "state", "exit_code")
    columns = (runs.c[name] for name in (*named, "reason"))
    wanted = select(*columns).where(runs.c.id > after).order_by(runs.c.id)
    return (await db.execute(wanted.limit(batch))).mappings().all()


async def _told(
    db: AsyncConnection, after: int, last: int
) -> dict[int, dict[str, RowMapping]]:
    columns = (audit.c[name] for name in ("run", "verb", "stack", *_WHO, "detail"))
    of_runs = select(*columns).where(audit.c.run > after, audit.c.run <= last)
    told: dict[int, dict[str, RowMapping]] = {}
    # Not asked for by the verb: SQLite may read all of that verb for it.
    for row in (await db.execute(of_runs)).mappings():
        told.setdefault(row["run"], {})[row["verb"]] = row
    return told


async def _orphans(database: Database) -> list[Disagreement]:
    is_there = select(runs.c.id).where(runs.c.id == audit.c.run).exists()
    gone = select(audit.c.run, func.min(audit.c.stack)).where(
        audit.c.run.is_not(None), ~is_there
    )
    async with database.read("look for runs that are gone") as db:
        rows = await db.execute(gone.group_by(audit.c.run).order_by(audit.c.run))
        what = "is in the audit, and no longer among the runs"
        return [Disagreement(run=run, stack=stack, what=what) for run, stack in rows]


def _faults(run: RowMapping, told: dict[str, RowMapping]) -> Iterator[str]:
    submitted = told.get(Verb.SUBMITTED.value)
    if submitted is None:
        yield "has no audit row that says who submitted it"
    else:
        yield from _edited(run, submitted)
    ended = told.get(Verb.ENDED.value)
    is_over = run["state"] in _TERMINAL
    if is_over and ended is None:
        yield f"is {run['state']}, and no audit row says that it ended"
    elif ended is not None and not is_over:
        yield f"is {run['state']}, and an audit row says that it ended"
    elif ended is not None and not _is_so(ended["detail"], _end_of(run)):
        yield f"is {_end_of(run)}, and its audit row says {ended['detail']}"


def _edited(run: RowMapping, submitted: RowMapping) -> Iterator[str]:
    if run["stack"] != submitted["stack"]:
        yield f"is of {run['stack']}, and was submitted for {submitted['stack']}"
    if any(run[part] != submitted[part] for part in _WHO):
        yield f"is by {run['actor_id']}, and was submitted by {submitted['actor_id']}"
    command = f"{_NO_INIT}{run['command']}" if run["skip_init"] else run["command"]
    if command != submitted["detail"]:
        yield "has another command or init flag than was submitted"


def _end_of(run: RowMapping) -> str:
    words: list[Any] = [run["state"]]
    if run["reason"] is not None:
        words.append(f" ({run['reason']})")
    if run["exit_code"] is not None:
        words.append(f", exit code {run['exit_code']}")
    return "".join(words)


def _is_so(told: str, end: str) -> bool:
    # What is claimed still is told too, and may have been released since.
    return told == end or told.startswith(f"{end}, the stack")
