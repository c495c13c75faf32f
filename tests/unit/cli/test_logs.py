"""What the log shows of an exception."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from dsync.cli.stderr import configure_logging
from dsync.errors import StoreError


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Give the logs back as they were."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.configure(**before)


TYPED = "jeanne@example.org"


def fail() -> None:
    try:
        {}[TYPED]
    except KeyError as exc:
        try:
            raise ValueError(TYPED) from exc
        except ValueError as other:
            raise StoreError("The disk is full.") from other


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_traceback_has_no_value(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    """Types and places of all exceptions that led to it; the texts of dsync's own alone."""
    configure_logging(log_format, logging.INFO)
    try:
        fail()
    except StoreError:
        structlog.get_logger("x").exception("crashed", at="once")
    said = capsys.readouterr().err
    assert TYPED not in said
    for shown in ("KeyError", "ValueError", "StoreError: The disk is full.", "test_logs.py"):
        assert shown in said
    assert said.index("KeyError") < said.index("StoreError")
