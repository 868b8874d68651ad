"""Keeps the corpus small: of the cases that reach the same, the shortest."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from types import FrameType
from typing import Any

from runner.masking.shapes import SHAPES
from tests.fuzz.case import Case
from tests.fuzz.check import check

MOST_CASES = 90
LONGEST_CASE = 1000

#: From where to where in a file; or which shape was found, or was not.
Step = tuple[str, int, int]


def keep(corpus: Path, found: Path) -> str:
    """Make *corpus* of the cases there and in *found*; say what became of it."""
    files = [*corpus.iterdir(), *found.iterdir()]
    cases = {each.read_bytes() for each in files if not each.name.startswith("failed")}
    reached: set[Step] = set()
    kept: list[bytes] = []
    for case in sorted(cases, key=lambda case: (len(case), case)):
        steps = _steps(case) if len(case) <= LONGEST_CASE else set()
        if not steps <= reached and len(kept) < MOST_CASES:
            reached |= steps
            kept.append(case)
    for each in corpus.iterdir():
        each.unlink()
    for case in kept:
        (corpus / sha256(case).hexdigest()[:16]).write_bytes(case)
    return f"{len(kept)} of {len(cases)} cases, {sum(map(len, kept))} bytes"


def _steps(case: bytes) -> set[Step]:
    with _traced() as steps:
        hidden = check(case)
    steps.add(("hidden", min(hidden, 8), 0))
    text = Case.read(case).text
    steps |= {
        ("shape", nth, int(bool(shape.found(text, at))))
        for nth, shape in enumerate(SHAPES)
        for anchor in shape.anchors
        if (at := text.find(anchor)) >= 0
    }
    return steps


@contextmanager
def _traced() -> Iterator[set[Step]]:
    """Gather the steps that code of masking takes."""
    steps: set[Step] = set()
    last: dict[FrameType, int] = {}

    def trace(frame: FrameType, event: str, _: object) -> Any:
        name = frame.f_code.co_filename
        if "/masking/" not in name or "/tests/" in name:
            return None
        if event == "line":
            steps.add((name, last.get(frame, 0), frame.f_lineno))
            last[frame] = frame.f_lineno
        return trace

    sys.settrace(trace)
    try:
        yield steps
    finally:
        sys.settrace(None)
