"""The settings of démarches, or the error that commands show instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dsync.configuration import read_configuration
from dsync.errors import ConfigurationError
from dsync.settings import Settings, load_each, several


def problems_of(text: str, folder: Path) -> list[str]:
    """Return what is wrong with a configuration file, each without the file's name."""
    path = folder / "dsync.toml"
    path.write_text(f"{text}\n", encoding="utf-8")
    try:
        read_configuration(path)
    except ConfigurationError as exc:
        return [one.removeprefix(f"{path}: ") for one in exc.problems or (exc.message,)]
    return []


def load_all(**options: Any) -> tuple[Settings, ...]:
    """Return the settings of every configured démarche; the options are those of `load_each`."""
    loaded = load_each(**options)
    if (refusal := loaded.refusal) is not None:
        raise refusal
    return loaded.found


def load_settings(**options: Any) -> Settings:
    """Return those of one démarche, or raise that none of several is chosen."""
    found = load_all(**options)
    if len(found) > 1:
        raise several(found)
    return found[0]
