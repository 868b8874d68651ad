"""Canaries are planted wherever a run can carry a secret, and looked for outside."""

import json
import logging
import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from bot.app import secrecy_of
from bot.domain.stack import FromEnv, FromFile, StackFile
from runner.masking.secrets import Secret, encodings, forms
from tests.support.bot import Bot, a_bot
from tests.support.docker import docker_engine, inspected, run_in
from tests.support.docker_bot import a_real_stack, attached, told_in
from tests.support.logs import logged

#: Prints the canaries as they are, encoded, in names and in errors.
COMMAND = r"""
env; cat key.pem; set -x; : "$CANARY"; set +x
printf '%s' "$CANARY" | base64; printf '%s' "$CANARY" | xxd -p
echo "::add-mask::$(cat announced)"; cat announced; echo
ls "/none/$CANARY"; "$CANARY"; cat key.pem >&2
i=0; while [ $i -lt 400 ]; do echo "line $i of $CANARY"; i=$((i + 1)); done
: >started; until [ -e go ]; do sleep 0.05; done; exit 3
"""


@pytest.fixture
def canaries() -> dict[str, str]:
    kinds = ("variable", "file", "announced")
    return {kind: f"canary/{kind}+{uuid4().hex}=" for kind in kinds}


@pytest.fixture
async def bot(tmp_path: Path, canaries: dict[str, str]) -> AsyncIterator[Bot]:
    key = tmp_path / "key.pem"
    key.write_text(canaries["file"])
    stack = a_real_stack(
        secrets={"CANARY": FromEnv(variable="CANARY")},
        files=(
            StackFile(path="key.pem", source=FromFile(path=key)),
            StackFile(path="announced", source=FromEnv(variable="LATER"), secret=False),
        ),
    )
    installation = f"e2e-{uuid4().hex[:8]}"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "installation").write_text(installation)
    async with (
        docker_engine(installation) as engine,
        a_bot(tmp_path, engine, stack) as bot,
    ):
        bot.environ |= {"CANARY": canaries["variable"], "LATER": canaries["announced"]}
        yield bot


def shapes(value: str) -> frozenset[bytes]:
    secret = Secret("canary", value.encode())
    return forms(secret) | encodings(secret)


def found_in(data: bytes, canaries: dict[str, str]) -> set[str]:
    return {
        kind
        for kind, value in canaries.items()
        if any(shape in data for shape in shapes(value))
    }


def files_below(folder: Path) -> bytes:
    paths = (Path(top, name) for top, _, names in os.walk(folder) for name in names)
    return b"\0".join(str(p).encode() + b"\0" + p.read_bytes() for p in paths)


def told_to_slack(bot: Bot) -> bytes:
    calls = [(call.method, call.arguments) for call in bot.sandbox.calls]
    uploads = (file.content or b"" for file in bot.sandbox.workspace.files.values())
    names = repr([repr(file) for file in bot.sandbox.workspace.files.values()])
    return b"\0".join(
        [json.dumps(calls, default=str).encode(), names.encode(), *uploads]
    )


def rows_of(bot: Bot) -> bytes:
    """Return every value of every table, as it is read back."""
    path = bot.settings.database_url.partition(":///")[2]
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return repr(
            [
                database.execute(f'SELECT * FROM "{name}"').fetchall()
                for (name,) in tables
            ]
        ).encode()


async def test_no_form_of_a_canary_is_found_outside_its_container(
    bot: Bot, canaries: dict[str, str]
) -> None:
    bot.secrecy = secrecy_of(bot.settings, bot.environ)
    with logged(bot.secrecy.hidden) as lines:
        async with bot.start() as bot.handrail:
            seen = await planted(bot, canaries)
            output = (await bot.output(1)).encode()

    places = {
        "docker inspect": seen,
        "Slack": told_to_slack(bot),
        "the tables": rows_of(bot),
        "the output": output,
        "the data directory": files_below(bot.settings.data_dir),
        "the log": lines.getvalue().encode(),
    }
    assert {place: found_in(data, canaries) for place, data in places.items()} == {
        place: set() for place in places
    }


async def planted(bot: Bot, canaries: dict[str, str]) -> bytes:
    """Let a run and people say the canaries; return what the engine shows of it."""
    ts = await bot.task(f"net-prod {COMMAND}")
    await bot.shows(ts, "performing", within=60)
    name = f"handrail-{bot.handrail.installation}-1"
    seen = inspected(name).encode()
    await bot.slash(f"net-prod echo {canaries['variable']}")
    await bot.whispers("ann", "so it was not run")
    await bot.reply(f"lock: it is {canaries['file']}", to=ts)
    await bot.tells(ts, "holds *net-prod*")
    logging.getLogger("a.library").error("it said: %s", canaries["file"])
    run_in(name, ": >/mnt/workspace/source/go")
    end = await told_in(bot, ts)
    assert end.run.exit_code == 3
    assert end.output.count(b"*****") > 400
    assert await attached(bot, ts) == end.output
    return seen
