"""`handrail policy eval`: one decision, and what each rule makes of it."""

import asyncio
import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Final

import typer

from bot.app import utc_now
from bot.cli.asking import Asking, SaidRole, actor_of, as_said, directory, looked_up
from bot.cli.moments import moment
from bot.cli.policy_record import catalog, evaluating, record
from bot.control.access import Access
from bot.control.policing import Policing
from bot.control.presets import fitting, runnable
from bot.domain.opinion import Opinion, Stance, together
from bot.domain.people import ChannelId, Role
from bot.domain.policy import Policy, PolicyFault, PolicyKind, Ruling
from bot.domain.preset_call import MARK, is_call, read_call, written_value
from bot.domain.stack import Stack
from bot.domain.task import check_command
from bot.ports import Document, NewRun, Policies
from bot.store.archive import SqlArchive
from bot.store.keys import SqlKeys

_SIGNS: Final = {Stance.REFUSES: "no", Stance.ASKS: "wait", Stance.AGREES: "yes"}
_VERDICTS: Final = {
    Stance.REFUSES: "It would be refused.",
    Stance.ASKS: "It would wait until people agree to it.",
    Stance.AGREES: "It would run; nobody has to agree.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the options ask for."""

    line: str  #: a command, or a preset and its parameters
    stack: str
    who: str
    role: SaidRole | None
    teams: list[str]
    at: datetime | None
    skip_init: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A decision."""

    asking: Asking
    command: str
    opinions: tuple[Opinion, ...]
    documents: tuple[Document, ...]  #: that policies were asked about


def evaluate(
    command: Annotated[
        list[str], typer.Argument(help="The command, or !preset name=value, behind --.")
    ],
    *,
    stack: Annotated[str, typer.Option(help="On which stack.")],
    who: Annotated[
        str, typer.Option("--as", help="Who sends it: a Slack id, or api::<key>.")
    ],
    role: Annotated[
        SaidRole | None, typer.Option(help="What they are; then Slack is not asked.")
    ] = None,
    team: Annotated[
        list[str] | None, typer.Option(help="With --role: a user group; repeatable.")
    ] = None,
    at: Annotated[
        str, typer.Option(metavar="TIME", help="When, as in 2026-11-22T03:00+01:00.")
    ] = "",
    no_init: Annotated[bool, typer.Option("--no-init", help="As in /task.")] = False,
    show_input: Annotated[
        bool, typer.Option("--input", help="Print what policies are asked, too.")
    ] = False,
) -> None:
    """Explain what would become of a command: each policy and rule, and its answer.

    Nothing is run or recorded. Exits with 1 where it would be refused.
    """
    wanted = Wanted(
        line=_line(command),
        stack=stack,
        who=who,
        role=role,
        teams=team or [],
        at=moment(at) if at else None,
        skip_init=no_init,
    )
    _tell(asyncio.run(_explained(wanted)), stack, with_input=show_input)


def _line(words: Sequence[str]) -> str:
    """Return as one line of /task what a shell has taken apart."""
    first, *rest = words
    if not rest or not first.startswith(MARK):
        return shlex.join(words) if rest else first
    if first == MARK:
        return f"{first} {shlex.join(rest)}"
    return " ".join((first, *map(_said, rest)))


def _said(word: str) -> str:
    """Return one parameter of a preset as it is typed: note="two words"."""
    name, equals, value = word.partition("=")
    return f"{name}{equals}{written_value(value)}" if equals else word


async def _explained(wanted: Wanted) -> Explained:
    known = catalog()
    stack = known.stack(wanted.stack)
    people = directory(is_asked=wanted.role is None)

    def clock() -> datetime:
        return wanted.at or utc_now()

    async with record() as database, evaluating() as policies:
        overheard = _Overheard(policies)
        access = Access(
            catalog=known, directory=people, keys=SqlKeys(database), clock=utc_now
        )
        policing = Policing(
            access=access,
            directory=people,
            archive=SqlArchive(database),
            policies=overheard,
            clock=clock,
        )
        actor = actor_of(wanted.who, known)
        if wanted.role is not None:
            asking = as_said(actor, wanted.role, wanted.teams)
        else:
            asking = await looked_up(actor, stack, access, policing)
        new = await _imagined(wanted, stack, asking, access)
        opinions = await policing.opinions(new, stack)
    return Explained(
        asking=asking,
        command=new.command,
        opinions=(*_by_role(asking, stack, new), *opinions),
        documents=tuple(overheard.documents),
    )


async def _imagined(
    wanted: Wanted, stack: Stack, asking: Asking, access: Access
) -> NewRun:
    """Return the run that it would become. Raises Refused."""
    new = NewRun(
        stack=stack.name,
        command=wanted.line,
        skip_init=wanted.skip_init,
        actor=asking.actor,
        channel=stack.channel or ChannelId(""),
        session=asking.session,
    )
    if not is_call(wanted.line):
        check_command(wanted.line, stack.name)
        return new
    # As it would be typed: no preset takes --no-init.
    flag = " --no-init" if wanted.skip_init else ""
    call = read_call(f"{wanted.line}{flag}")
    preset = stack.presets.get(call.preset)
    if preset is None or wanted.role is None:
        preset, _ = await runnable(access, stack, call.preset, asking.actor)
    return replace(
        new,
        command=preset.command,
        skip_init=preset.skip_init,
        preset=preset.name,
        parameters=fitting(preset, call.parameters),
    )


def _by_role(asking: Asking, stack: Stack, new: NewRun) -> tuple[Opinion, ...]:
    """Return what is said of them before any rule is asked."""
    if asking.role >= Role.WRITER or new.preset:
        return ()
    sentence = f"Commands of one's own are for writers of {stack.name}."
    return (Opinion(rule="writers", stance=Stance.REFUSES, sentences=(sentence,)),)


def _tell(explained: Explained, stack: str, *, with_input: bool) -> None:
    for line in _told(explained, stack, with_input=with_input):
        typer.echo(line)
    if together(explained.opinions) is Stance.REFUSES:
        raise typer.Exit(1)


def _told(explained: Explained, stack: str, *, with_input: bool) -> Iterator[str]:
    asking, session = explained.asking, explained.asking.session
    teams = "".join(f", @{team}" for team in session.teams)
    yield f"{explained.command} on {stack}"
    yield f"as {session.name} ({session.login}): {asking.role.name.lower()}{teams}"
    for document in explained.documents if with_input else ():
        yield json.dumps(document, indent=2, ensure_ascii=False)
    for opinion in explained.opinions:
        yield from (f"{_SIGNS[opinion.stance]:4}  {line}" for line in opinion.lines)
    yield _VERDICTS[together(explained.opinions)]


@dataclass
class _Overheard:
    """Policies that keep what they were asked, each document once."""

    policies: Policies
    documents: list[Document] = field(default_factory=list)

    async def rulings(
        self, policies: Sequence[Policy], document: Document
    ) -> tuple[Ruling, ...]:
        if document not in self.documents:
            self.documents.append(document)
        return await self.policies.rulings(policies, document)

    async def kind(self, policy: Policy) -> PolicyKind:
        return await self.policies.kind(policy)

    async def check(self, policies: Sequence[Policy]) -> tuple[PolicyFault, ...]:
        return await self.policies.check(policies)
