"""The whole bot over real sockets: a local workspace, real SQLite, any engine."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.app import Handrail, handrail
from bot.control.secrecy import Secrecy
from bot.domain.audit import AuditRow
from bot.domain.people import TeamId, UserId
from bot.domain.run import Run, RunId, RunState
from bot.domain.stack import Catalog, Stack, StackName
from bot.sandbox.server import Sandbox, serve
from bot.sandbox.workspace import Workspace
from bot.settings import Settings
from bot.slack.output import readable
from bot.slack.pacing import Budget
from bot.store.audit import read
from bot.store.database import Database
from runner.engine import Engine

MANIFEST = Path(__file__).parents[2] / "manifest.yml"
INIT = "terraform init"
_NO_LIMIT = Budget(posts=(1_000, 1_000), updates=(1_000, 1_000))


@dataclass(kw_only=True)
class Bot:
    """What a test says to the bot, and what it sees of it."""

    sandbox: Sandbox
    channel: str
    people: dict[str, str]
    engine: Any
    settings: Settings
    environ: dict[str, str]
    stacks: dict[StackName, Stack]
    budget: Budget
    secrecy: Secrecy | None = None  #: that of the log, where a test looks at it
    handrail: Handrail = field(init=False)

    @property
    def catalog(self) -> Catalog:
        """Return what handrail.yaml would say."""
        return Catalog(
            workspace=TeamId(self.sandbox.workspace.team),
            admins=(UserId(self.people["ada"]),),
            stacks=self.stacks,
            slots=4,
        )

    def start(self) -> AbstractAsyncContextManager[Handrail]:
        """Start the bot, or start it again over the same database."""
        return handrail(
            self.settings,
            self.catalog,
            self.engine,
            self.environ,
            self.budget,
            self.secrecy,
        )

    async def slash(self, text: str, *, by: str = "ann", channel: str = "") -> None:
        """Type `/task text`; the acknowledgement must come."""
        answer = await self.sandbox.slash(
            f"/task {text}", by=self.people[by], channel=channel or self.channel
        )
        assert answer.ok, answer.error

    async def task(self, text: str, *, by: str = "ann") -> str:
        """Type `/task text` and return the `ts` of the run's message."""
        before = len(self.roots())
        await self.slash(text, by=by)
        await self.sandbox.wait_for(lambda: len(self.roots()) > before)
        return str(self.roots()[-1]["ts"])

    async def reply(self, text: str, *, to: str, by: str = "ann") -> str:
        """Reply in a thread."""
        return await self.sandbox.say(
            text, by=self.people[by], channel=self.channel, thread_ts=to
        )

    async def press(self, action_id: str, *, on: str, by: str = "ann") -> None:
        """Press a button of a run's message."""
        await self.sandbox.click(
            action_id=action_id,
            by=self.people[by],
            channel=self.channel,
            message_ts=on,
        )

    def roots(self) -> list[dict[str, Any]]:
        """Return the bot's messages in the channel."""
        return [m for m in self.sandbox.messages(self.channel) if m.get("bot_id")]

    def root(self, ts: str) -> str:
        """Return all that the run's message shows."""
        return text_of(self.sandbox.thread(self.channel, ts)[0])

    def told(self, ts: str) -> list[str]:
        """Return what the bot said in a thread, one text per message."""
        replies = self.sandbox.thread(self.channel, ts)[1:]
        return [text_of(message) for message in replies if message.get("bot_id")]

    async def tells(self, ts: str, words: str, within: float = 10) -> str:
        """Wait until a message of the thread says *words*, and return it."""

        def found() -> str:
            return next((text for text in self.told(ts) if words in text), "")

        return await self.sandbox.wait_for(found, within)

    async def shows(self, ts: str, words: str, within: float = 10) -> str:
        """Wait until the run's message shows *words*, and return it."""
        await self.sandbox.wait_for(lambda: words in self.root(ts), within)
        return self.root(ts)

    async def whispers(self, to: str, words: str) -> str:
        """Wait until only *to* is shown *words*, and return the sentence."""

        def found() -> str:
            shown = map(text_of, self.sandbox.ephemerals(self.people[to]))
            return next((text for text in shown if words in text), "")

        return await self.sandbox.wait_for(found)

    async def run(self, number: int) -> Run:
        """Return a run out of the record."""
        return await self.handrail.archive.run(RunId(number))

    async def ends(self, number: int) -> Run:
        """Wait until a run is over and its final message is there."""
        states = [state.value for state in RunState if state.is_terminal]

        def over() -> bool:
            return any(
                state in text_of(root)
                for root in self.roots()
                for state in states
                if f"run {number} " in text_of(root)
            )

        await self.sandbox.wait_for(over, 20)
        return await self.run(number)

    async def audit(self) -> list[AuditRow]:
        """Return the audit rows, read by another process's eyes."""
        async with Database.open(self.settings.database_url) as database:
            return [row async for row in read(database)]

    async def output(self, number: int) -> str:
        """Return the kept output of a run."""
        pieces = [p async for p in self.handrail.archive.output(RunId(number))]
        return readable(b"".join(pieces))


def text_of(message: dict[str, Any]) -> str:
    """Return everything that a message shows, a line per block."""
    parts = [
        block_text
        for block in message.get("blocks", [])
        for block_text in _texts(block)
    ]
    return "\n".join(parts or [message.get("text", "")])


def _texts(node: Any) -> Iterable[str]:
    if isinstance(node, dict):
        if isinstance(node.get("text"), str):
            yield node["text"]
        for key, child in node.items():
            if key != "confirm":
                yield from _texts(child)
    elif isinstance(node, list):
        for child in node:
            yield from _texts(child)


def a_stack(name: str = "net-prod", **changes: Any) -> Stack:
    """Return a stack with one init, written by ann and bob."""
    return Stack(
        name=StackName(name),
        image=changes.pop("image", "registry.example/terraform:1"),
        init=changes.pop("init", INIT),
        writers=changes.pop("writers", ()),
        **changes,
    )


@asynccontextmanager
async def a_bot(
    tmp_path: Path, engine: Engine, *stacks: Stack, pace: bool = False
) -> AsyncIterator[Bot]:
    """Prepare a workspace with its people; the bot itself is not started."""
    workspace = Workspace(manifest=MANIFEST)
    people = {
        name: workspace.add_person(name, real_name=name.title())
        for name in ("rita", "ann", "bob", "ada")
    }
    channel = workspace.add_channel("infra", members=list(people.values()))
    writers = (people["ann"], people["bob"])
    known = stacks or (a_stack(),)
    async with serve(workspace, pace=pace, time_scale=0.01) as sandbox:
        environ = {
            "SLACK_BOT_TOKEN": sandbox.bot_token,
            "SLACK_APP_TOKEN": sandbox.app_token,
            "SLACK_API_URL": sandbox.api_url,
            "HANDRAIL_DATA_DIR": str(tmp_path / "data"),
        }
        yield Bot(
            sandbox=sandbox,
            channel=channel,
            people=people,
            engine=engine,
            settings=Settings.read(environ),
            environ=environ,
            budget=Budget() if pace else _NO_LIMIT,
            stacks={
                stack.name: stack if stack.writers else _written_by(stack, writers)
                for stack in known
            },
        )


@asynccontextmanager
async def a_running_bot(
    tmp_path: Path, engine: Engine, *stacks: Stack, pace: bool = False
) -> AsyncIterator[Bot]:
    """Prepare a workspace, and start the bot in it."""
    async with (
        a_bot(tmp_path, engine, *stacks, pace=pace) as bot,
        bot.start() as bot.handrail,
    ):
        yield bot


def _written_by(stack: Stack, writers: tuple[str, ...]) -> Stack:
    return replace(stack, writers=writers)
