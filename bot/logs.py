"""Log lines: one JSON object each, on standard error, with nothing secret in it."""

import json
import logging
import sys
from collections.abc import Callable, MutableMapping
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import Processor

log = structlog.get_logger(__name__)


def set_up_logs(hidden: Callable[[str], str], *, least: int = logging.INFO) -> None:
    """Log JSON lines of *least* level to stderr, each as *hidden* returns it.

    Those of the libraries too, from warnings on, and what ends the process.
    """

    def masked(_: object, __: str, event: MutableMapping[str, Any]) -> str:
        return hidden(json.dumps(event, default=str))

    processors: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        masked,
    ]
    structlog.configure(
        processors=processors,
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(least),
    )
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processors=[remove_meta, *processors])
    )
    logging.basicConfig(
        level=max(least, logging.WARNING), handlers=[handler], force=True
    )
    sys.excepthook = _logged


def _logged(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    log.critical("handrail failed", exc_info=(kind, error, trace))
