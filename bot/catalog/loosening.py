"""What stacks loosened beyond the limits that they would have by themselves."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from bot.catalog.approving import rule
from bot.catalog.merge import layers_of
from bot.catalog.model import ConfigEntry
from bot.catalog.state_reading import mentions, reading
from bot.domain.rule import ApprovalRule
from bot.domain.stack import Catalog, Stack
from runner.job import Limits

_SIZES: Final = (("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10))
_HOUR: Final = 3600
_MINUTE: Final = 60
_ABOVE: Final = "in its contexts or defaults"


def loosened(config: ConfigEntry, catalog: Catalog) -> list[str]:
    """Return a sentence about each stack of *catalog* that loosens anything.

    *config* is what *catalog* was made of.
    """
    told = {
        name: [*_loosened(stack), *_given_up(stack, config)]
        for name, stack in catalog.stacks.items()
    }
    return [f"stack {name} loosens: {', '.join(it)}" for name, it in told.items() if it]


def _loosened(stack: Stack) -> Iterator[str]:
    yield from _limits(stack.limits, Limits())
    if stack.network not in ("bridge", "none"):
        yield f"network {stack.network} (default bridge)"
    if not stack.mask_shapes:
        yield "mask_shapes false (default true)"
    if not stack.reading_state and reading(stack.init, None):
        yield "mask_state none (its init makes a state)"
    elif not (stack.reading_state or stack.names_state) and mentions(stack.init):
        yield (
            "the state is not read (its init is none that Handrail knows; write "
            "mask_state)"
        )


def _given_up(stack: Stack, config: ConfigEntry) -> Iterator[str]:
    """Yield what others would have to agree to, or nobody could run, otherwise."""
    above = layers_of(config.stacks[stack.name], config)
    if stack.self_review:
        yield "self_review true (default false)"
    if not stack.deny_tasks and any(it.deny_tasks for it in above):
        yield f"deny_tasks false (true {_ABOVE})"
    for wider in (rule(it.approvals) for it in above if it.approvals):
        yield from _less(stack.approvals, wider)
    for preset in stack.presets.values():
        if preset.approvals is not None and stack.approvals is not None:
            fewer = _fewer(preset.approvals, stack.approvals, "in the stack")
            yield from (f"preset {preset.name} {it}" for it in fewer)


def _less(own: ApprovalRule | None, wider: ApprovalRule) -> Iterator[str]:
    """Yield what *own* asks less of than *wider*, which it stands over."""
    yield from _fewer(own, wider, _ABOVE)
    if own is None:
        return
    if wider.from_ and not set(own.from_ or ("",)) <= set(wider.from_):
        members = ", ".join(own.from_) or "its writers"
        yield f"approvals from {members} ({', '.join(wider.from_)} {_ABOVE})"
    if more := len(set(own.except_) - set(wider.except_)):
        yield f"approvals except {more} more than {_ABOVE}"


def _fewer(own: ApprovalRule | None, wider: ApprovalRule, where: str) -> Iterator[str]:
    if own is None or own.count == 0:
        yield f"approvals none ({wider.count} {where})"
    elif own.count < wider.count:
        yield f"approvals count {own.count} ({wider.count} {where})"


def _limits(own: Limits, usual: Limits) -> Iterator[str]:
    if own.memory > usual.memory:
        yield f"memory {_size(own.memory)} (default {_size(usual.memory)})"
    if own.cpus > usual.cpus:
        yield f"cpus {own.cpus:g} (default {usual.cpus:g})"
    if own.pids > usual.pids:
        yield f"pids {own.pids} (default {usual.pids})"
    if own.run_timeout > usual.run_timeout:
        longest = _time(own.run_timeout)
        yield f"run_timeout {longest} (default {_time(usual.run_timeout)})"
    if own.output > usual.output:
        yield f"output {_size(own.output)} (default {_size(usual.output)})"


def _size(size: int) -> str:
    """Return *size* as the file has it, in the largest unit that leaves it whole."""
    for unit, weight in _SIZES:
        if size % weight == 0:
            return f"{size // weight}{unit}"
    return f"{size} bytes"


def _time(time: timedelta) -> str:
    seconds = int(time.total_seconds())
    if seconds % _HOUR == 0:
        return f"{seconds // _HOUR}h"
    return f"{seconds // _MINUTE}m" if seconds % _MINUTE == 0 else f"{seconds}s"
