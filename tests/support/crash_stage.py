"""Where the bot is killed on purpose: a stack whose every run prints the same."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from typing import Final

from sqlalchemy import text

from bot.sandbox import SlashAnswer
from bot.settings import Settings
from bot.store.database import Database
from tests.support.command_line import Process, started
from tests.support.crash_events import Lives, lives_of
from tests.support.setup import Setup, a_setup

#: seconds, on a busy machine
PATIENCE: Final = 60
#: seconds within which a bot that is told to end has ended
LEAVING: Final = 10

_LOOK_SECONDS: Final = 0.1

TOKEN: Final = "correct-horse-battery-staple"
OF_THE_STATE: Final = "an-endpoint-that-is-sensitive"

# Prints secrets in two pieces, so that a crash may come between them.
_FLOW: Final = """\
#!/bin/sh
n=0
while [ $n -lt 8 ]; do
    seq $((n * 200 + 1)) $((n * 200 + 200))
    printf 'token %.12s' "$TOKEN"
    sleep 0.05
    printf '%s\\n' "${TOKEN#????????????}"
    printf 'state an-endpoint-that-is-'
    sleep 0.05
    printf 'sensitive\\n'
    n=$((n + 1))
done
"""
# What Handrail takes for Terraform, as far as it looks.
_TOOL: Final = """\
#!/bin/sh
case "$1 $#" in
"init "*) echo connecting ;;
"plan "*) echo planning; ./flow; echo saved >"$HANDRAIL_PLAN" ;;
"apply "*) echo applying; cat "$HANDRAIL_PLAN"; ./flow ;;
"show 2") cat state.json ;;
"show "*) cat plan.json ;;
esac
"""
_STATE: Final = (
    '{"format_version": "1.0", "values": {"outputs": '
    '{"endpoint": {"sensitive": true, "value": "an-endpoint-that-is-sensitive"}}}}'
)
_PLAN: Final = (
    '{"format_version": "1.2", "planned_values": {}, "resource_changes": '
    '[{"address": "network.main", "change": {"actions": ["create"]}}]}'
)
_INIT: Final = "./terraform init && export DONE=yes"
_STACK: Final = """\
init: "{init}"
source: {{dir: ./source}}
secrets: {{TOKEN: {{env: MATRIX_TOKEN}}}}
"""

COMMAND: Final = 'net-prod echo "initialized $DONE"; ./flow; exit 3'

_FLOWN: Final = b"".join(
    b"".join(b"%d\n" % line for line in range(n * 200 + 1, n * 200 + 201))
    + b"token *****\nstate *****\n"
    for n in range(8)
)
OF_THE_TASK: Final = b"connecting\ninitialized yes\n" + _FLOWN
OF_THE_PLAN: Final = b"connecting\nplanning\n" + _FLOWN
OF_THE_DEPLOY: Final = OF_THE_PLAN + b"connecting\napplying\nsaved\n" + _FLOWN


@dataclass(kw_only=True)
class Stage:
    """A workspace and its bot, which may be told where to die."""

    setup: Setup
    lives: Lives  #: of its containers, as the engine tells them
    folder: Path
    places: Iterator[Path]  #: for what a replica keeps itself
    typing: list[asyncio.Task[SlashAnswer]] = field(default_factory=list)

    @asynccontextmanager
    async def dying(
        self, point: str, told: Signals = SIGKILL, **settings: str
    ) -> AsyncIterator[Process]:
        """Have the bot run until it comes to *point*, where it sends itself *told*."""
        arguments = (point, told.name, str(self.marker(point)), "serve")
        module = "tests.support.crash_at"
        given = {**self.setup.settings, **settings}
        async with started(*arguments, module=module, **given) as process:
            yield process

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Have the bot run, and end it as a machine does that shuts down."""
        async with self.setup.serving() as process:
            yield
            await self.is_told()
            process.inner.send_signal(SIGTERM)
            assert await process.ended(within=LEAVING) == 0

    @asynccontextmanager
    async def two_replicas(self, point: str) -> AsyncIterator[list[Process]]:
        """Have two replicas serve, of which the first to come to *point* is killed."""
        async with AsyncExitStack() as both:
            processes = [
                await both.enter_async_context(
                    self.dying(point, HANDRAIL_DATA_DIR=str(next(self.places)))
                )
                for _ in range(2)
            ]
            for process in processes:
                await process.says("Handrail serves")
            yield processes

    async def is_told(self) -> None:
        """Wait until everything that is to be told has been."""
        url = Settings.read(self.setup.settings).database_url
        unknown = text("SELECT count(*) FROM outbox WHERE fate IS NULL")
        async with Database.open(url) as database, asyncio.timeout(PATIENCE):
            while True:
                async with database.read("look") as db:
                    if not (await db.execute(unknown)).scalar_one():
                        return
                await asyncio.sleep(_LOOK_SECONDS)

    def marker(self, point: str) -> Path:
        """Return the file that is there once a process has come to *point*."""
        return self.folder / f"died {point}"

    def says(self, line: str, by: str = "ann") -> None:
        """Type a slash command, of which nobody may be left to take notice."""
        seen = self.setup.seen
        typing = seen.sandbox.slash(line, by=seen.people[by], channel=seen.channel)
        self.typing.append(asyncio.create_task(typing))


@asynccontextmanager
async def a_stage(
    tmp_path: Path, *, init: str = _INIT, database_url: str = ""
) -> AsyncIterator[Stage]:
    """Prepare a workspace and a stack; no container may be left in the end.

    *database_url* is that of a PostgreSQL database; without one it is SQLite.
    """
    source = tmp_path / "source"
    source.mkdir(parents=True)
    files = {
        "flow": _FLOW,
        "terraform": _TOOL,
        "state.json": _STATE,
        "plan.json": _PLAN,
    }
    for name, content in files.items():
        (source / name).write_text(content)
        (source / name).chmod(0o755)
    async with a_setup(tmp_path, stack=_STACK.format(init=init)) as setup:
        setup.settings["MATRIX_TOKEN"] = TOKEN
        if database_url:
            setup.settings["HANDRAIL_DATABASE_URL"] = database_url
            setup.settings["HANDRAIL_SEAL_KEY"] = "5e" * 32
        with lives_of(setup.installation) as lives:
            stage = Stage(
                setup=setup,
                lives=lives,
                folder=tmp_path,
                places=(_place(tmp_path, number) for number in count(1)),
            )
            yield stage
            await asyncio.gather(*stage.typing)


def _place(folder: Path, number: int) -> Path:
    """Return what one replica keeps itself; they share the name of what they are."""
    place = folder / f"replica-{number}"
    place.mkdir()
    (place / "installation").write_text((folder / "data/installation").read_text())
    return place
