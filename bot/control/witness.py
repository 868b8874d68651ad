"""Hold the record against a channel: each finds what was changed in the other."""

from collections import defaultdict
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.domain.witness import (
    Finding,
    KeptThread,
    Root,
    SeenMessage,
    compare,
    kept_from,
    uncompared,
    vouched,
)
from bot.ports.witness import KeptMessages, ShownMessages

#: a thread by its own number in the record; one that it does not know by its root
_Key = int | str
#: how often something must be wrong to be so
_LOOKS: Final = 3


@dataclass(slots=True)
class _Looked:
    """What was seen of a thread, and where."""

    roots: set[str] = field(default_factory=set)
    messages: list[SeenMessage] = field(default_factory=list)


class Witness:
    """Compares once; *settle* waits for what is just being told, to look again."""

    def __init__(
        self,
        *,
        kept: KeptMessages,
        shown: ShownMessages,
        settle: Callable[[], Awaitable[None]],
    ) -> None:
        self._kept = kept
        self._shown = shown
        self._settle = settle
        self.messages = 0  #: how many of Handrail's were looked at
        self.uncompared = 0  #: of how many of them it is not kept what they showed
        self.newest = 0  #: the newest audit row that one of them vouches for
        #: the runs of which a final message was seen, with the rows these vouch for
        self._finals: dict[int, set[int | None]] = defaultdict(set)

    async def compare(self, channel: str, since: str = "0") -> AsyncIterator[Finding]:
        """Yield what is wrong in *channel*, in threads from *since* (a `ts`) on."""
        kept = await self._kept.kept(channel, since)
        looked = await self._look(channel, since, kept)
        begun = kept_from(m for seen in looked.values() for m in seen.messages)
        suspicious = {
            key: seen.roots
            for key, seen in looked.items()
            if any(compare(_of(kept, key), seen.messages, channel, kept_since=begun))
        }
        self.uncompared += sum(
            uncompared(_of(kept, key), seen.messages) for key, seen in looked.items()
        )
        for finding in await self._confirmed(channel, suspicious, begun):
            yield finding
        for finding in await self._vouched(looked):
            yield finding
        for finding in await self._kept.untold(channel):
            yield finding

    async def _confirmed(
        self, channel: str, suspicious: Mapping[_Key, set[str]], begun: str | None
    ) -> Sequence[Finding]:
        """Return what is wrong however often it is looked at."""
        found: dict[_Key, Sequence[Finding]] = dict.fromkeys(suspicious, ())
        for _ in range(_LOOKS):
            if found:
                await self._settle()
            for key in [*found]:
                found[key] = await self._look_again(
                    channel, key, sorted(suspicious[key]), begun
                )
            found = {key: faults for key, faults in found.items() if faults}
        in_order = sorted(found, key=lambda key: min(suspicious[key]))
        return [finding for key in in_order for finding in found[key]]

    async def _look_again(
        self, channel: str, key: _Key, roots: Sequence[str], begun: str | None
    ) -> Sequence[Finding]:
        # What is told while it is looked at is right in one of the two.
        number = key if isinstance(key, int) else None
        before = await self._kept.thread(channel, number, roots)
        seen = [
            message
            for root in roots
            for message in await self._shown.thread(channel, root)
        ]
        after = await self._kept.thread(channel, number, roots)
        faults = {*compare(after, seen, channel, kept_since=begun)}
        return [
            finding
            for finding in compare(before, seen, channel, kept_since=begun)
            if finding in faults
        ]

    async def unwitnessed(
        self, since: datetime, until: datetime, *, only: Collection[str] | None = None
    ) -> AsyncIterator[Finding]:
        """Yield the ends, of runs from *since* and by *until*, that no message tells.

        To be asked once every channel was compared, *only* for those that were. Of
        a run of before final messages vouched, any final message will do.
        """
        for end in await self._kept.ended(since, until):
            is_there = only is None or not end.channels.isdisjoint(only)
            if is_there and not self._finals[end.run] & {end.ordinal, None}:
                why = f"no final message vouches for its end (audit row {end.ordinal})"
                yield Finding(what=f"run {end.run} on {end.stack}", why=why)

    def _note_finals(self, messages: Iterable[SeenMessage]) -> None:
        for message in messages:
            if message.run and (message.is_final or message.head):
                row = message.head.ordinal if message.head else None
                self._finals[message.run].add(row)

    async def _vouched(self, looked: Mapping[_Key, _Looked]) -> tuple[Finding, ...]:
        heads = [m for seen in looked.values() for m in seen.messages if m.head]
        heads.sort(key=lambda message: message.ts)
        ordinals = [message.head.ordinal for message in heads if message.head]
        rows = await self._kept.rows(ordinals)
        found = tuple(vouched(heads, rows))
        self.newest = max([self.newest, *ordinals])
        return found

    async def _look(
        self, channel: str, since: str, kept: Mapping[int, KeptThread]
    ) -> Mapping[_Key, _Looked]:
        threads = _by_message(kept)
        looked: dict[_Key, _Looked] = defaultdict(_Looked)
        async for root in self._shown.roots(channel, since):
            if root.message is not None or root.is_gone or root.ts in threads:
                seen = looked[threads.get(root.ts, root.ts)]
                seen.roots.add(root.ts)
                seen.messages.extend(await self._replies(channel, root))
        for number, thread in kept.items():
            # Of a first message that was deleted the replies may be there.
            for root_ts in {*thread.roots} - looked[number].roots:
                looked[number].roots.add(root_ts)
                replies = await self._shown.thread(channel, root_ts)
                looked[number].messages.extend(replies)
        for seen in looked.values():
            self.messages += len(seen.messages)
            self._note_finals(seen.messages)
        return looked

    async def _replies(self, channel: str, root: Root) -> tuple[SeenMessage, ...]:
        if root.has_replies:
            return tuple(await self._shown.thread(channel, root.ts))
        return () if root.message is None else (root.message,)


def _by_message(kept: Mapping[int, KeptThread]) -> Mapping[str, int]:
    return {
        ts: number
        for number, thread in kept.items()
        for ts in (*thread.roots, *(message.ts for message in thread.messages))
    }


def _of(kept: Mapping[int, KeptThread], key: _Key) -> KeptThread | None:
    return kept.get(key) if isinstance(key, int) else None
