"""The errors with the exit code that each ends with, from their classes."""

from __future__ import annotations

import inspect

from dsync import errors
from scripts.pages.table import rows


def documented() -> str:
    """Return the table of the errors, by code."""
    classes = [
        one
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, errors.DsyncError) and one.__doc__
    ]
    return rows(
        ("code", "error", "when"),
        (
            (str(one.exit_code), f"`{one.__name__}`", _first_paragraph(one))
            for one in sorted(classes, key=lambda one: one.exit_code)
            if "Base of all" not in _first_paragraph(one)
        ),
    )


def _first_paragraph(one: type) -> str:
    return " ".join((inspect.getdoc(one) or "").split("\n\n")[0].split())
