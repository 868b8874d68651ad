"""What a channel witnesses: its messages beside what the record kept of them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.audit import GENESIS, AuditHead

#: a file that was deleted has no name any more; Handrail deletes what was redacted
GONE: Final = ""
#: the head of the chain as a final message prints it
_PRINTED: Final = re.compile(r"\baudit (\d{1,18}) · ([0-9a-f]{8,64})\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMessage:
    """A message as the record has it."""

    ts: str
    #: of what it shows; None: that was not kept then, nor whether it is there still;
    #: empty: it was redacted, and has not been told anew yet
    digest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptThread:
    """The messages of a thread as the record has them, and what it is about."""

    run: int | None  #: None: the stack itself
    stack: str
    #: the `ts` of its first message; of several where it had to begin anew
    roots: tuple[str, ...]
    messages: tuple[KeptMessage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenMessage:
    """A message of Handrail's as Slack has it."""

    ts: str
    digest: str
    link: str
    run: int | None = None  #: the one that its metadata names
    files: tuple[str, ...] = ()
    #: the audit row that it vouches for; of the hash at least the beginning
    head: AuditHead | None = None
    is_final: bool = False  #: it tells how its run ended
    says_attached: bool = False  #: a file with the output is said to be beside it


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A message in the channel itself."""

    ts: str
    message: SeenMessage | None  #: None: it is none of Handrail's
    has_replies: bool
    is_gone: bool = False  #: it was deleted, so it may have been one of Handrail's


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """The audit row that a message vouches for, as it is now."""

    hash: str
    run: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEnd:
    """An audit row that says that a run ended, and where that was to be told."""

    ordinal: int
    run: int
    stack: str
    channels: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that record and channel say differently, in words."""

    what: str  #: what it is about, and where that is
    why: str  #: what is wrong with it


def compare(
    kept: KeptThread | None,
    seen: Sequence[SeenMessage],
    channel: str,
    *,
    kept_since: str | None = None,
) -> Iterator[Finding]:
    """Yield how the messages of one thread differ from what was kept of them.

    Of every message from *kept_since* (a `ts`) on, it was kept what it shows.
    """
    there = {message.ts: message for message in seen}
    messages = () if kept is None else kept.messages
    if kept is not None and kept.roots and not seen and not _is_kept(messages):
        yield Finding(what=_about(kept), why="no message tells of it")
    for message in messages:
        shown = there.get(message.ts)
        why = _difference(message, shown, kept_since)
        if kept is not None and why:
            where = shown.link if shown else f"{channel} {message.ts}"
            yield Finding(what=_named(kept, message, where), why=why)
    yield from _missing_file(kept, seen)
    known = {message.ts for message in messages}
    for shown in seen:
        if kept is not None and shown.run not in {None, kept.run}:
            yield Finding(
                what=f"message of run {shown.run} ({shown.link})",
                why=f"the database has it as one of {_about(kept)}",
            )
        if shown.ts not in known and not _is_attached(kept, shown):
            of_run = f" of run {shown.run}" if shown.run else ""
            yield Finding(
                what=f"message{of_run} ({shown.link})",
                why="the database knows nothing of it: its rows were removed",
            )


def _missing_file(
    kept: KeptThread | None, seen: Sequence[SeenMessage]
) -> Iterator[Finding]:
    name = _output_of(kept)
    is_there = any(name in shown.files for shown in seen)
    for shown in seen:
        if shown.says_attached and kept is not None and not is_there:
            what = f"final message of {_about(kept)} ({shown.link})"
            yield Finding(what=what, why=f"its file {name} was deleted in Slack")


def _output_of(kept: KeptThread | None) -> str:
    return "" if kept is None else f"{kept.stack}-run-{kept.run}.log"


def kept_from(seen: Iterable[SeenMessage]) -> str | None:
    """Return the `ts` from which on it was kept what messages show; None: unknown.

    That began with the version that has metadata tell the whole hash of a head.
    """
    heads = (it.ts for it in seen if it.head and len(it.head.hash) == len(GENESIS))
    return min(heads, key=float, default=None)


def uncompared(kept: KeptThread | None, seen: Iterable[SeenMessage]) -> int:
    """Return of how many messages of one thread it is not known what they showed."""
    known = {} if kept is None else {it.ts: it.digest for it in kept.messages}
    return sum(it.ts in known and not known[it.ts] for it in seen)


def vouched(
    seen: Iterable[SeenMessage], rows: Mapping[int, Witnessed]
) -> Iterator[Finding]:
    """Yield which messages vouch for audit rows that are no longer so."""
    for message in seen:
        head = message.head
        if head is None:
            continue
        row = rows.get(head.ordinal)
        why = ""
        if row is None:
            why = f"it vouches for audit row {head.ordinal}, which was removed"
        elif not row.hash.startswith(head.hash):
            why = f"audit row {head.ordinal} is not the one that it vouches for"
        elif message.run and row.run != message.run:
            why = f"audit row {head.ordinal} is not of its run"
        if why:
            what = f"final message of run {message.run or '?'} ({message.link})"
            yield Finding(what=what, why=why)


def printed_head(text: str) -> AuditHead | None:
    """Return the head that *text* prints: of its hash only the beginning."""
    found = _PRINTED.search(text)
    return found and AuditHead(ordinal=int(found[1]), hash=found[2])


def _difference(
    message: KeptMessage, shown: SeenMessage | None, kept_since: str | None
) -> str:
    if shown is None:
        return "" if message.digest is None else "it was deleted in Slack"
    if message.digest is None:
        is_of_before = kept_since is None or float(message.ts) < float(kept_since)
        return "" if is_of_before else "the row with what it showed was removed"
    is_same = message.digest in {"", shown.digest}
    return "" if is_same else "it was changed in Slack"


def _is_attached(kept: KeptThread | None, shown: SeenMessage) -> bool:
    # Slack makes a message of its own for the file with a run's output.
    return bool(shown.files) and {*shown.files} <= {_output_of(kept), GONE}


def _named(kept: KeptThread, message: KeptMessage, where: str) -> str:
    place = "first message" if message.ts in kept.roots else "message"
    return f"{place} of {_about(kept)} ({where})"


def _about(kept: KeptThread) -> str:
    return f"run {kept.run} on {kept.stack}" if kept.run else f"stack {kept.stack}"


def _is_kept(messages: Iterable[KeptMessage]) -> bool:
    return any(message.digest is not None for message in messages)
