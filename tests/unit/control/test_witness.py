"""What is told while it is compared is no fault; what stays wrong is one."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import datetime

from bot.control.witness import Witness
from bot.domain.witness import (
    Finding,
    KeptEnd,
    KeptMessage,
    KeptThread,
    Root,
    SeenMessage,
    Witnessed,
)


class Telling:
    """A thread in which something is told between any two looks, in both places."""

    def __init__(self, *, is_noted: bool) -> None:
        self._is_noted = is_noted
        self._told = 0

    def _kept_now(self) -> KeptThread:
        digest = f"{self._told if self._is_noted else 'other'}"
        messages = (KeptMessage(ts="1.0", digest=digest),)
        return KeptThread(run=3, stack="a", roots=("1.0",), messages=messages)

    def _seen_now(self) -> SeenMessage:
        self._told += 1
        return SeenMessage(ts="1.0", digest=f"{self._told}", link="link")

    async def channels(self) -> tuple[str, ...]:
        return ("C1",)

    async def kept(self, channel: str, since: str) -> Mapping[int, KeptThread]:
        return {7: self._kept_now()}

    async def untold(self, channel: str) -> Sequence[Finding]:
        return ()

    async def ended(self, since: datetime, until: datetime) -> Sequence[KeptEnd]:
        return ()

    async def rows(self, ordinals: Iterable[int]) -> Mapping[int, Witnessed]:
        return {}

    async def roots(self, channel: str, since: str) -> AsyncIterator[Root]:
        yield Root(ts="1.0", message=self._seen_now(), has_replies=False)


class Record(Telling):
    """The telling as the record's port has it."""

    async def thread(
        self, channel: str, number: int | None, roots: Collection[str]
    ) -> KeptThread | None:
        return self._kept_now()


class Channel:
    """The same telling as Slack's port has it."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self.roots = telling.roots

    async def thread(self, channel: str, root: str) -> Sequence[SeenMessage]:
        return [self._telling._seen_now()]


async def settled() -> None:
    """Wait for nothing."""


async def found(record: Record) -> list[str]:
    witness = Witness(kept=record, shown=Channel(record), settle=settled)
    return [finding.why async for finding in witness.compare("C1")]


class Below(Channel):
    """A channel where the first message of a thread that nobody kept was deleted."""

    def __init__(self, telling: Telling) -> None:
        super().__init__(telling)
        self.roots = self._roots

    async def _roots(self, channel: str, since: str) -> AsyncIterator[Root]:
        yield Root(ts="9.0", message=None, has_replies=True, is_gone=True)
        yield Root(ts="8.0", message=None, has_replies=True)

    async def thread(self, channel: str, root: str) -> Sequence[SeenMessage]:
        return [SeenMessage(ts=f"{root}1", digest="d", link="link", run=4)]


class Nothing(Telling):
    """A record of nothing."""

    async def kept(self, channel: str, since: str) -> Mapping[int, KeptThread]:
        return {}

    async def thread(
        self, channel: str, number: int | None, roots: Collection[str]
    ) -> KeptThread | None:
        return None


async def test_replies_below_a_message_that_was_deleted_are_looked_at() -> None:
    nothing = Nothing(is_noted=True)
    witness = Witness(kept=nothing, shown=Below(nothing), settle=settled)

    named = [finding.what async for finding in witness.compare("C1")]

    assert named == ["message of run 4 (link)"]


async def test_a_message_that_changes_all_the_time_is_no_fault() -> None:
    assert await found(Record(is_noted=True)) == []


async def test_a_message_that_stays_another_is_a_fault() -> None:
    assert await found(Record(is_noted=False)) == ["it was changed in Slack"]
