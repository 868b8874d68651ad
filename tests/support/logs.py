"""What is logged while a test runs, and logging as it was before in the end."""

import io
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from bot.logs import set_up_logs


@contextmanager
def logged(hidden: Callable[[str], str]) -> Iterator[io.StringIO]:
    """Yield what the lines are written to that are set up to be *hidden*."""
    root, stderr, hook = logging.root, sys.stderr, sys.excepthook
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    lines = sys.stderr = io.StringIO()
    try:
        set_up_logs(hidden)
        yield lines
    finally:
        sys.stderr, sys.excepthook = stderr, hook
        root.handlers[:], logging.raiseExceptions = handlers, raising
        root.setLevel(level)
        for name in ("bot", "runner"):
            logging.getLogger(name).setLevel(logging.NOTSET)
        structlog.reset_defaults()
