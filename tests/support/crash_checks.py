"""Whether the record, the thread and the engine are as if nobody had been killed."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from bot.domain.run import TRANSITIONS, RunState
from bot.settings import Settings
from bot.store.audit import verify
from bot.store.database import Database
from bot.store.testimony import disagreements
from tests.support.crash_stage import OF_THE_STATE, TOKEN, Stage
from tests.support.docker import containers_of, volumes_of

#: what a thread has at most one of, by the kinds in the messages' metadata
_ONCE = ("header", "echo", "tail", "final", "planned", "confirmed", "held", "released")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What the database has once everything is over, as plain rows."""

    runs: Sequence[tuple[Any, ...]]  #: id, state, reason, exit code
    changes: Sequence[tuple[Any, ...]]  #: run, from, to
    claims: int
    on_their_way: Sequence[str]  #: letters that are neither delivered nor given up
    given_up: int
    holds: Sequence[str]
    faults: Sequence[object]  #: of the audit rows, and of the runs beside them


async def table_of(stage: Stage) -> Table:
    """Read the table, as another process does."""
    url = Settings.read(stage.setup.settings).database_url
    async with Database.open(url) as database:
        faults = [
            *(await verify(database)).faults,
            *[wrong async for wrong in disagreements(database)],
        ]
        async with database.read("look") as db:

            async def rows(query: str) -> Sequence[tuple[Any, ...]]:
                return [tuple(row) for row in await db.execute(text(query))]

            def one(found: Sequence[tuple[Any, ...]]) -> int:
                return int(found[0][0])

            return Table(
                runs=await rows(
                    "SELECT id, state, reason, exit_code FROM runs ORDER BY id"
                ),
                changes=await rows(
                    "SELECT run, from_state, to_state FROM transitions "
                    "ORDER BY run, ordinal"
                ),
                claims=one(
                    await rows("SELECT count(*) FROM claims WHERE run IS NOT NULL")
                ),
                on_their_way=[
                    str(row[0])
                    for row in await rows("SELECT kind FROM outbox WHERE fate IS NULL")
                ],
                given_up=one(
                    await rows("SELECT count(*) FROM outbox WHERE fate = 'given_up'")
                ),
                holds=[row[0] for row in await rows("SELECT stack FROM holds")],
                faults=faults,
            )


async def check_over(stage: Stage, *, containers: int = 1) -> Table:
    """Check all that is promised of a stack whose one run is over.

    *containers* were started for the run.
    """
    table = await table_of(stage)
    assert table.faults == [], table.faults
    left = (table.claims, table.on_their_way, table.given_up)
    assert left == (0, [], 0), left
    _check_changes(table)
    for number, *_ in table.runs:
        assert stage.lives.starts[number] == containers
    assert containers_of(stage.setup.installation) == []
    assert volumes_of(stage.setup.installation) == []
    _check_threads(stage, len(table.runs))
    return table


def _check_changes(table: Table) -> None:
    state: dict[int, str | None] = {}
    for run, came_from, to in table.changes:
        assert state.get(run) == came_from
        if came_from is not None:
            assert RunState(to) in TRANSITIONS[RunState(came_from)]
        state[run] = to
    for run, now, *_ in table.runs:
        assert state[run] == now
        assert RunState(now).is_terminal


def _check_threads(stage: Stage, runs: int) -> None:
    seen = stage.setup.seen
    assert len(seen.roots()) == runs
    for root in seen.roots():
        thread = seen.sandbox.thread(seen.channel, root["ts"])
        ours = [message for message in thread if message.get("bot_id")]
        kinds = Counter(map(_kind, ours))
        assert [kind for kind in _ONCE if kinds[kind] > 1] == []
        assert (kinds["header"], kinds["final"]) == (1, 1)
        assert sum(len(message.get("files", ())) for message in thread) == 1
    shown = json.dumps(seen.sandbox.workspace.messages.of(seen.channel))
    assert TOKEN not in shown
    assert OF_THE_STATE not in shown


def _kind(message: dict[str, Any]) -> str:
    payload = message.get("metadata", {}).get("event_payload", {})
    return str(payload.get("kind", ""))
