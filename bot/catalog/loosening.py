"""What stacks loosened beyond the limits that they would have by themselves."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from bot.catalog.state_reading import mentions, reading
from bot.domain.stack import Catalog, Stack
from runner.job import Limits

_SIZES: Final = (("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10))
_HOUR: Final = 3600
_MINUTE: Final = 60


def loosened(catalog: Catalog) -> list[str]:
    """Return a sentence about each stack of *catalog* that loosens anything."""
    told = ((name, list(_loosened(stack))) for name, stack in catalog.stacks.items())
    return [f"stack {name} loosens: {', '.join(them)}" for name, them in told if them]


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
