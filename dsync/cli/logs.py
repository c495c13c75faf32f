"""Logging of structlog and of the standard library's loggers, in one format on stderr.

Events contain only names, numbers and ids; tracebacks have no local variables. gql logs whole
requests and answers below WARNING, which would be personal data.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

_QUIET = {
    "gql": logging.WARNING,
    "urllib3": logging.WARNING,
    "alembic": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    # At WARNING it logs each tick during a run, although that is normal.
    "apscheduler": logging.ERROR,
    # It logs the addresses of alerts, which hold passwords.
    "apprise": logging.CRITICAL,
    "sentry_sdk": logging.CRITICAL,
    # At WARNING it logs each request that is not HTTP.
    "uvicorn": logging.ERROR,
    "asyncio": logging.WARNING,
}
"""Lowest levels of the loggers of libraries."""


def configure_logging(log_format: str, level: int) -> None:
    """Set up logging for this process; a further call replaces the former set-up."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[Any] = (
        [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
        if log_format == "json"
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Loggers of imported modules exist before this call: they must not keep another set-up.
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(least)
