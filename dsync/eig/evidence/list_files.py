"""Replaces a list beside the configuration file, keeps the former one, and puts it back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Self

from dsync.eig.precheck.lists import ListProblemsError, parse_categories, parse_operateurs
from dsync.errors import ConfigurationError

_MOST_GONE = 0.1
"""Largest share of a list's entries that may go without a warning."""
_KEPT = ".old"


class ListDifference(NamedTuple):
    """What a list changes in the one that it replaces; the entries as people read them."""

    before: int
    """The number of entries of the former list."""
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    @classmethod
    def of(cls, former: str, new: str) -> Self:
        """Compare the texts of two lists of one kind; an unreadable former one counts as empty."""
        old, now = _entries(former), _entries(new)
        return cls(
            len(old),
            tuple(f"{key} {now[key]}" for key in now if key not in old),
            tuple(f"{key} {old[key]}" for key in old if key not in now),
            tuple(
                f"{key} {old[key]} → {now[key]}"
                for key in now
                if old.get(key, now[key]) != now[key]
            ),
        )

    @property
    def gone(self) -> str:
        """What to say if many entries are gone, more than a tenth; else ""."""
        if len(self.removed) <= _MOST_GONE * self.before:
            return ""
        return (
            f"{len(self.removed)} of {self.before} entries are gone: compare the file with its "
            "source."
        )


def _entries(text: str) -> Mapping[str, str]:
    """Return what a list says, by SIREN or code."""
    try:
        return dict(parse_operateurs(text).noms)
    except ListProblemsError:
        pass
    try:
        found = parse_categories(text)
    except ListProblemsError:
        return {}
    categories = [*found.exact.values(), *(famille[2] for famille in found.familles)]
    return {one.code: f"{one.libelle}: {one.reponse.value}" for one in categories}


def replace_list(target: Path, text: str, former: str | None, now: datetime) -> Path | None:
    """Write a list, whose file may be missing, and return the file beside it with the former one.

    `former` is the text of that one, which was in use until now; None: there was none.

    Raises:
        ConfigurationError: the folder cannot be written; the list is unchanged.
    """
    try:
        kept = None
        if former is not None:
            kept = target.with_name(f"{target.name}.{now:%Y%m%dT%H%M%S.%fZ}{_KEPT}")
            kept.write_text(former, encoding="utf-8")
        # Written beside it and renamed: a service that starts now reads the old list or the new
        # one.
        temporary = target.with_suffix(".new")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    except OSError as exc:
        raise ConfigurationError(f"{target}: cannot be written ({exc.strerror}).") from exc
    return kept


def last_kept(folder: Path, names: tuple[str, ...]) -> tuple[str, Path] | None:
    """Return the name of the list in use that was replaced last, and the file with the former."""
    found = [
        (kept.name.removeprefix(f"{name}."), name, kept)
        for name in names
        for kept in folder.glob(f"{name}.*{_KEPT}")
    ]
    # The names differ in their instants only.
    return max(found)[1:] if found else None


def put_back(target: Path, kept: Path, now: datetime) -> None:
    """Put a former list back, as `replace_list`; the present one is kept in its place."""
    text = kept.read_text(encoding="utf-8")
    present = target.read_text(encoding="utf-8") if target.exists() else None
    replace_list(target, text, present, now)
    os.unlink(kept)
