"""A small town: two people, a public and a private channel, and an app."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox, Workspace, serve

MANIFEST = Path(__file__).parent / "manifest.yml"


@dataclass(frozen=True)
class Town:
    workspace: Workspace
    ann: str
    ben: str
    infra: str
    secret: str


@pytest.fixture
def town() -> Town:
    workspace = Workspace(MANIFEST)
    ann = workspace.add_person("ann", role_hint="writer")
    ben = workspace.add_person("ben", role_hint="reader")
    return Town(
        workspace=workspace,
        ann=ann,
        ben=ben,
        infra=workspace.add_channel("infra", members=[ann, ben]),
        secret=workspace.add_channel("secret", members=[ann], private=True),
    )


@pytest.fixture
async def sandbox(town: Town) -> AsyncIterator[Sandbox]:
    async with serve(
        town.workspace, pace=False, time_scale=0.0005, ack_deadline=0.5
    ) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> AsyncWebClient:
    return AsyncWebClient(
        token=sandbox.bot_token, base_url=sandbox.api_url, retry_handlers=[]
    )


@pytest.fixture
def app(client: AsyncWebClient) -> AsyncApp:
    return AsyncApp(client=client)


@pytest.fixture
async def connected(
    app: AsyncApp, sandbox: Sandbox
) -> AsyncIterator[AsyncSocketModeHandler]:
    handler = AsyncSocketModeHandler(app, sandbox.app_token, ping_interval=0.2)
    await handler.connect_async()
    yield handler
    await handler.close_async()
