"""The words that a reply in a thread may consist of; all else is talk."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.domain.slack_text import as_typed, words_apart
from bot.domain.stack import StackName

#: what `unlock all mine` is about, where words on locks are kept by their stacks;
#: no stack can be called so
ALL_MINE: Final = StackName("all mine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """`lock`, `lock: reason`, `lock 2h: reason`, `lock a, b 2h: reason`."""

    stacks: tuple[str, ...] = ()  #: none: that of the thread
    duration: timedelta | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlock:
    """`unlock`, `unlock a, b`, `unlock all mine`, or an admin's `unlock: reason`."""

    stacks: tuple[str, ...] = ()  #: none: that of the thread
    all_mine: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steal:
    """`steal: reason`: an admin takes over another person's hold."""

    reason: str = ""
    since: datetime | None = None  #: of the hold that was seen; None: whatever is there


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """`freeze`, `freeze: reason`, `freeze 2h: reason`: a hold on every stack."""

    duration: timedelta | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfreeze:
    """`unfreeze`, or another global admin's `unfreeze: reason`."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """`confirm`: apply the plan of the thread's run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discard:
    """`discard`: the plan of the thread's run, or a run that has not begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """`approve`, `approve: note`: agree to what the thread's run waits to do."""

    note: str = ""
    subject: str = ""  #: of the run that was seen; empty: what it is now


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """`reject: reason`: do not agree to the thread's run."""

    note: str = ""
    subject: str = ""  #: as for `Approve`


@dataclass(frozen=True, slots=True, kw_only=True)
class ForceUnlock:
    """`force-unlock`: an admin has the tool give up the lock the run ran into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyMe:
    """`notify me`: tell me when the stack of the thread is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAgain:
    """The button of a run that is over: the same command, as a new run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """`stop`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """`release: reason`: an admin gives back what a lost run still claims."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """`status`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """`help`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redact:
    """`redact: text`: the text is taken out of all that was told of the run.

    It is verbatim, because it is searched for, but for the white space around it and
    for the backticks of one code formatting.
    """

    text: str = field(default="", repr=False)


Word = (
    Lock
    | Unlock
    | Steal
    | Freeze
    | Unfreeze
    | Stop
    | Confirm
    | Discard
    | Approve
    | Reject
    | ForceUnlock
    | NotifyMe
    | RunAgain
    | Release
    | Redact
    | Status
    | Help
)

_REDACT: Final = re.compile(r"redact(?:\s*:(?P<text>.*))?", re.DOTALL | re.IGNORECASE)
#: what is formatted as code as a whole: in a line, or as a block of its own
_CODE: Final = re.compile(
    r"```(?P<block>(?:(?!```).)+)```|`(?P<line>[^`]+)`", re.DOTALL
)
_DASHES: Final = re.compile(r"[\u2010-\u2015\u2212]")
#: what a stack may be called, in either case: it is looked up later
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_DURATION: Final = re.compile(
    r"(?=.)(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?", re.IGNORECASE
)
#: what follows `lock` in talk; no stack is meant by it where it stands alone
_NO_STACK: Final = frozenset(
    {
        *("again", "down", "everything", "first", "her", "here", "him", "it"),
        *("later", "me", "now", "off", "on", "out", "please", "that", "them"),
        *("then", "there", "this", "today", "tomorrow", "up", "us", "you"),
    }
)


def parse_word(text: str) -> Word | None:
    """Return the word that the whole of *text* is, or None for talk.

    Capitals do not count, because a phone makes one of the first letter. A colon
    with nothing behind it is talk, unless the word cannot do without a reason.
    """
    typed = as_typed(text)[0].strip()
    redaction = _REDACT.fullmatch(typed)
    if redaction is not None:
        return Redact(text=_unformatted((redaction["text"] or "").strip()))
    # Before the colon stands what Handrail itself reads: its dashes are put back.
    said, colon, reason = words_apart(typed).partition(":")
    words = _DASHES.sub("-", said).split()
    if not words or len(said.strip().splitlines()) > 1:
        return None
    if not colon and (alone := _ALONE.get(" ".join(words).lower())):
        return alone
    word, about, reason = words[0].lower(), " ".join(words[1:]), reason.strip()
    if word not in _WITH_REASON or (colon and not reason and word not in _NEEDY):
        return None
    return _WITH_REASON[word](about, reason)


def _lock(about: str, reason: str) -> Word | None:
    named, duration = _timed(about)
    stacks = _stacks(named)
    if stacks is None:
        return None
    return Lock(stacks=stacks, duration=duration, reason=reason)


def _unlock(about: str, reason: str) -> Word | None:
    if about.lower() == "all mine":
        return Unlock(all_mine=True, reason=reason)
    stacks = _stacks(about)
    return None if stacks is None else Unlock(stacks=stacks, reason=reason)


def _freeze(about: str, reason: str) -> Word | None:
    more, duration = _timed(about)
    return None if more else Freeze(duration=duration, reason=reason)


def _review(
    word: type[Approve | Reject],
) -> Callable[[str, str], Word | None]:
    return lambda about, reason: None if about else word(note=reason)


def _only_why(
    word: type[Steal | Unfreeze | Release],
) -> Callable[[str, str], Word | None]:
    return lambda about, reason: None if about else word(reason=reason)


_WITH_REASON: Final[Mapping[str, Callable[[str, str], Word | None]]] = {
    "lock": _lock,
    "unlock": _unlock,
    "freeze": _freeze,
    "steal": _only_why(Steal),
    "unfreeze": _only_why(Unfreeze),
    "release": _only_why(Release),
    "approve": _review(Approve),
    "reject": _review(Reject),
}
#: without a reason they are answered with what is missing
_NEEDY: Final = frozenset({"steal", "release", "reject"})
_ALONE: Final[Mapping[str, Word]] = {
    "stop": Stop(),
    "confirm": Confirm(),
    "discard": Discard(),
    "force-unlock": ForceUnlock(),
    "notify me": NotifyMe(),
    "status": Status(),
    "help": Help(),
}


def _timed(about: str) -> tuple[str, timedelta | None]:
    """Return what stands before a duration in the last place, and the duration."""
    before, _, last = about.rpartition(" ")
    found = _DURATION.fullmatch(last)
    if found is None or before.endswith(","):
        return about, None
    days, hours, minutes = (_number(digits) for digits in found.groups())
    return before, timedelta(days=days, hours=hours, minutes=minutes)


def _number(digits: str | None) -> int:
    # Six are far beyond what a hold may last, and no timedelta overflows of them.
    return int((digits or "").lstrip("0")[:6] or 0)


def _stacks(named: str) -> tuple[str, ...] | None:
    """Return the names of a list, none for an empty one; None if it is talk."""
    if not named:
        return ()
    names = [name.strip() for name in named.split(",")]
    if not all(map(_NAME.fullmatch, names)) or named.lower() in _NO_STACK:
        return None
    return tuple(dict.fromkeys(names))


def _unformatted(text: str) -> str:
    code = _CODE.fullmatch(text)
    return (code["block"] or code["line"]).strip() if code else text
