"""The words that a reply in a thread may consist of; all else is talk."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from bot.domain.slack_text import as_typed, words_apart


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
    | ForceUnlock
    | NotifyMe
    | RunAgain
    | Release
    | Redact
    | Status
    | Help
)

_WITH_REASON: Final[Mapping[str, type[Lock | Unlock | Release]]] = {
    "lock": Lock,
    "unlock": Unlock,
    "release": Release,
}
_ALONE: Final[Mapping[str, type[Stop | Status | Help]]] = {
    "stop": Stop,
    "status": Status,
    "help": Help,
}
_REDACT: Final = re.compile(r"redact(?:\s*:(?P<text>.*))?", re.DOTALL | re.IGNORECASE)
#: what is formatted as code as a whole: in a line, or as a block of its own
_CODE: Final = re.compile(
    r"```(?P<block>(?:(?!```).)+)```|`(?P<line>[^`]+)`", re.DOTALL
)
_SAID: Final = re.compile(r"(?P<word>\w+)(?:\s*:\s*(?P<rest>\S.*))?", re.DOTALL)


def parse_word(text: str) -> Word | None:
    """Return the word that the whole of *text* is, or None for talk.

    Capitals do not count, because a phone makes one of the first letter.
    """
    typed = as_typed(text)[0].strip()
    redaction = _REDACT.fullmatch(typed)
    if redaction is not None:
        return Redact(text=_unformatted((redaction["text"] or "").strip()))
    said = _SAID.fullmatch(words_apart(typed).strip())
    if said is None:
        return None
    word, rest = said["word"].lower(), (said["rest"] or "").strip()
    if word in _WITH_REASON:
        return _WITH_REASON[word](reason=rest)
    if word in _ALONE and not rest:
        return _ALONE[word]()
    return None


def _unformatted(text: str) -> str:
    code = _CODE.fullmatch(text)
    return (code["block"] or code["line"]).strip() if code else text
