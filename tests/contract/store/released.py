"""Databases as each released version left them, in the middle of work."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, Table, insert, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

from bot.domain.audit import GENESIS, Deed, Verb, sealed
from bot.domain.people import Actor
from bot.store import migrations
from bot.store.output import packed
from tests.support.builders import NOON, STACK, an_actor, later

VERSIONS = ("0001", "0002", "0003", "0004")
OUTPUT = b"Plan: 1 to add\n" * 99

_Row = Mapping[str, Any]
_ANN, _BOB = an_actor(), an_actor("bob")


def _by(prefix: str, who: Actor) -> _Row:
    return {
        f"{prefix}_kind": who.kind.value,
        f"{prefix}_id": who.id,
        f"{prefix}_team": who.team,
        f"{prefix}_name": who.name,
    }


def _run(number: int, state: str, **more: Any) -> _Row:
    return {
        "id": number,
        "type": "task",
        "stack": STACK,
        "command": f"echo {number}",
        "skip_init": False,
        **_by("actor", _ANN),
        "thread": number,
        "created_at": NOON,
        "state": state,
        "state_since": NOON,
        "note": "",
        "keeps_claim": False,
        **more,
    }


def _edge(run: int) -> _Row:
    at = {"run": run, "ordinal": 1, "to_state": "queued", "at": NOON, "note": ""}
    return {**at, **_by("actor", _ANN)}


def _letter(number: int, thread: int, kind: str) -> _Row:
    return {
        "id": number,
        "thread": thread,
        "kind": kind,
        "telling": f'{{"run": {thread}}}',
        "attempts": 0,
        "error": "",
    }


def _deeds(salted: bool) -> list[_Row]:
    rows: list[_Row] = []
    previous = GENESIS
    for ordinal in (1, 2, 3):
        deed = Deed(verb=Verb.SUBMITTED, actor=_ANN, at=NOON, detail=f"echo {ordinal}")
        salt = "00" if salted else None
        row = sealed(deed, ordinal=ordinal, previous=previous, salt=salt)
        said = {"verb": "submitted", "at": NOON, "stack": "", "detail": deed.detail}
        keys = {"ordinal": ordinal, "previous": previous, "hash": row.hash}
        rows.append({**said, **keys, "salt": salt, **_by("actor", _ANN)})
        previous = row.hash
    return rows


def _rows(version: str) -> Mapping[str, list[_Row]]:
    """Return rows with what any version knew; what one did not know is left out."""
    over = {"ended_at": later(9), "exit_code": 0, "started_at": NOON}
    hold = {"reason": "audit", "since": NOON, "until": later(7200), "thread": 3}
    asked = {"key": "k", "digest": "d", "run": 1, "at": NOON}
    return {
        "threads": [
            {"id": number, "channel": "C0", "ts": f"{number}.1", "stack": STACK}
            for number in (1, 2, 3)
        ],
        "runs": [
            _run(1, "finished", **over),
            _run(2, "performing", started_at=NOON, container="c2"),
            _run(3, "queued", again=1),
        ],
        "transitions": [_edge(number) for number in (1, 2, 3)],
        "claims": [
            {"stack": STACK, "run": 2, "fence": 7, "since": NOON, "lease": later(90)}
        ],
        "holds": [{"stack": "db-prod", **_by("actor", _BOB), **hold}],
        "outbox": [_letter(1, 1, "final"), _letter(2, 2, "header")],
        "output_chunks": [
            {
                "run": 1,
                "start": 0,
                "length": len(OUTPUT),
                "position": len(OUTPUT),
                "data": packed(OUTPUT),
            }
        ],
        "audit": _deeds(salted=version != "0001"),
        "deliveries": [{"key": "trigger:1", "at": NOON}],
        "idempotency": [{"actor_kind": "api_key", "actor_id": "ci", **asked}],
    }


async def left_by(version: str, url: str) -> None:
    """Make the tables of *version* in the empty database at *url*, and fill them."""
    engine = create_async_engine(url)
    async with engine.begin() as db:
        await db.run_sync(lambda connection: _make(connection, version))
    await engine.dispose()


def _make(connection: Connection, version: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, version)
    there = inspect(connection).get_table_names()
    for name, rows in _rows(version).items():
        if name not in there:
            continue
        table = Table(name, MetaData(), autoload_with=connection)
        for row in rows:
            connection.execute(insert(table).values(_known(connection, table, row)))
    if connection.dialect.name == "postgresql":
        for name in ("threads", "runs", "outbox"):
            numbered = f"SELECT setval('{name}_id_seq', max(id)) FROM {name}"
            connection.execute(text(numbered))


def _known(connection: Connection, table: Table, row: _Row) -> _Row:
    zoned = connection.dialect.name == "postgresql"
    return {
        key: value
        if zoned or not isinstance(value, datetime)
        else value.replace(tzinfo=None)
        for key, value in row.items()
        if key in table.c
    }
