"""Set the scene: an engine, an image, people, a channel, and the bot among them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import Final

from bot.alone import alone
from bot.app import Handrail, handrail
from bot.catalog.load import load
from bot.installation import installation_id
from bot.sandbox.server import Sandbox, serve
from bot.sandbox.workspace import Workspace
from bot.settings import Settings
from runner.docker.address import EngineAddress, connect
from runner.docker.engine import DockerEngine
from runner.docker.provision import engine_down, engine_up, find_engine
from runner.docker.rootfs import SampleImage, ensure_sample_image
from runner.engine import Engine

Tell = Callable[[str], None]

_ANOTHER: Final = (
    "Another demo is running here. Type the command into its page, or end it with "
    "Ctrl-C first."
)
_ASSETS: Final = Path(str(files("bot.demo")))
#: beside the package when installed, at the root of a checkout
_MANIFESTS: Final = (
    _ASSETS.parent / "manifest.yml",
    _ASSETS.parents[1] / "manifest.yml",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The demo while it runs."""

    sandbox: Sandbox
    bot: Handrail
    channel: str
    writer: str


@asynccontextmanager
async def scene(
    data_dir: Path, environ: Mapping[str, str], tell: Tell, *, port: int = 0
) -> AsyncIterator[Scene]:
    """Run the demo while the body runs; leave no container and no process behind.

    Raises EngineUnavailable, ImageUnavailable and AlreadyRunning.
    """
    own = data_dir / "demo"
    with alone(own, _ANOTHER), _engine(data_dir, environ, tell) as address:
        # The same each time, so that the sample stack finds its workspace again.
        installation = installation_id(own)
        image = await asyncio.to_thread(_image, address, tell)
        async with (
            DockerEngine(address) as engine,
            _swept(engine, installation),
            _played(engine, image, installation, environ, port) as played,
        ):
            yield played


@asynccontextmanager
async def _played(
    engine: Engine,
    image: SampleImage,
    installation: str,
    environ: Mapping[str, str],
    port: int,
) -> AsyncIterator[Scene]:
    manifest = next(path for path in _MANIFESTS if path.exists())
    workspace = Workspace(manifest=manifest, name="Handrail demo")
    rita = workspace.add_person("rita", real_name="Rita Reader", role_hint="reader")
    ann = workspace.add_person("ann", real_name="Ann Writer", role_hint="writer")
    bob = workspace.add_person("bob", real_name="Bob Writer", role_hint="writer")
    ada = workspace.add_person("ada", real_name="Ada Admin", role_hint="admin")
    workspace.examples["/task"] = "sample terraform state list"
    workspace.examples["/deploy"] = "sample"
    workspace.add_group("platform", members=[ann, bob])
    channel = workspace.add_channel(
        "infra", members=[ann, bob, ada, rita], topic="Every run is told here"
    )
    async with serve(workspace, port=port) as sandbox:
        with TemporaryDirectory(prefix="handrail-demo-") as folder:
            (Path(folder) / "installation").write_text(installation)
            settings = _settings(sandbox, Path(folder))
            _write_config(settings.config, workspace.team, ada, image)
            catalog = load(settings.config)
            secrets = {**environ, "DEMO_DB_PASSWORD": "correct-horse-battery"}
            async with handrail(settings, catalog, engine, secrets) as running:
                yield Scene(sandbox=sandbox, bot=running, channel=channel, writer=ann)


@contextmanager
def _engine(
    data_dir: Path, environ: Mapping[str, str], tell: Tell
) -> Iterator[EngineAddress]:
    # Before anything else runs here, so that waiting keeps nobody waiting.
    was_up = find_engine(environ, data_dir) is not None
    address = engine_up(tell, data_dir, environ)
    try:
        yield address
    finally:
        if not was_up:
            engine_down(data_dir)


def _image(address: EngineAddress, tell: Tell) -> SampleImage:
    client = connect(address)
    try:
        image = ensure_sample_image(client, tell)
    finally:
        client.close()
    if not image.has_terraform:
        tell("No Terraform and no OpenTofu here: the sample stack is a shell stack.")
    return image


def _settings(sandbox: Sandbox, folder: Path) -> Settings:
    return Settings.read(
        {
            "SLACK_BOT_TOKEN": sandbox.bot_token,
            "SLACK_APP_TOKEN": sandbox.app_token,
            "SLACK_API_URL": sandbox.api_url,
            "HANDRAIL_CONFIG": str(folder / "handrail.yaml"),
            "HANDRAIL_DATA_DIR": str(folder),
        }
    )


def _write_config(path: Path, team: str, admin: str, image: SampleImage) -> None:
    source = _ASSETS / ("terraform" if image.has_terraform else "shell")
    text = Template((source / "handrail.yaml").read_text()).substitute(
        workspace=team, admin=admin, image=image.reference, source=source
    )
    path.write_text(text)


@asynccontextmanager
async def _swept(engine: Engine, installation: str) -> AsyncIterator[None]:
    await _sweep(engine, installation)
    try:
        yield
    finally:
        await _sweep(engine, installation)


async def _sweep(engine: Engine, installation: str) -> None:
    # Nobody else has this installation: `alone` saw to that.
    for run in await engine.left_behind(installation):
        container = await engine.find(run, installation)
        if container is not None:
            await container.kill()
            await container.remove()
    for run in await engine.left_workspaces(installation):
        await engine.forget_workspace(run, installation)
