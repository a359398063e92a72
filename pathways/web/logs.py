"""Structured logs: one JSON line a request; only the names on a list get in, so nothing personal can."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED = frozenset(
    {
        *("event", "level", "timestamp", "request_id", "method", "route", "status", "milliseconds", "error", "where"),
        "import_id",
    }
)
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def only_allowed(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop every name that is not on the list."""
    return {name: value for name, value in event.items() if name in ALLOWED}


def configure(level: str) -> None:
    """Log JSON lines to standard error; uvicorn's own access log, which holds addresses, is switched off elsewhere."""
    # A library that warns of what somebody sent must not print it: without a handler Python would.
    logging.getLogger().addHandler(logging.NullHandler())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_allowed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
