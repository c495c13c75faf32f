"""Writes French pages into files that a command names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from dsync.domain.paper import Paper, html, markdown
from dsync.errors import ConfigurationError

FORMS = {".md": markdown, ".html": html}


def check_form(file: Path) -> None:
    """Raise a `ConfigurationError` if a name ends with no form of pages."""
    if file.suffix.lower() not in FORMS:
        raise ConfigurationError(f"{file}: give a name that ends with {' or '.join(FORMS)}.")


def write_page(file: Path, page: Paper, *, private: bool = False) -> None:
    """Write a page beside its place first: what is online stays whole, also on a full disk.

    A private page is its owner's alone.
    """
    new = file.with_name(f".{file.name}.new")
    try:
        try:
            new.touch(mode=0o600 if private else 0o666)
            new.write_text(FORMS[file.suffix.lower()](page), encoding="utf-8")
            if file.exists() and not private:
                shutil.copymode(file, new)
            os.replace(new, file.resolve())
        finally:
            new.unlink(missing_ok=True)
    except OSError as exc:
        raise ConfigurationError(f"{file}: cannot be written ({exc.strerror}).") from exc
