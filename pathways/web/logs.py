"""Structured logs: one JSON line for each request. Only fields in ``ALLOWED`` are logged, so no personal data is."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED = frozenset(
    {
        *("event", "level", "timestamp", "request_id", "method", "route", "status", "milliseconds", "error", "where"),
        *("import_id", "job", "loop", "row_id"),
    }
)
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def only_allowed(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop every field that is not in ``ALLOWED``."""
    return {name: value for name, value in event.items() if name in ALLOWED}


def configure(level: str) -> None:
    """Log JSON lines to standard error.

    ``pathways serve`` switches off uvicorn's own access log, because it holds addresses.
    """
    # Without a handler, Python prints the warnings of libraries, and these may contain data that a client sent.
    logging.getLogger().addHandler(logging.NullHandler())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_allowed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        # The standard error of the moment: what it was when this was called may have been closed since.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
