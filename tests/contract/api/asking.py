"""A running bot with its API, asked over a real socket."""

import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Any

import aiohttp

from bot.api.endpoints import ENDPOINTS
from bot.domain.keys import ApiKey
from bot.domain.people import Actor, ActorKind, ChannelId, Role
from bot.domain.run import RunId
from bot.domain.stack import Stack, StackName
from bot.settings import Settings
from bot.store.database import Database
from bot.store.keys import SqlKeys
from bot.store.retention import SqlPerishables
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_bot, a_stack

ADA = Actor(kind=ActorKind.PERSON, id="U0ADA", team="T0HOME", name="ada")
NET, DB = StackName("net-prod"), StackName("db-prod")


@dataclass(frozen=True)
class Answer:
    """What a request was answered."""

    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> tuple[int, str]:
        return self.status, self.json["error"]


@dataclass(kw_only=True)
class Api:
    """The API of a running bot, and the keys that a test made for it."""

    bot: Bot
    url: str
    session: aiohttp.ClientSession
    keys: dict[str, str] = field(default_factory=dict)

    async def make_key(
        self,
        name: str,
        role: Role = Role.WRITER,
        stacks: tuple[StackName, ...] | None = None,
        **changes: Any,
    ) -> str:
        """Make a key as `handrail key create` does; return it as it is shown once."""
        public, secret = token_hex(8), token_urlsafe(32)
        key = ApiKey(
            name=name,
            id=public,
            digest=sha256(secret.encode()).hexdigest(),
            role=role,
            stacks=stacks,
            made_by=ADA,
            made_at=datetime.now(UTC),
            **changes,
        )
        async with self.store() as keys:
            assert await keys.make(key)
        self.keys[name] = f"hr_{public}_{secret}"
        return self.keys[name]

    @asynccontextmanager
    async def store(self) -> AsyncIterator[SqlKeys]:
        """Open the keys with another process's eyes."""
        async with Database.open(self.bot.settings.database_url) as database:
            yield SqlKeys(database)

    async def drop_output(self, run: int) -> None:
        """Drop the output of *run*, as if it had been kept for long enough."""
        async with Database.open(self.bot.settings.database_url) as database:
            await SqlPerishables(database).drop_output(RunId(run), datetime.now(UTC))

    async def ask(
        self,
        method: str,
        path: str,
        *,
        by: str = "ci",
        headers: dict[str, str] | None = None,
        **content: Any,
    ) -> Answer:
        """Send a request with the key called *by*; none for an empty name."""
        async with self.open(
            method, path, by=by, headers=headers, **content
        ) as response:
            answer = Answer(response.status, response.headers, await response.text())
        assert_documented(method, path.partition("?")[0], answer)
        return answer

    def open(
        self,
        method: str,
        path: str,
        *,
        by: str = "ci",
        headers: dict[str, str] | None = None,
        **content: Any,
    ) -> Any:
        """Send a request, and leave its answer to be read."""
        shown = {"Authorization": f"Bearer {self.keys[by]}"} if by else {}
        return self.session.request(
            method,
            f"{self.url}/api/v1{path}",
            headers={**shown, **(headers or {})},
            **content,
        )

    async def get(self, path: str, by: str = "ci", **content: Any) -> Answer:
        """Ask for something."""
        return await self.ask("GET", path, by=by, **content)

    async def post(
        self, path: str, body: Any = None, by: str = "ci", key: str = ""
    ) -> Answer:
        """Post *body* as JSON, under the idempotency key *key*."""
        headers = {"Idempotency-Key": key} if key else {}
        content = {} if body is None else {"json": body}
        return await self.ask("POST", path, by=by, headers=headers, **content)

    async def task(self, command: str, by: str = "ci", stack: str = NET) -> Any:
        """Have a command run, and return its run."""
        made = await self.post("/tasks", {"stack": stack, "command": command}, by)
        assert made.status == 201, made.text
        return made.json

    async def ends(self, run: int, by: str = "ci") -> Any:
        """Read the events of a run up to its end, and return the run."""
        async with self.open("GET", f"/runs/{run}/events", by=by) as response:
            text = await response.text()
        return json.loads(text.rstrip().rpartition("data: ")[2])

    async def audited(self) -> list[str]:
        """Return who was refused what."""
        rows = [row.deed for row in await self.bot.audit()]
        return [f"{d.actor.id} {d.detail}" for d in rows if d.verb == "refused"]


def assert_documented(method: str, path: str, answer: Answer) -> None:
    """Fail where an endpoint answers what its table does not say."""
    asked = "GET" if method == "HEAD" else method
    for endpoint in ENDPOINTS:
        pattern = re.sub(r"\{\w+\}", "[^/]+", endpoint.path)
        if endpoint.method == asked and re.fullmatch(pattern, path):
            told = [*endpoint.answers, *endpoint.codes]
            assert answer.status in told or answer.json["error"] in told, answer
            return


def a_free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@asynccontextmanager
async def an_api(
    tmp_path: Path, engine: ScriptedEngine, *stacks: Stack, **environ: str
) -> AsyncIterator[Api]:
    """Prepare a workspace with stacks of one channel, and what reaches its API.

    The bot itself is not started.
    """
    known = stacks or (a_stack(NET), a_stack(DB))
    async with a_bot(tmp_path, engine, *known) as bot, aiohttp.ClientSession() as web:
        address = f"127.0.0.1:{a_free_port()}"
        told = {**bot.environ, "HANDRAIL_HTTP": address, **environ}
        bot.settings = Settings.read(told)
        bot.stacks = {
            name: replace(stack, channel=ChannelId(bot.channel))
            for name, stack in bot.stacks.items()
        }
        yield Api(bot=bot, url=f"http://{address}", session=web)


@asynccontextmanager
async def a_running_api(
    tmp_path: Path, engine: ScriptedEngine, *stacks: Stack, **environ: str
) -> AsyncIterator[Api]:
    """Prepare a workspace, start the bot in it, and make a key called ci."""
    async with (
        an_api(tmp_path, engine, *stacks, **environ) as api,
        api.bot.start() as api.bot.handrail,
    ):
        await api.make_key("ci")
        yield api
