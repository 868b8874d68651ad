"""What Handrail says in words: pure text, without any markup."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.domain.lock import Hold, Occupancy
from bot.domain.people import Role
from bot.domain.run import Reason, Run, RunState
from bot.domain.stack import StackName

HELP = """\
/task <stack> <command> runs the command on the stack, after its init.
/task <stack> --no-init <command> skips the init. After -- all is the command.
/task <stack> shows the stack: who has it, what waits, the last runs.
Replies in a run's thread: lock, lock: reason, unlock, stop, status, help,
redact: text (hides the text in all that was told of the run)."""

_REASONS = {
    Reason.EXIT_CODE: "the command failed",
    Reason.INIT: "the initialization failed",
    Reason.IMAGE: "the image is not to be had",
    Reason.SOURCE: "the source is not to be had",
    Reason.TIMEOUT: "it ran longer than the stack allows",
    Reason.SILENCE: "it printed nothing for longer than the stack allows",
    Reason.OUT_OF_MEMORY: "it needed more memory than the stack allows",
    Reason.REJECTED: "it was not allowed to start",
    Reason.CREDENTIALS: "a secret or a credential could not be had",
    Reason.LOST: "its container was lost",
    Reason.ENGINE: "the container engine failed",
}

_LOOKS_LIKE = "what looks like a token or a password"
_IN_ITS_PLACE = (
    "Name the variable or the file in its place: the container has what stands under "
    "`secrets` and `files` of the stack."
)

_UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB"))

#: what a shell means by these exit codes (POSIX.1-2017, 2.8.2)
_SHELL_CODES = {126: "found, but not executable", 127: "command not found"}


def why_failed(reason: Reason) -> str:
    """Return a failure's reason in words."""
    return _REASONS[reason]


def exit_code(code: int) -> str:
    """Return an exit code with what it usually means."""
    meaning = _SHELL_CODES.get(code)
    if meaning is None and 128 < code <= 128 + 64:
        meaning = f"ended by signal {code - 128}"
    return f"exit code {code}" + (f" ({meaning})" if meaning else "")


def span(length: timedelta) -> str:
    """Return a length of time as a person says it, `3 min 5 s` or `2 h 10 min`."""
    seconds = max(0, int(length.total_seconds()))
    minutes, rest = divmod(seconds, 60)
    if minutes == 0:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} days"


def not_maskable(stack: str, names: Sequence[str]) -> str:
    """Say why a stack that insists on masking does not run."""
    return (
        f"{', '.join(names)} of {stack} cannot be masked, because too short or too "
        "ordinary, and the stack has strict_masking, so nothing was run. Give longer "
        "values, or have those that are no secrets moved to `env`."
    )


def unmasked(names: Sequence[str]) -> str:
    """Name what is shown as it is."""
    return f"Not masked, because too short or too ordinary: {', '.join(names)}."


def masked_in_part(names: Sequence[str]) -> str:
    """Name what is so long that only its first lines are masked by themselves."""
    return (
        "Masked as a whole, and by their first lines only, because so long: "
        f"{', '.join(names)}."
    )


def in_command(names: Sequence[str]) -> str:
    """Say that a command holds a secret, and what to write in its place."""
    what = f"the value of {', '.join(names)}" if names else _LOOKS_LIKE
    return f"The command contains {what}, so it was not run. {_IN_ITS_PLACE}"


def amount(size: int) -> str:
    """Return a number of bytes as a person says it, `50 MB`."""
    unit, name = next(
        (unit for unit in _UNITS if size >= unit[0] and size % unit[0] == 0),
        (1, "bytes"),
    )
    return f"{size // unit} {name}"


def held_by_another(hold: Hold, role: Role, now: datetime) -> str:
    """Say who holds a stack, why and since when, and what *role* can do about it."""
    why = f": {hold.reason}" if hold.reason else ", without a reason"
    next_step = (
        "As an admin you can take it away with the reply unlock: <reason> in a "
        f"thread of {hold.stack}."
        if role is Role.ADMIN
        else f"Ask {hold.actor.name or hold.actor.id} to reply unlock there, or "
        "ask an admin."
    )
    return (
        f"{hold.actor.name or hold.actor.id} has held {hold.stack} for "
        f"{span(now - hold.since)}{why}. {next_step}"
    )


def status(
    stack: StackName,
    occupancy: Occupancy,
    running: Run | None,
    queue: tuple[Run, ...],
    now: datetime,
) -> str:
    """Say who has a stack and what waits for it."""
    lines = []
    if occupancy.hold is not None:
        hold = occupancy.hold
        why = f": {hold.reason}" if hold.reason else ""
        lines.append(
            f"{hold.actor.name or hold.actor.id} has held {stack} for "
            f"{span(now - hold.since)}{why}."
        )
    if running is not None:
        lines.append(_running(running, now))
    if queue:
        waiting = ", ".join(f"run {run.id} ({run.actor.name})" for run in queue)
        lines.append(f"Waiting: {waiting}.")
    return "\n".join(lines) or f"{stack} is free and nothing waits."


def _running(run: Run, now: datetime) -> str:
    if run.state.is_terminal:
        return (
            f"Run {run.id} is over, but its container could not be proven gone, so "
            "the stack stays busy. An admin can reply release: <reason>."
        )
    return (
        f"Run {run.id} of {run.actor.name or run.actor.id} has been {run.state} for "
        f"{span(now - run.state_since)}."
    )


def ending(run: Run) -> str:
    """Say in one line how a run ended."""
    code = "" if run.exit_code is None else f", {exit_code(run.exit_code)}"
    if run.state is RunState.FAILED and run.reason is not None:
        return f"failed: {why_failed(run.reason)}{code}"
    return f"{run.state}{code}"
