"""Logging of structlog and of the standard library's loggers, in one format on stderr.

Events contain only names, numbers and ids; tracebacks have neither local variables nor the texts of
exceptions, which can hold what an applicant typed.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any, TextIO

import structlog
from structlog.typing import ExcInfo

from dsync.errors import DsyncError

_QUIET = {
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


def _print_traceback(out: TextIO, raised: ExcInfo) -> None:
    out.write(f"\n{_traceback(raised)}")


def _traceback(exc_info: ExcInfo) -> str:
    """Return an exception's traceback, and of those that led to it, without their texts.

    Those of dsync's own errors are written for the log.
    """
    _, error, trace = exc_info
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    led = [_traceback((type(before), before, before.__traceback__)), ""] if before else []
    said = f": {error}" if isinstance(error, DsyncError) else ""
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    frames = "".join(traceback.format_tb(trace)).rstrip("\n")
    return "\n".join([*led, "Traceback (most recent call last):", frames, f"{name}{said}"])


def configure_logging(log_format: str, level: int) -> None:
    """Set up logging for this process; a further call replaces the former set-up."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[Any] = (
        [
            structlog.processors.ExceptionRenderer(_traceback),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
        if log_format == "json"
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=_print_traceback
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
