"""What the first released version wrote is read on, and goes on."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, Table, create_engine, insert

from bot.domain.audit import GENESIS, Deed, Verb, sealed
from bot.domain.lock import LEASE, Claim, Occupancy
from bot.domain.people import HANDRAIL, Actor
from bot.domain.run import Run, RunId, RunState, RunType, ThreadId
from bot.domain.telling import Final, Header, Held, Released, Telling, Waiting
from bot.ports import Ended
from bot.store import audit, migrations
from bot.store.archive import SqlArchive
from bot.store.audit import Verdict
from bot.store.database import Database
from bot.store.outbox import SqlOutbox
from bot.store.record import SqlRecord
from tests.support.builders import NOON, STACK, a_hold, an_actor, later

_Row = Mapping[str, object]
_RELEASED = "0002"
_ANN, _BOB = an_actor(), an_actor("bob")
#: a time as SQLite has it
_NOON = NOON.replace(tzinfo=None)
_HOLD = (
    '{"stack": "net-prod", "actor": {"kind": "person", "id": "U0BOB", "team": '
    '"T0HOME", "name": "bob"}, "reason": "audit", "since": "2026-11-20T12:00:00+00:00"}'
)


def actor(prefix: str, who: Actor) -> _Row:
    return {
        f"{prefix}_kind": who.kind.value,
        f"{prefix}_id": who.id,
        f"{prefix}_team": who.team,
        f"{prefix}_name": who.name,
    }


def a_row(number: int, state: str, started_at: datetime | None) -> _Row:
    return {
        "id": number,
        "type": "task",
        "stack": STACK,
        "command": "ls",
        "skip_init": False,
        **actor("actor", _ANN),
        "thread": number,
        "created_at": _NOON,
        "state": state,
        "state_since": _NOON,
        "note": "",
        "started_at": started_at,
        "keeps_claim": False,
    }


def a_letter(number: int, thread: int, kind: str, telling: str) -> _Row:
    return {
        "id": number,
        "thread": thread,
        "kind": kind,
        "telling": telling,
        "attempts": 0,
        "error": "",
        "revision": 0,
    }


def a_deed() -> _Row:
    deed = Deed(verb=Verb.SUBMITTED, actor=_ANN, at=NOON, detail="ls")
    row = sealed(deed, ordinal=1, previous=GENESIS, salt="00")
    return {
        "ordinal": 1,
        "verb": "submitted",
        **actor("actor", _ANN),
        "at": _NOON,
        "stack": "",
        "detail": "ls",
        "previous": row.previous,
        "hash": row.hash,
        "salt": row.salt,
    }


def an_edge(run: int) -> _Row:
    return {
        "run": run,
        "ordinal": 1,
        "to_state": "queued",
        "at": _NOON,
        **actor("actor", _ANN),
        "note": "",
    }


_WAITING = f'{{"place": 1, "blocking_run": null, "hold": {_HOLD}, "since": null}}'
_ROWS: tuple[tuple[str, tuple[_Row, ...]], ...] = (
    (
        "threads",
        tuple(
            {"id": number, "channel": "C0", "ts": f"{number}.1", "stack": STACK}
            for number in (1, 2)
        ),
    ),
    ("runs", (a_row(1, "performing", _NOON), a_row(2, "queued", None))),
    ("transitions", (an_edge(1), an_edge(2))),
    (
        "claims",
        (
            {"stack": STACK, "run": 1, "fence": 7, "since": _NOON},
            {"stack": "free", "run": None, "fence": 3, "since": None},
        ),
    ),
    (
        "holds",
        (
            {
                "stack": STACK,
                **actor("actor", _BOB),
                "reason": "audit",
                "since": _NOON,
            },
        ),
    ),
    (
        "outbox",
        (
            a_letter(1, 2, "waiting", _WAITING),
            a_letter(2, 2, "held", f'{{"hold": {_HOLD}}}'),
            a_letter(
                3,
                2,
                "released",
                f'{{"hold": {_HOLD}, "actor": {{"kind": "person", "id": "U0ANN", '
                '"team": "T0HOME", "name": "ann"}, "reason": "done"}',
            ),
        ),
    ),
    ("audit", (a_deed(),)),
)


def released(url: str) -> None:
    """Make a database as the first released version left it, in the middle of work."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    engine = create_engine(url.replace("+aiosqlite", ""))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, _RELEASED)
        for name, rows in _ROWS:
            table = Table(name, MetaData(), autoload_with=connection)
            for row in rows:
                connection.execute(insert(table).values(row))
    engine.dispose()


def as_of_then(number: int, state: RunState, started_at: datetime | None) -> Run:
    return Run(
        id=RunId(number),
        type=RunType.TASK,
        stack=STACK,
        command="ls",
        actor=_ANN,
        thread=ThreadId(number),
        created_at=NOON,
        state=state,
        state_since=NOON,
        started_at=started_at,
    )


async def told(outbox: SqlOutbox) -> list[Telling]:
    heard: list[Telling] = []
    while letters := await outbox.due(later(3600)):
        for letter in letters:
            heard.append(letter.telling)
            await outbox.delivered(letter, f"{letter.id}.5")
    return heard


async def test_runs_of_the_released_version_are_tasks_of_handrails_own(
    url: str,
) -> None:
    released(url)

    async with Database.open(url) as database:
        archive = SqlArchive(database)
        running = as_of_then(1, RunState.PERFORMING, NOON)
        assert await archive.last_runs(None, 9) == (
            as_of_then(2, RunState.QUEUED, None),
            running,
        )
        assert await archive.active_runs() == (running,)


async def test_a_claim_of_the_released_version_has_a_lease_from_when_it_was_taken(
    url: str,
) -> None:
    released(url)

    async with Database.open(url) as database:
        occupancy = await SqlArchive(database).occupancy(STACK)

    claim = Claim(stack=STACK, run=RunId(1), fence=7, since=NOON, lease=NOON + LEASE)
    hold = a_hold(by="bob", reason="audit")
    assert occupancy == Occupancy(claim=claim, hold=hold)


async def test_letters_of_the_released_version_are_told_as_today(url: str) -> None:
    released(url)
    hold = a_hold(by="bob", reason="audit")

    async with Database.open(url) as database:
        assert await told(SqlOutbox(database)) == [
            Waiting(run=RunId(2)),
            Held(holds=(hold,)),
            Released(holds=(hold,), actor=_ANN, reason="done"),
        ]


async def test_what_the_released_version_began_comes_to_its_end(url: str) -> None:
    released(url)

    async with Database.open(url) as database:
        record, archive = SqlRecord(database), SqlArchive(database)
        outbox = SqlOutbox(database)
        await told(outbox)
        ended = Ended(state=RunState.FINISHED, actor=HANDRAIL, exit_code=0)
        await record.end(RunId(1), ended, later(9))
        hold = a_hold(by="bob", reason="audit")
        assert await record.promote(later(10)) == ()
        assert await record.release_holds([hold], _BOB, "", later(11), None)
        (ready,) = await record.promote(later(12))

        assert ready.id == RunId(2)
        claim = (await archive.occupancy(STACK)).claim
        assert claim is not None
        assert claim.fence == 8
        heard = await told(outbox)
        assert Final(run=RunId(1)) in heard
        assert Header(run=RunId(2)) in heard
        verdict = await audit.verify(database)
        assert (verdict.broken, verdict.sound > 1) == (None, True)


async def test_the_chain_of_the_released_version_stays_sound(url: str) -> None:
    released(url)

    async with Database.open(url) as database:
        assert await audit.verify(database) == Verdict(sound=1, broken=None)
