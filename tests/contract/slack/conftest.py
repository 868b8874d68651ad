"""A local workspace with the shipped manifest, and a client of its own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.people import TeamId
from bot.sandbox.server import Sandbox, serve
from bot.sandbox.workspace import Workspace
from bot.slack.connection import slack_client
from tests.support.bot import MANIFEST


@dataclass
class Town:
    """A served workspace with ann and bob in it."""

    sandbox: Sandbox
    client: AsyncWebClient
    ann: str
    bob: str
    infra: str

    @property
    def workspace(self) -> Workspace:
        return self.sandbox.workspace

    @property
    def team(self) -> TeamId:
        return TeamId(self.workspace.team)

    def called(self, method: str) -> int:
        """Return how often *method* was called."""
        return sum(call.method == method for call in self.sandbox.calls)


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    workspace = Workspace(MANIFEST)
    ann, bob = workspace.add_person("ann"), workspace.add_person("bob")
    infra = workspace.add_channel("infra", members=[ann, bob])
    async with serve(workspace, pace=False, time_scale=0.0005) as sandbox:
        yield Town(
            sandbox=sandbox,
            client=slack_client(sandbox.bot_token, sandbox.api_url),
            ann=ann,
            bob=bob,
            infra=infra,
        )
