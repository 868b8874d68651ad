"""Lengths of time as they are written in options: `90s`, `30m`, `1h30m`, `30d`."""

import re
from datetime import timedelta
from typing import Final

import typer

_SPAN: Final = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)
_LONGEST: Final = timedelta(days=3650)


def span(written: str) -> timedelta:
    """Return *written* as a length of time; `0` is none."""
    if written == "0":
        return timedelta()
    found = _SPAN.fullmatch(written)
    if not written or found is None or len(written) > 20:
        raise typer.BadParameter(
            f"{written!r} is not a length of time; write it as in 30m, 1h30m or 30d"
        )
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    try:
        length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        length = timedelta.max
    if length > _LONGEST:
        raise typer.BadParameter(f"{written} is longer than ten years")
    return length
