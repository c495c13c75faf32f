"""Which champs differ between two readings of a dossier: names only, never values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

StoredChamps = bytes | Iterable[Mapping[str, Any]]
"""Champs as they are stored: JSON, or what it was parsed to."""


def changed_fields(
    old: StoredChamps,
    new: StoredChamps,
    libelle_of: Callable[[str], str],
    *,
    without: frozenset[str] = frozenset(),
) -> list[str]:
    """Return the labels of the champs that came, went or changed, in the order of the form.

    Args:
        old: the champs before.
        new: the champs now.
        libelle_of: gives the label by the id, of those champs that do not say theirs.
        without: ids to leave aside, as those of the annotations that dsync writes.
    """
    before, after = _by_id(old), _by_id(new)
    changed = [
        champ.get("libelle") or libelle_of(id_)
        for id_, champ in {**after, **before}.items()
        if id_ not in without and before.get(id_) != after.get(id_)
    ]
    return list(dict.fromkeys(changed))


def _by_id(champs: StoredChamps) -> dict[str, Mapping[str, Any]]:
    items = msgspec.json.decode(champs) if isinstance(champs, bytes) else champs
    return {champ["id"]: champ for champ in items}
