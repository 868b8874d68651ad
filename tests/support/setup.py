"""All that a `handrail` of its own process needs, against a local workspace."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

from bot.sandbox.server import Sandbox, serve
from bot.sandbox.workspace import Workspace
from tests.support.bot import MANIFEST
from tests.support.docker import busybox_image

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
    """A workspace with its people, and the settings to reach it."""

    sandbox: Sandbox
    channel: str
    people: dict[str, str]
    settings: dict[str, str]


@asynccontextmanager
async def a_setup(
    tmp_path: Path, *, stack: str = "{}", manifest: Path = MANIFEST
) -> AsyncIterator[Setup]:
    """Serve a workspace, and configure net-prod as *stack* (YAML) says."""
    workspace = Workspace(manifest=manifest)
    people = {name: workspace.add_person(name) for name in ("ann", "bob", "ada")}
    channel = workspace.add_channel("infra", members=list(people.values()))
    config = tmp_path / "handrail.yaml"
    config.write_text(
        _CONFIG.format(
            workspace=workspace.team, image=busybox_image(), channel=channel, **people
        )
        + indent(stack, " " * 4)
    )
    async with serve(workspace, pace=False) as sandbox:
        yield Setup(
            sandbox=sandbox,
            channel=channel,
            people=people,
            settings={
                "SLACK_BOT_TOKEN": sandbox.bot_token,
                "SLACK_APP_TOKEN": sandbox.app_token,
                "SLACK_API_URL": sandbox.api_url,
                "HANDRAIL_CONFIG": str(config),
                "HANDRAIL_DATA_DIR": str(tmp_path / "data"),
            },
        )
