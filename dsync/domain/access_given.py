"""What an administrator gave or took back in the console, and who withdrew from a dossier."""

from __future__ import annotations

from typing import NamedTuple


class Given(NamedTuple):
    """What the database says of a person's access to a démarche."""

    roles: dict[int, str | None]
    """Those that an administrator gave, by démarche; None: taken away. Of others, the file says."""
    deports: frozenset[int]
    """The dossiers that the person does not see, because of a conflict of interest."""


NOTHING_GIVEN = Given({}, frozenset())
