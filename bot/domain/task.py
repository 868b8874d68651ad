"""Parse what follows `/task` and `/deploy`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from bot.domain.errors import Refusal, Refused
from bot.domain.preset_call import is_call, read_call
from bot.domain.quoting import unclosed_quote
from bot.domain.run import RunId
from bot.domain.slack_text import as_typed, flag, oddities, words_apart

#: characters; a longer command belongs into a script in the stack's source,
#: and its echo would not fit into one Slack message (12,000 characters)
LONGEST_COMMAND: Final = 8_000

NO_INIT: Final = "--no-init"
VERBATIM: Final = "--"
HISTORY: Final = "history"
CHECK: Final = "check"
_PAGE: Final = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
_AGAIN: Final = re.compile(r"!([1-9][0-9]{0,8})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRequest:
    """A command to run on a stack."""

    stack: str
    command: str
    skip_init: bool = False
    remarks: tuple[str, ...] = ()  #: what was undone, or looks odd


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainRequest:
    """`/task <stack> !12`: repeat the command of run 12."""

    stack: str
    run: RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetRequest:
    """`/task <stack> !restart service=api`: run the preset with these parameters."""

    stack: str
    preset: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()  #: what was undone


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployRequest:
    """`/deploy <stack>`: plan, and apply what is confirmed."""

    stack: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRequest:
    """`/task <stack>` alone: show the stack."""

    stack: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRequest:
    """`/task history <stack>`: show its last runs."""

    stack: str
    page: int = 1
    before: RunId | None = None  #: only older runs than that


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """`/task check <stack> <command>`: would it run, and who would have to agree."""

    asked: TaskRequest | PresetRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpRequest:
    """`/task` alone, or `/task help`."""


Request = (
    TaskRequest
    | PresetRequest
    | AgainRequest
    | CardRequest
    | HistoryRequest
    | CheckRequest
    | HelpRequest
)


def parse(text: str, *, is_stack: Callable[[str], bool] = lambda _: False) -> Request:
    """Return what the text of a slash command asks for, or raise Refused.

    *is_stack* knows the stacks, of which one may be called as a word of Handrail's.
    `--no-init` counts only as the first word after the stack or as the last
    word; everything after `--` is the command, verbatim.
    """
    typed, undone = as_typed(text)
    _refuse_unsendable(typed)
    stack, rest = _first_word(typed)
    if not stack or (stack == "help" and not rest):
        return HelpRequest()
    if stack == HISTORY and not is_stack(stack):
        return _history(rest)
    if stack == CHECK and not is_stack(stack):
        return _check(rest, undone)
    if not rest:
        return CardRequest(stack=stack)
    repeated = _AGAIN.fullmatch(rest)
    if repeated is not None:
        return AgainRequest(stack=stack, run=RunId(int(repeated[1])))
    return _asked(stack, rest, undone)


def _asked(
    stack: str, rest: str, undone: tuple[str, ...]
) -> TaskRequest | PresetRequest:
    if is_call(rest):
        return _preset(stack, rest, undone)
    command, skip_init = _split_flags(rest)
    check_command(command, stack)
    return TaskRequest(
        stack=stack,
        command=command,
        skip_init=skip_init,
        remarks=undone + oddities(command),
    )


def _preset(stack: str, rest: str, undone: tuple[str, ...]) -> PresetRequest:
    call = read_call(rest)
    return PresetRequest(
        stack=stack,
        preset=call.preset,
        parameters=call.parameters,
        remarks=undone + call.remarks,
    )


def _history(rest: str) -> HistoryRequest:
    stack, page = _first_word(rest)
    if not stack or (page and _PAGE.fullmatch(page) is None):
        raise Refused(
            "/task history takes a stack, and after it nothing or the number of a "
            "page, up to 999: /task history net-prod 2.",
            reason=Refusal.BAD_COMMAND,
        )
    return HistoryRequest(stack=stack, page=int(page or 1))


def _check(rest: str, undone: tuple[str, ...]) -> CheckRequest:
    stack, asked = _first_word(rest)
    if not asked or _AGAIN.fullmatch(asked):
        raise Refused(
            "/task check takes a stack and the command or preset that you think of "
            "sending there: /task check net-prod terraform apply.",
            reason=Refusal.BAD_COMMAND,
        )
    return CheckRequest(asked=_asked(stack, asked, undone))


def parse_deploy(text: str) -> DeployRequest | HelpRequest:
    """Return what the text of a `/deploy` asks for, or raise Refused."""
    typed, _ = as_typed(text)
    stack, rest = _first_word(typed)
    if not stack or (stack == "help" and not rest):
        return HelpRequest()
    if rest:
        raise Refused(
            f"/deploy takes a stack and nothing else: /deploy {stack}. A command of "
            f"your own is a task: /task {stack} <command>.",
            reason=Refusal.BAD_COMMAND,
        )
    return DeployRequest(stack=stack)


def _split_flags(rest: str) -> tuple[str, bool]:
    skip_init = False
    first, after = _first_word(rest)
    if flag(first) == NO_INIT:
        skip_init, rest = True, after
        first, after = _first_word(rest)
    if flag(first) == VERBATIM:
        return after, skip_init
    if skip_init and is_call(rest):
        raise Refused(
            "A preset says itself whether the init runs: omit --no-init. A command "
            "that begins with ! is written behind --, as in --no-init -- !true.",
            reason=Refusal.BAD_COMMAND,
        )
    before, last = _last_word(rest)
    if flag(last) == NO_INIT:
        return before, True
    return rest, skip_init


def _first_word(text: str) -> tuple[str, str]:
    # Only the blanks around the word are looked at: the rest stays as it is.
    text = text.strip()
    word = words_apart(text).split(maxsplit=1)[0] if words_apart(text).strip() else ""
    return word, text[len(word) :].strip() if text.startswith(word) else ""


def _last_word(text: str) -> tuple[str, str]:
    text = text.strip()
    words = words_apart(text).rsplit(maxsplit=1)
    if not words:
        return "", ""
    return text[: len(text) - len(words[-1])].rstrip(), words[-1]


def _refuse_unsendable(text: str) -> None:
    # NUL ends an argument, and half of a surrogate pair is no character.
    if any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in text):
        raise Refused(
            "The command has a character in it that no program can be given (a "
            "NUL, or half a character). Type it again, without pasting.",
            reason=Refusal.BAD_COMMAND,
        )


def check_command(command: str, stack: str) -> None:
    """Refuse a command that no run could be made of."""
    _refuse_unsendable(command)
    if not command:
        raise Refused(
            f"There is no command. Write it after the stack: /task {stack} "
            "terraform state list",
            reason=Refusal.BAD_COMMAND,
        )
    if len(command) > LONGEST_COMMAND:
        raise Refused(
            f"The command is {len(command):,} characters long; at most "
            f"{LONGEST_COMMAND:,} are taken. Put it into a script in the stack's "
            "source and run that.",
            reason=Refusal.BAD_COMMAND,
        )
    quote = unclosed_quote(command)
    if quote:
        raise Refused(
            f"The command opens a quote ({quote}) and never closes it. Close it "
            "and send the command again.",
            reason=Refusal.BAD_COMMAND,
        )
