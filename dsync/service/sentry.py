"""Reports bugs of dsync to Sentry: the kind of an exception and where it was raised, no values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dsync import __version__
from dsync.errors import ConfigurationError
from dsync.extras import remedy
from dsync.settings import Settings

_FRAME = ("filename", "function", "module", "lineno", "in_app")


def reporter(settings: Settings) -> Callable[[Exception], None]:
    """Return the function that reports an exception to DSYNC_SENTRY_DSN; without one to nobody.

    Raises:
        ConfigurationError: sentry-sdk is not installed, or the DSN is none.
    """
    if settings.sentry_dsn is None:
        return lambda error: None
    try:
        import sentry_sdk
    except ImportError as exc:
        raise ConfigurationError(f"DSYNC_SENTRY_DSN needs sentry-sdk: {remedy('sentry')}.") from exc
    try:
        sentry_sdk.init(
            settings.sentry_dsn.get_secret_value(),
            release=__version__,
            # Nothing but what `capture_exception` is given below.
            default_integrations=False,
            auto_enabling_integrations=False,
            include_source_context=False,
            max_breadcrumbs=0,
            server_name="",
            before_send=_scrubbed,  # type: ignore[arg-type]
        )
    except sentry_sdk.utils.BadDsn as exc:
        raise ConfigurationError(
            "DSYNC_SENTRY_DSN is no DSN of Sentry: copy it from the project's settings there."
        ) from exc

    def report(error: Exception) -> None:
        sentry_sdk.capture_exception(error)

    return report


def _scrubbed(event: dict[str, Any], _hint: dict[str, Any]) -> dict[str, Any]:
    """Return what is left of an event: messages of exceptions can hold contents of dossiers."""
    exceptions = event.get("exception", {}).get("values", [])
    return {
        "event_id": event["event_id"],
        "timestamp": event.get("timestamp"),
        "level": "error",
        "platform": "python",
        "release": __version__,
        "exception": {
            "values": [
                {
                    "type": one.get("type"),
                    "module": one.get("module"),
                    "stacktrace": {
                        "frames": [
                            {name: frame[name] for name in _FRAME if name in frame}
                            for frame in (one.get("stacktrace") or {}).get("frames", [])
                        ]
                    },
                }
                for one in exceptions
            ]
        },
    }
