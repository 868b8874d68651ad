"""The whole bot over real sockets: a local workspace, real SQLite, any engine."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.app import Handrail, handrail, utc_now
from bot.control.secrecy import Secrecy
from bot.domain.audit import AuditRow, Deed
from bot.domain.people import ChannelId, TeamId, UserId
from bot.domain.run import Run, RunId, RunState
from bot.domain.stack import Catalog, Stack, StackName
from bot.ports import Clock, Policies
from bot.sandbox.server import PATIENCE, Sandbox, serve
from bot.sandbox.values import Answer
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
    clock: Clock = utc_now
    policies: Policies | None = None  #: what evaluates Rego; None: nothing does
    records: ChannelId | None = None  #: the channel of `defaults` in handrail.yaml
    handrail: Handrail = field(init=False)

    @property
    def catalog(self) -> Catalog:
        """Return what handrail.yaml would say."""
        return Catalog(
            workspace=TeamId(self.sandbox.workspace.team),
            admins=(UserId(self.people["ada"]),),
            stacks=self.stacks,
            slots=4,
            channel=self.records,
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
            self.clock,
            self.policies,
        )

    async def slash(
        self, text: str, *, by: str = "ann", channel: str = "", command: str = "/task"
    ) -> None:
        """Type `/task text`; the acknowledgement must come."""
        answer = await self.sandbox.slash(
            f"{command} {text}", by=self.people[by], channel=channel or self.channel
        )
        assert answer.ok, answer.error

    async def task(self, text: str, *, by: str = "ann", command: str = "/task") -> str:
        """Type `/task text` and return the `ts` of the run's message."""
        before = len(self.roots())
        await self.slash(text, by=by, command=command)
        await self.sandbox.wait_for(lambda: len(self.roots()) > before)
        return str(self.roots()[-1]["ts"])

    async def deploy(self, text: str, *, by: str = "ann") -> str:
        """Type `/deploy text` and return the `ts` of the run's message."""
        return await self.task(text, by=by, command="/deploy")

    async def reply(self, text: str, *, to: str, by: str = "ann") -> str:
        """Reply in a thread."""
        return await self.sandbox.say(
            text, by=self.people[by], channel=self.channel, thread_ts=to
        )

    async def press(self, action_id: str, *, on: str = "", by: str = "ann") -> Answer:
        """Press a button of a run's message, or of a direct message to *by*.

        Without *on* it is the newest direct message that has such a button.
        """
        letters = self.letters(by)
        wanted = on or newest_with(action_id, letters)["ts"]
        direct = next((m for m in letters if m["ts"] == wanted), {})
        return await self.sandbox.click(
            action_id=action_id,
            by=self.people[by],
            channel=direct.get("channel", self.channel),
            message_ts=wanted,
        )

    async def press_whisper(self, action_id: str, *, by: str = "ann") -> Answer:
        """Press a button of the newest message that only *by* sees and that has it."""
        shown = self.sandbox.ephemerals(self.people[by])
        whisper = newest_with(action_id, shown)
        return await self.sandbox.click(
            action_id=action_id,
            by=self.people[by],
            channel=whisper["channel"],
            message_ts=whisper["ts"],
        )

    async def submit_view(
        self, by: str = "ann", values: Mapping[str, Any] | None = None
    ) -> Answer:
        """Fill in and submit the form that *by* has open, once it is there.

        *values* are by the input's block id or action id. The answer's `errors` are
        by block id, where the form was sent back.
        """
        user = self.people[by]
        await self.sandbox.wait_for(lambda: self.sandbox.views(user))
        view = self.sandbox.views(user)[-1]
        filled = _by_block(view, values or {})
        return await self.sandbox.submit(view["id"], filled, by=user)

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

    async def tells(self, ts: str, words: str, within: float = PATIENCE) -> str:
        """Wait until a message of the thread says *words*, and return it."""

        def found() -> str:
            return next((text for text in self.told(ts) if words in text), "")

        return await self.sandbox.wait_for(found, within)

    async def shows(self, ts: str, words: str, within: float = PATIENCE) -> str:
        """Wait until the run's message shows *words*, and return it."""
        await self.sandbox.wait_for(lambda: words in self.root(ts), within)
        return self.root(ts)

    def letters(self, to: str) -> list[dict[str, Any]]:
        """Return the bot's direct messages to a person, each with its `channel`."""
        channel = self.sandbox.workspace.opened_with(self.people[to])
        messages = self.sandbox.direct_messages(self.people[to])
        return [{**m, "channel": channel.id} for m in messages if channel]

    def dm(self, to: str) -> list[str]:
        """Return what the bot told a person in direct messages, oldest first."""
        return [text_of(m) for m in self.letters(to) if m.get("bot_id")]

    async def hears(self, who: str, words: str, within: float = PATIENCE) -> str:
        """Wait until a direct message tells *who* these *words*, and return it."""

        def found() -> str:
            return next((text for text in self.dm(who) if words in text), "")

        return await self.sandbox.wait_for(found, within)

    async def refused(self, text: str, *, by: str, why: str) -> Deed:
        """Type `/task text`, be told *why* not, and return what is kept of that."""
        await self.slash(text, by=by)
        await self.whispers(by, why)
        return (await self.audit())[-1].deed

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

        await self.sandbox.wait_for(over)
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


def newest_with(action_id: str, messages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the newest message with a button called *action_id*."""
    return next(m for m in reversed(messages) if action_id in _action_ids(m))


def _action_ids(message: dict[str, Any]) -> set[str]:
    blocks = message.get("blocks", [])
    parts = [
        *(part for block in blocks for part in block.get("elements", [])),
        *(block.get("accessory", {}) for block in blocks),
    ]
    return {part["action_id"] for part in parts if "action_id" in part}


def _by_block(view: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    filled: dict[str, Any] = {}
    for block in view["blocks"]:
        action = block.get("element", {}).get("action_id")
        for name in {block["block_id"], action} & values.keys():
            filled[block["block_id"]] = {action: values[name]}
    unknown = values.keys() - filled.keys() - {a for v in filled.values() for a in v}
    assert not unknown, f"the form has no input called {unknown}"
    return filled


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
    """Prepare a workspace with its people; the bot itself is not started.

    Ada is a global admin, ann and bob write, rita may only read, eve is a guest.
    """
    workspace = Workspace(manifest=MANIFEST)
    people = {
        name: workspace.add_person(name, real_name=name.title())
        for name in ("rita", "ann", "bob", "ada")
    }
    people["eve"] = workspace.add_person("eve", real_name="Eve", is_restricted=True)
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
