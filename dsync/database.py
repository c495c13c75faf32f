"""Opens the database with the tables and views of the programme that ships with dsync."""

from __future__ import annotations

from typing import Any

from dsync.eig.extension import EIG
from dsync.store import Extension, Store

EXTENSION: Extension = EIG
"""There whatever the configuration: what is erased is then erased in all tables."""


def open_database(url: str, **options: Any) -> Store:
    """Open a database.

    Args:
        url: its address.
        options: as of `Store.open`.

    Raises:
        ConfigurationError: The address is none.
        SchemaBehindError: The schema is not the one that this version needs.
        StoreError: The database cannot be opened.
    """
    return Store.open(url, extension=EXTENSION, **options)
