"""Run `handrail` up to a point of its code, and have the process die there.

    python -m tests.support.crash_at POINT SIGNAL FILE serve

The first process that comes to POINT makes FILE and sends itself SIGNAL; whoever
finds FILE goes on. So of several processes exactly one dies.
"""

import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

from tests.support.crash_points import POINTS, Point

#: Any function at all: what it takes and returns is passed on as it is.
_Function = Callable[..., Any]


def main() -> None:
    """Arm the point, and become `handrail`."""
    name, told, marker, *rest = sys.argv[1:]
    arm(POINTS[name], Death(signal.Signals[told], Path(marker)))
    sys.argv = ["handrail", *rest]
    import_module("bot.cli").main()


class Death:
    """Ends this process, if none was ended before it."""

    def __init__(self, told: signal.Signals, marker: Path) -> None:
        self._told = told
        self._marker = marker

    def __call__(self) -> None:
        """Send the signal; one that is not to be caught is the last that happens."""
        try:
            self._marker.touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), self._told)


def arm(point: Point, death: Callable[[], None]) -> None:
    """Have *death* called at *point*."""
    module, _, path = point.where.partition(":")
    *owners, name = path.split(".")
    owner: object = import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    watch = _Watch(point, death)
    setattr(owner, name, watch.around(getattr(owner, name)))


class _Watch:
    def __init__(self, point: Point, death: Callable[[], None]) -> None:
        self._point = point
        self._death = death
        self._seen = 0

    def around(self, inner: _Function) -> _Function:
        if iscoroutinefunction(inner):

            @wraps(inner)
            async def awaited(*given: object, **named: object) -> object:
                self._enters(given, named)
                result: object = await inner(*given, **named)
                self._leaves(given, named, result)
                return result

            return awaited

        @wraps(inner)
        def called(*given: object, **named: object) -> object:
            self._enters(given, named)
            result: object = inner(*given, **named)
            self._leaves(given, named, result)
            return result

        return called

    def _enters(self, given: tuple[object, ...], named: dict[str, object]) -> None:
        if self._point.before and self._is_meant(given, named):
            self._count()

    def _leaves(
        self, given: tuple[object, ...], named: dict[str, object], result: object
    ) -> None:
        if self._point.before or (self._point.answered and not result):
            return
        if self._is_meant(given, named):
            self._count()

    def _is_meant(self, given: tuple[object, ...], named: dict[str, object]) -> bool:
        wanted = self._point.given
        return not wanted or any(
            wanted in {str(one), type(getattr(one, "telling", None)).__name__}
            for one in (*given, *named.values())
        )

    def _count(self) -> None:
        self._seen += 1
        if self._seen == self._point.nth:
            self._death()


if __name__ == "__main__":
    main()
