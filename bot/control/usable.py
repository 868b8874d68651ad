"""On which stacks one person may run something, and what."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar

from bot.control.access import Access
from bot.domain.errors import RoleSourceUnavailable
from bot.domain.people import Actor, Role
from bot.domain.preset import Preset
from bot.domain.stack import Catalog, Stack, StackName

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usable:
    """A stack, and what somebody may run on it."""

    stack: Stack
    role: Role
    presets: tuple[Preset, ...]  #: those that they may run, by name

    @property
    def takes_commands(self) -> bool:
        """Tell whether they may write a command of their own."""
        return self.role >= Role.WRITER and not self.stack.deny_tasks

    @property
    def is_any(self) -> bool:
        """Tell whether they may run anything at all."""
        return self.takes_commands or bool(self.presets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """What somebody may use, and the stacks of which nobody can tell."""

    stacks: tuple[Usable, ...]  #: by name
    unknown: tuple[StackName, ...] = ()


async def within_reach(access: Access, catalog: Catalog, actor: Actor) -> Within:
    """Return every stack that *actor*, who may do anything at all, may use."""
    rights = _Rights(access, actor)
    found: list[Usable] = []
    unknown: list[StackName] = []
    for _, stack in sorted(catalog.stacks.items()):
        try:
            found.append(await rights.on(stack))
        except RoleSourceUnavailable:
            unknown.append(stack.name)
    return Within(stacks=tuple(it for it in found if it.is_any), unknown=tuple(unknown))


async def usable(access: Access, actor: Actor, stack: Stack) -> Usable:
    """Return what *actor* may run on *stack*. Raises RoleSourceUnavailable."""
    return await _Rights(access, actor).on(stack)


class _Rights:
    """Asks once for each list of members, however many stacks have it.

    A source that is away is not waited for again and again.
    """

    def __init__(self, access: Access, actor: Actor) -> None:
        self._access = access
        self._actor = actor
        self._roles: dict[Hashable, Role | RoleSourceUnavailable] = {}
        self._runs: dict[Hashable, bool | RoleSourceUnavailable] = {}

    async def on(self, stack: Stack) -> Usable:
        role = await _once(
            self._roles,
            (stack.admins, stack.writers, stack.readers),
            lambda: self._access.role(self._actor, stack),
        )
        presets = [
            preset
            for _, preset in sorted(stack.presets.items())
            if role >= Role.WRITER or await self._runs_it(preset, stack)
        ]
        return Usable(stack=stack, role=role, presets=tuple(presets))

    async def _runs_it(self, preset: Preset, stack: Stack) -> bool:
        return await _once(
            self._runs,
            (preset.runners, stack.admins, stack.writers, stack.readers),
            lambda: self._access.may_run(preset, self._actor, stack),
        )


async def _once(
    known: dict[Hashable, Answer | RoleSourceUnavailable],
    key: Hashable,
    ask: Callable[[], Awaitable[Answer]],
) -> Answer:
    if key not in known:
        try:
            known[key] = await ask()
        except RoleSourceUnavailable as away:
            known[key] = away
    answer = known[key]
    if isinstance(answer, RoleSourceUnavailable):
        raise answer
    return answer
