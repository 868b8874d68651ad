"""Log lines: one JSON object each, on standard error, with nothing secret in it."""

import json
import logging
import sys
from collections.abc import Callable, MutableMapping
from types import TracebackType
from typing import Any, Final

import structlog
from structlog.processors import TimeStamper, format_exc_info
from structlog.stdlib import ProcessorFormatter, add_log_level
from structlog.typing import Processor

log = structlog.get_logger(__name__)

#: whose lines are wanted from *least* on; of all others, warnings
_OURS: Final = ("bot", "runner")

#: which log what a program printed that makes credentials
_TALKATIVE: Final = ("aiobotocore.credentials", "botocore.credentials")


def set_up_logs(hidden: Callable[[str], str], *, least: int = logging.INFO) -> None:
    """Log lines of *least* level to standard error, each as *hidden* returns it.

    Those of libraries too, and what ends the process. A line that cannot be
    written is lost, and nothing else.
    """

    def masked(_: object, __: str, event: MutableMapping[str, Any]) -> str:
        return hidden(json.dumps(event, default=str))

    known: list[Processor] = [
        add_log_level,
        TimeStamper(fmt="iso", utc=True),
        format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *known,
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=known,
            processors=[ProcessorFormatter.remove_processors_meta, masked],
        )
    )
    logging.raiseExceptions = False
    logging.basicConfig(
        level=max(least, logging.WARNING), handlers=[handler], force=True
    )
    for name in _OURS:
        logging.getLogger(name).setLevel(least)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    sys.excepthook = _logged


def _logged(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    log.critical("handrail failed", exc_info=(kind, error, trace))
