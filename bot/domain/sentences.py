"""What Handrail says in words: pure text, without any markup."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.domain.lock import EVERY, Hold, Occupancy
from bot.domain.people import Actor, ActorKind, Role
from bot.domain.run import Reason, Run, RunState
from bot.domain.stack import StackName

HELP = """\
/task alone opens a form; the app's Home tab shows your runs and what waits for you.
/task <stack> <command> runs the command on the stack, after its init.
/task <stack> --no-init <command> skips the init. After -- all is the command.
/task <stack> !restart service=api runs a preset with its parameters.
/task <stack> !12 runs the command of run 12 again. /task <stack> shows the stack.
/task history <stack> shows its last runs, ten a page.
/task check <stack> <command> tells whether it would run, and who has to agree.
/deploy <stack> plans, and applies exactly that plan once somebody confirms it.
Replies in the thread of a run or of a stack, each a whole message:
status: who has the stack, and what waits. help: this.
stop: ends a run that does not perform yet.
confirm, discard: what becomes of a plan.
approve, approve: note, reject: why: what you say to a run that waits for approval.
lock, lock: reason, lock 2h: reason, lock a, b: reason: only your runs start.
unlock, unlock a, b, unlock all mine: gives it back.
notify me: a direct message once the stack is free for you.
redact: text: hides the text in all that was told of the run.
Admins also: unlock: reason and steal: reason (another person's lock), force-unlock
(the tool's own lock on its state), release: reason (a run that was lost).
Admins of all stacks also: freeze, freeze 2h: reason, unfreeze."""

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

_SILENT_CI = "its CI was not heard of any more"
_LOOKS_LIKE = "what looks like a token or a password"
_IN_ITS_PLACE = (
    "Name the variable or the file in its place: the container has what stands under "
    "`secrets` and `files` of the stack."
)

_UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB"))

_NOTE_LENGTH = 300

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


def dropped(run: Run) -> str:
    """Return why the output of *run* is not to be had any more, if it was dropped."""
    if run.output_dropped_at is None:
        return ""
    kept = run.output_dropped_at - (run.ended_at or run.created_at)
    return (
        f"The output of run {run.id} was dropped on {run.output_dropped_at:%Y-%m-%d}, "
        f"after {kept.days} days, as `retention` in handrail.yaml says. Who ran what, "
        "and how it ended, stays on the record."
    )


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


def duration(length: timedelta) -> str:
    """Return a whole number of minutes as a person says it, `1 h 30 min`."""
    days, seconds = divmod(max(0, int(length.total_seconds())), 86_400)
    if days and not seconds:
        return "1 day" if days == 1 else f"{days} days"
    hours, seconds = divmod(days * 86_400 + seconds, 3_600)
    parts = [(hours, "h"), (seconds // 60, "min")]
    return " ".join(f"{much} {unit}" for much, unit in parts if much) or "0 min"


def minute(moment: datetime) -> str:
    """Return a moment as plain text that means the same to every reader."""
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def name_of(actor: Actor) -> str:
    """Name whoever did a thing, in plain text."""
    if actor.kind is ActorKind.API_KEY:
        return f"api::{actor.id}"
    return actor.name or actor.id


def any_of(names: Sequence[str]) -> str:
    """Return *names* as a choice, `@platform, U0ADA or U0BOB`."""
    *most, last = names or ("",)
    return f"{', '.join(most)} or {last}" if most else last


def ended_by(run: Run) -> Actor | None:
    """Return who had *run* end before it performed or was applied, if somebody had."""
    was_ended = run.state in {RunState.DISCARDED, RunState.STOPPED}
    return run.stop_asked_by if was_ended else None


def held_by_another(
    hold: Hold,
    role: Role,
    now: datetime,
    *,
    is_above: bool = False,
    by_key: bool = False,
) -> str:
    """Say who holds a stack, why and since when, and what *role* can do about it.

    *is_above* one of all stacks stands; *by_key* an API key asks, which replies
    nowhere.
    """
    if hold.stack == EVERY:
        return f"{frozen(hold, now)} {_end_of_freeze(is_above=is_above)}"
    return f"{_held(hold, now)} {_way_out(hold, role, by_key=by_key)}"


def _end_of_freeze(*, is_above: bool) -> str:
    if is_above:
        return "You can end that with the reply unfreeze: <reason>."
    return (
        "Only an admin whom handrail.yaml names for all stacks can end that, with the "
        "reply unfreeze: <reason>."
    )


def frozen(freeze: Hold, now: datetime) -> str:
    """Say who keeps everybody from starting anything, and why."""
    return (
        f"{name_of(freeze.actor)} froze every stack {span(now - freeze.since)} ago"
        f"{_why(freeze)}.{_end(freeze, now)}"
    )


def frozen_since(freeze: Hold) -> str:
    """Say who keeps everybody from starting anything, in a message that stays."""
    return (
        f"{name_of(freeze.actor)} froze every stack at {minute(freeze.since)}"
        f"{_why(freeze)}.{_end_at(freeze)}"
    )


def _held_since(hold: Hold) -> str:
    return (
        f"{name_of(hold.actor)} has held {hold.stack} since {minute(hold.since)}"
        f"{_why(hold)}.{_end_at(hold)}"
    )


def _end_at(hold: Hold) -> str:
    return "" if hold.until is None else f" It ends at {minute(hold.until)}."


def _held(hold: Hold, now: datetime) -> str:
    return (
        f"{name_of(hold.actor)} has held {hold.stack} for {span(now - hold.since)}"
        f"{_why(hold)}.{_end(hold, now)}"
    )


def _why(hold: Hold) -> str:
    return f": {hold.reason}" if hold.reason else ", without a reason"


def _end(hold: Hold, now: datetime) -> str:
    if hold.until is None:
        return ""
    left = hold.until - now
    # One whose time has passed is in force until it was swept away.
    return f" It ends in {span(left)}." if left > timedelta() else " It ends now."


def _way_out(hold: Hold, role: Role, *, by_key: bool) -> str:
    whose = hold.actor
    can_reply = whose.kind is not ActorKind.API_KEY
    if by_key:
        return f"Wait, or ask {'them' if can_reply else 'its holder'} or an admin."
    if role is Role.ADMIN:
        return (
            f"As an admin you can reply in a thread of {hold.stack}: steal: <reason> "
            "takes it over, unlock: <reason> releases it."
        )
    ask = (
        f"Ask {name_of(whose)} to reply unlock"
        if can_reply
        else f"Ask whoever has the API key {whose.id} to release it"
    )
    return (
        f"{ask}, or an admin; or reply notify me in a thread of {hold.stack} to be "
        "told when it is free."
    )


def not_any_more(stack: StackName) -> str:
    """Say who can still do what about a stack that was taken out of handrail.yaml."""
    return (
        f"{stack} is not in handrail.yaml any more. An admin whom that names for all "
        "stacks can still reply here: unlock: <reason>, discard, or release: <reason>."
    )


def cannot_stop(run: Run) -> str:
    """Say why a run that performs goes on, and how it ends."""
    if run.outside:
        return (
            f"The CI that announced run {run.id} performs its command, which may be "
            "changing state, so it cannot be stopped from here. It ends when that CI "
            "says so."
        )
    return (
        "The command performs, and it may be changing state, so it cannot be stopped "
        "by anyone. It ends by itself or by the stack's time limit."
    )


def status(
    stack: StackName,
    occupancy: Occupancy,
    running: Run | None,
    queue: tuple[Run, ...],
    agreed: Sequence[Actor] = (),
) -> str:
    """Say who has a stack and what waits for it, in a message that stays.

    *agreed* have those to the running one whose approvals it needed.
    """
    lines = []
    if occupancy.freeze is not None:
        lines.append(frozen_since(occupancy.freeze))
    if occupancy.hold is not None:
        lines.append(_held_since(occupancy.hold))
    if running is not None:
        by = f" Approved by {' and '.join(map(name_of, agreed))}." if agreed else ""
        lines.append(f"{_running(running)}{by}")
    lines += _waiting([run for run in queue if not run.waits_for_approval])
    lines += [_pending(run) for run in queue if run.waits_for_approval]
    return "\n".join(lines) or f"{stack} is free and nothing waits."


def _waiting(runs: Sequence[Run]) -> list[str]:
    named = ", ".join(f"run {run.id} ({name_of(run.actor)})" for run in runs)
    return [f"Waiting: {named}."] if named else []


def _pending(run: Run) -> str:
    note = " ".join(run.approval_note.split())[:_NOTE_LENGTH]
    waits = f"Run {run.id} of {name_of(run.actor)} waits for approval"
    return f"{waits}: {note}" if note else f"{waits}."


def _running(run: Run) -> str:
    whose = f"run {run.id} of {name_of(run.actor)}"
    since = minute(run.state_since)
    if run.state.is_terminal:
        return (
            f"Run {run.id} is over, but its container could not be proven gone, so "
            "the stack stays busy. An admin can reply release: <reason>."
        )
    if run.lost_since is not None and not run.outside:
        return (
            f"The container of {whose} cannot be asked for since "
            f"{minute(run.lost_since)}, so the stack stays busy. An admin who "
            "knows that it is over can reply release: <reason>."
        )
    if run.lost_since is not None:
        return (
            f"The CI that performs {whose} was not heard of since "
            f"{minute(run.lost_since)}, so the stack stays busy. An admin who "
            "knows that it is over can reply release: <reason>."
        )
    if run.state is RunState.UNCONFIRMED and run.confirmed_by is None:
        planned = f": {first_line(run.summary)}" if run.summary else ""
        return f"The plan of {whose} has waited for a confirm since {since}{planned}."
    return f"R{whose[1:]} has been {run.state} since {since}."


def first_line(summary: str) -> str:
    """Return what a plan's summary says in one line: its counts."""
    return summary.strip().partition("\n")[0]


def ending(run: Run) -> str:
    """Say in one line how a run ended."""
    code = "" if run.exit_code is None else f", {exit_code(run.exit_code)}"
    if run.state is RunState.FAILED and run.reason is not None:
        is_silent = run.outside and run.reason is Reason.LOST
        why = _SILENT_CI if is_silent else why_failed(run.reason)
        return f"failed: {why}{code}"
    return f"{run.state}{code}"
