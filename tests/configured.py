"""The settings of démarches, or the error that commands show instead."""

from __future__ import annotations

from typing import Any

from dsync.settings import Settings, load_each, several


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
