"""All that a chaos run takes place in: workspace, database, engine and replicas."""

import asyncio
import hashlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copy
from typing import Final

from sqlalchemy import make_url

from bot.sandbox.server import Sandbox, serve
from bot.sandbox.workspace import Workspace
from tests.bench.chaos.acts import Way
from tests.bench.chaos.engine import OwnEngine, own_engine
from tests.bench.chaos.replica import Replica
from tests.bench.chaos.script import ADMIN, KEYS, REPLICAS, STACKS, WRITERS
from tests.bench.checker.recording import recorded
from tests.support import postgres
from tests.support.bot import MANIFEST
from tests.support.command_line import handrail
from tests.support.proxies import Proxy, proxied, to_port, to_socket

_WORK: Final = Path(__file__).with_name("work.sh")
_CHANNELS: Final = 5
_SLOTS: Final = 8


@dataclass(kw_only=True)
class Place:
    """Where a chaos run takes place."""

    folder: Path
    sandbox: Sandbox
    #: the workspace's own address; the bot has others, of proxies
    url: str
    people: dict[str, str]
    channels: dict[str, str]  #: by stack
    engine: OwnEngine
    engine_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    database: str  #: past every proxy
    ways: dict[tuple[Way, int], list[Proxy]]
    replicas: list[Replica]
    ports: list[int]
    keys: dict[str, str]
    secrets: dict[str, str]
    settings: dict[str, str]  #: of a command beside the replicas

    @property
    def events(self) -> Path:
        """Return what the engine told."""
        return self.folder / "events.jsonl"

    def mend(self) -> None:
        """Let every connection be well again."""
        for several in self.ways.values():
            for proxy in several:
                proxy.mend()
        self.sandbox.faults.clear()


@asynccontextmanager
async def a_place(folder: Path, seed: int) -> AsyncIterator[Place]:
    """Prepare everything, the replicas not yet started."""
    async with AsyncExitStack() as stack:
        engine = stack.enter_context(own_engine())
        image = await asyncio.to_thread(engine.image)
        workspace = Workspace(manifest=MANIFEST)
        people = {n: workspace.add_person(n) for n in (*WRITERS, ADMIN)}
        names = [
            workspace.add_channel(f"infra-{nth}", members=list(people.values()))
            for nth in range(_CHANNELS)
        ]
        channels = {s: names[nth % _CHANNELS] for nth, s in enumerate(STACKS)}
        sandbox = await stack.enter_async_context(serve(workspace, pace=False))
        secrets = {name: secret_of(seed, name) for name in STACKS}
        config = _config(folder, image, workspace.team, people, channels)
        server = stack.enter_context(postgres.serving())
        database = await stack.enter_async_context(server.empty_database())
        place = Place(
            folder=folder,
            sandbox=sandbox,
            url=sandbox.url,
            people=people,
            channels=channels,
            engine=engine,
            database=database,
            ways={},
            replicas=[],
            ports=[_free_port() for _ in range(REPLICAS)],
            keys={},
            secrets=secrets,
            settings=_settings(sandbox, engine, config, secrets),
        )
        await _connect(place, server.folder, stack)
        await _make_keys(place)
        events = recorded(engine.folder / "docker.sock", place.events)
        await stack.enter_async_context(events)
        yield place


def secret_of(seed: int, stack: str) -> str:
    """Return the secret of a stack: 24 signs, of which some are escaped in JSON."""
    dice = hashlib.sha256(f"{seed} {stack}".encode()).hexdigest()
    return f'{dice[:6]}"K{dice[6:10]}Zq\\{dice[10:14]}W&{dice[14:17]}'


async def _connect(place: Place, server: Path, stack: AsyncExitStack) -> None:
    """Put a proxy into every way, and make the replicas that use them."""
    slack = to_port(int(place.url.rpartition(":")[2]))
    to_database = to_socket(server / ".s.PGSQL.5432")
    sockets = await stack.enter_async_context(proxied(slack))
    place.sandbox.workspace.url = f"http://127.0.0.1:{sockets.port}"
    place.settings["HANDRAIL_DATABASE_URL"] = _plain(place.database)
    name = make_url(place.database).database
    for nth in range(REPLICAS):
        api = await stack.enter_async_context(proxied(slack))
        database = await stack.enter_async_context(proxied(to_database))
        place.ways[(Way.SLACK, nth)] = [api, *([sockets] if nth == 0 else [])]
        place.ways[(Way.DATABASE, nth)] = [database]
        own = {
            "SLACK_API_URL": f"http://127.0.0.1:{api.port}/api/",
            "HANDRAIL_HTTP": f"127.0.0.1:{place.ports[nth]}",
            "HANDRAIL_DATA_DIR": str(place.folder / f"replica-{nth}"),
            "HANDRAIL_DATABASE_URL": (
                f"postgresql://postgres@127.0.0.1:{database.port}/{name}"
            ),
        }
        log = place.folder / f"replica-{nth}.log"
        place.replicas.append(Replica(settings={**place.settings, **own}, log=log))


async def _make_keys(place: Place) -> None:
    admin = place.people[ADMIN]
    for name in KEYS:
        words = ("key", "create", name, "--by", admin, "--role", "writer")
        made = await handrail(*words, "--all-stacks", **place.settings)
        assert made.code == 0, made.err
        place.keys[name] = made.out.strip()


def _settings(
    sandbox: Sandbox, engine: OwnEngine, config: Path, secrets: dict[str, str]
) -> dict[str, str]:
    return {
        **engine.address.environment,
        **{_variable(name): secret for name, secret in secrets.items()},
        "SLACK_BOT_TOKEN": sandbox.bot_token,
        "SLACK_APP_TOKEN": sandbox.app_token,
        "SLACK_API_URL": sandbox.api_url,
        "HANDRAIL_CONFIG": str(config),
        "HANDRAIL_DATA_DIR": str(config.parent / "beside"),
        "HANDRAIL_SEAL_KEY": hashlib.sha256(config.read_bytes()).hexdigest(),
    }


def _config(
    folder: Path,
    image: str,
    team: str,
    people: dict[str, str],
    channels: dict[str, str],
) -> Path:
    """Write handrail.yaml, and the source of every stack beside it."""
    source = folder / "source"
    source.mkdir()
    copy(_WORK, source)
    written = {
        "version": 1,
        "workspace": team,
        "admins": [people[ADMIN]],
        "slots": _SLOTS,
        "defaults": {
            "image": image,
            "network": "none",
            "init": "usleep 700000; echo initialised",
            "source": {"dir": str(source)},
            "workspace": "persistent",
            "writers": list(people.values()),
        },
        "stacks": {
            name: {
                "channel": channel,
                "secrets": {"CANARY": {"env": _variable(name)}},
            }
            for name, channel in channels.items()
        },
    }
    config = folder / "handrail.yaml"
    config.write_text(json.dumps(written))  # JSON is YAML, too
    return config


def _variable(stack: str) -> str:
    return f"CANARY_{stack.rpartition('-')[2]}"


def _plain(url: str) -> str:
    return url.replace("postgresql+asyncpg:", "postgresql:")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
