"""CI jobs, as the HTTP API of a running bot hears them."""

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

from bot.client.api import Api, Tracked
from bot.client.server import Server
from bot.domain.keys import ApiKey
from bot.domain.people import Actor, ActorKind, ChannelId, Role
from bot.domain.stack import StackName
from bot.settings import Settings
from bot.store.database import Database
from bot.store.keys import SqlKeys
from tests.support.bot import Bot

#: what opens a key is its name, so often that it is long enough
_SECRET_LENGTH = 43


@dataclass(kw_only=True)
class Ci:
    """One job: it announces a run, and speaks for it."""

    api: Api
    run: int = 0
    fence: int | None = None

    async def announces(self, command: str = "terraform apply") -> Tracked:
        """Announce a run of net-prod."""
        seen = await self.api.announce("net-prod", command, str(uuid4()))
        self.run = seen.id
        return seen

    async def is_alive(self) -> Tracked:
        """Send a heartbeat."""
        return await self.api.heartbeat(self.run, self.fence)

    async def begins(self) -> None:
        """Wait for its turn, alive, and begin."""
        async with asyncio.timeout(20):
            while True:
                if (await self.is_alive()).state == "ready":
                    break
                await asyncio.sleep(0.02)
        self.fence = await self.api.begin(self.run)

    async def ends(self, exit_code: int = 0) -> None:
        """Report how its command ended."""
        assert self.fence is not None
        await self.api.finish(self.run, self.fence, exit_code)


def serve_api(bot: Bot) -> str:
    """Have *bot*, which is not started yet, serve its API; return where."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        address = f"127.0.0.1:{found.getsockname()[1]}"
    bot.environ |= {"HANDRAIL_HTTP": address}
    bot.settings = Settings.read(bot.environ)
    # API runs are told in the stack's own channel.
    bot.stacks = {
        name: replace(stack, channel=stack.channel or ChannelId(bot.channel))
        for name, stack in bot.stacks.items()
    }
    return f"http://{address}"


def a_key(name: str, *stacks: str, role: Role = Role.WRITER) -> ApiKey:
    """Return a key as the bot knows it; `opens` is what its bearer has."""
    return ApiKey(
        name=name,
        id=hashlib.sha256(name.encode()).hexdigest()[:16],
        digest=hashlib.sha256(_secret(name).encode()).hexdigest(),
        role=role,
        stacks=tuple(map(StackName, stacks)) or None,
        made_by=Actor(kind=ActorKind.PERSON, id="U0ADMIN", team="T0HOME"),
        made_at=datetime.now(UTC),
    )


def opens(key: ApiKey) -> str:
    """Return what the bearer of *key* sends."""
    return f"hr_{key.id}_{_secret(key.name)}"


@asynccontextmanager
async def a_job(bot: Bot, url: str, name: str = "ci") -> AsyncIterator[Ci]:
    """Be a job with the key called *name*, which is made where there is none."""
    key = a_key(name)
    async with Database.open(bot.settings.database_url) as database:
        await SqlKeys(database).make(key)
    async with Api.open(Server(url=url, key=opens(key))) as api:
        yield Ci(api=api)


def _secret(name: str) -> str:
    return (f"{name}-" * _SECRET_LENGTH)[:_SECRET_LENGTH]
