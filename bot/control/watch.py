"""Watch over holds: when they end, and whether their holders are still there."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.domain.errors import RoleSourceUnavailable, StoreUnavailable
from bot.domain.lock import Hold
from bot.domain.people import Actor, ActorKind, Standing, TeamId, UserId
from bot.domain.stack import Catalog
from bot.ports import Archive, Clock, Directory, Keys, Record

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 5.0
REMINDED_BEFORE: Final = timedelta(minutes=10)
ASKED_AFTER: Final = timedelta(hours=24)
_HOLDERS_EVERY: Final = timedelta(hours=1)
_HOLDERS_AGAIN: Final = timedelta(minutes=1)  #: after somebody could not be asked for


class Watch:
    """What is away, the database or Slack, is waited for."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        directory: Directory,
        keys: Keys,
        record: Record,
        archive: Archive,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._catalog = catalog
        self._directory = directory
        self._keys = keys
        self._record = record
        self._archive = archive
        self._clock = clock
        self._wake = wake
        self._holders_due: datetime | None = None  #: None: at once

    async def serve(self, every: float = LOOK_SECONDS) -> None:
        """Watch until cancelled, looking *every* so many seconds."""
        # Apart from each other: Slack may take long to say who somebody is.
        async with asyncio.TaskGroup() as group:
            group.create_task(_again_and_again(self.see_to_ends, every))
            group.create_task(_again_and_again(self.see_to_holders, every))

    async def see_to_ends(self) -> None:
        """End the holds whose time has come; remind and ask the holders of others."""
        now = self._clock()
        if await self._record.expire(now):
            self._wake()
        await self._record.remind(now, before=REMINDED_BEFORE)
        await self._record.ask_holders(now, after=ASKED_AFTER)

    async def see_to_holders(self) -> None:
        """Report, once an hour, the holds of whom nobody can ask about them.

        That is whoever is deactivated, and an API key that opens nothing any more,
        or whose hold has no end.
        """
        now = self._clock()
        if self._holders_due is not None and now < self._holders_due:
            return
        holds = await self._archive.holds()
        gone, unheard = await self._gone(holds, now)
        for hold in holds:
            if _nameless(hold.actor) in gone or _is_left_by_key(hold, now):
                await self._report(hold, now)
        self._holders_due = now + (_HOLDERS_AGAIN if unheard else _HOLDERS_EVERY)

    async def _gone(
        self, holds: Sequence[Hold], at: datetime
    ) -> tuple[frozenset[Actor], bool]:
        """Return which holders are there no more, and whether any is not known of."""
        gone, unheard = set(), False
        for actor in {_nameless(hold.actor) for hold in holds}:
            try:
                if await self._is_gone(actor, at):
                    gone.add(actor)
            except RoleSourceUnavailable as away:
                log.warning("holder not known of", user=actor.id, error=str(away))
                unheard = True
        return frozenset(gone), unheard

    async def _is_gone(self, actor: Actor, at: datetime) -> bool:
        if actor.kind is ActorKind.API_KEY:
            key = await self._keys.by_name(actor.id)
            return key is None or not key.is_valid(at)
        user, team = UserId(actor.id), TeamId(actor.team)
        person = await self._directory.person(user, team, fresh=True)
        return person.standing is Standing.DEACTIVATED

    async def _report(self, hold: Hold, at: datetime) -> None:
        admins = self._admins(hold)
        if await self._record.report_holder(hold, admins, at) and not admins:
            log.warning("nobody to report to", stack=hold.stack, user=hold.actor.id)

    def _admins(self, hold: Hold) -> tuple[UserId, ...]:
        """Return whom to tell; groups and channels cannot be told directly."""
        stack = self._catalog.stacks.get(hold.stack)
        listed = (*(stack.admins if stack else ()), *self._catalog.admins)
        users = (UserId(user) for user in listed if user[:1] in ("U", "W"))
        return tuple(user for user in dict.fromkeys(users) if user != hold.actor.id)


async def _again_and_again(look: Callable[[], Awaitable[None]], every: float) -> None:
    while True:
        try:
            await look()
        except StoreUnavailable as away:
            log.warning("store away, holds are watched later", error=str(away))
        await asyncio.sleep(every)


def _is_left_by_key(hold: Hold, at: datetime) -> bool:
    """Tell whether a person would have been asked by now, which no key can be."""
    is_keys = hold.actor.kind is ActorKind.API_KEY
    return is_keys and hold.until is None and hold.since + ASKED_AFTER <= at


def _nameless(actor: Actor) -> Actor:
    return replace(actor, name="")
