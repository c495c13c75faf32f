"""Opens the database with the tables and views of the programme that ships with dsync."""

from __future__ import annotations

from typing import Any

from dsync.eig.eig import Eig
from dsync.programme import Programme
from dsync.store import Store
from dsync.store.private_files import sweep

PROGRAMME: type[Programme] = Eig
"""A database that has its part is opened with it whatever the configuration, so that an erasure
covers all tables."""


def open_database(url: str, **options: Any) -> Store:
    """Open a database, after what killed processes have left of their temporary copies is deleted.

    `options` are those of `Store.open`, such as `with_programme`.

    Raises:
        ConfigurationError: the URL is not one of a supported database.
        SchemaBehindError: the schema is older or newer than this version needs.
        StoreError: the database cannot be opened.
    """
    sweep()
    return Store.open(url, programme=PROGRAMME, **options)
