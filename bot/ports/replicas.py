"""The processes that work on one record, and how they share the work."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.domain.replica import Replica


class Duty(StrEnum):
    """What only one replica at a time does."""

    DELIVER = "deliver"
    CATCH_UP = "catch up"  #: only as long as there is something to read


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """Nothing starts until somebody ends that, or a bot starts."""

    since: datetime
    by: str  #: who wanted it, in words


class Replicas(Protocol):
    """The living replicas; each method is one transaction of this one's."""

    async def join(self, at: datetime, *, alone: bool) -> None:
        """Be one of them. *alone*: no other can be alive, so forget all others."""

    async def renew(self, at: datetime) -> bool:
        """Be heard of; False where the others have believed this one dead since.

        It is one of them again either way.
        """

    async def leave(self, at: datetime) -> None:
        """Be none of them any more, with every duty and every run given up."""

    async def living(self, at: datetime) -> tuple[Replica, ...]:
        """Return those that are heard of, by their ids."""

    async def take(self, duty: Duty, at: datetime) -> bool:
        """Take *duty*, or keep it for another lease; False while another has it."""


class Change(StrEnum):
    """What a transaction gives somebody to do, maybe in another replica."""

    RUNS = "runs"  #: one may start, or has to stop
    OWNERS = "owners"  #: a run may be adopted
    SECRETS = "secrets"  #: more is to be hidden in what a run prints
    LETTERS = "letters"  #: one may be delivered


class Wakes(Protocol):
    """Hears that the record has changed, by whichever replica."""

    def heard(self) -> AsyncIterator[frozenset[Change]]:
        """Yield soon after each change what kinds of it there were.

        Several changes in a row may be one. What was missed while nobody could
        hear is heard of as one change of every kind. Never raises.
        """


class Drains(Protocol):
    """Whether Handrail may start anything at all."""

    async def drain(self, by: str, at: datetime) -> None:
        """Let nothing start from here on; once is enough."""

    async def end_drain(self, by: str, at: datetime) -> bool:
        """Let runs start again; False where they could."""

    async def end_if_done(self, at: datetime) -> bool:
        """Let runs start again if the drain has come to its end: nothing is active.

        False where they may not.
        """

    async def drained(self) -> Drained | None:
        """Tell whether nothing may start."""
