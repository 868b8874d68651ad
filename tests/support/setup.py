"""All that a `handrail` of its own process needs, against a local workspace."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from uuid import uuid4

from bot.domain.run import Run, RunId
from bot.sandbox.server import serve
from bot.sandbox.workspace import Workspace
from bot.settings import Settings
from bot.slack.pacing import SLACKS_OWN
from bot.store.archive import SqlArchive
from bot.store.database import Database
from tests.support.bot import MANIFEST, Bot
from tests.support.command_line import Process, started
from tests.support.docker import busybox_image, docker_engine

_CONFIG = """\
version: 1
workspace: {workspace}
admins: [{ada}]
defaults:
  image: "{image}"
  network: none
  channel: {channel}
  writers: [{ann}, {bob}]
stacks:
  net-prod:
"""


@dataclass(kw_only=True)
class Setup:
    """A workspace, and the settings with which a bot reaches it."""

    seen: Bot  #: the bot as people see it; it runs in other processes
    settings: dict[str, str]
    installation: str

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Process]:
        """Have `handrail serve` run until it is told to end."""
        async with started("serve", **self.settings) as process:
            await process.says("Handrail serves 1 stack")
            yield process

    async def recorded(self, number: int) -> tuple[Run, bytes]:
        """Return a run and its output, as the database has them."""
        url = Settings.read(self.settings).database_url
        async with Database.open(url) as database:
            archive = SqlArchive(database)
            run = await archive.run(RunId(number))
            return run, b"".join([piece async for piece in archive.output(run.id)])

    def container(self, number: int) -> str:
        """Return the name of the container of a run."""
        return f"handrail-{self.installation}-{number}"


@asynccontextmanager
async def a_setup(
    tmp_path: Path, *, stack: str = "{}", manifest: Path = MANIFEST
) -> AsyncIterator[Setup]:
    """Serve a workspace, and configure net-prod as *stack* (YAML) says.

    No container may be left in the end.
    """
    workspace = Workspace(manifest=manifest)
    people = {name: workspace.add_person(name) for name in ("ann", "bob", "ada")}
    channel = workspace.add_channel("infra", members=list(people.values()))
    config = tmp_path / "handrail.yaml"
    filled = {"workspace": workspace.team, "image": busybox_image(), **people}
    text = _CONFIG.format(channel=channel, **filled) + indent(stack, " " * 4)
    config.write_text(text)
    installation = f"e2e-{uuid4().hex[:8]}"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "installation").write_text(installation)
    async with docker_engine(installation), serve(workspace, pace=False) as sandbox:
        settings = {
            "SLACK_BOT_TOKEN": sandbox.bot_token,
            "SLACK_APP_TOKEN": sandbox.app_token,
            "SLACK_API_URL": sandbox.api_url,
            "HANDRAIL_CONFIG": str(config),
            "HANDRAIL_DATA_DIR": str(tmp_path / "data"),
        }
        seen = Bot(
            sandbox=sandbox,
            channel=channel,
            people=people,
            engine=None,
            settings=Settings.read(settings),
            environ=settings,
            stacks={},
            budget=SLACKS_OWN,
        )
        yield Setup(seen=seen, settings=settings, installation=installation)
