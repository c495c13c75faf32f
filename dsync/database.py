"""Opens the database with the tables and views of the programme that ships with dsync."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from dsync.eig.confirmed import evidence_confirmed_at
from dsync.programme import Programme
from dsync.store import Store
from dsync.store.private_files import sweep


class _StandIn:
    """Stands for what is imported when more of it is asked for than is known.

    `dsync status` asks for no more: the programme and SQLModel take a third of its time.
    """

    def __init__(self, whole: Callable[[], Any], **known: Any) -> None:
        self.whole = whole
        vars(self).update(known)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole(), name)


def _eig() -> type[Programme]:
    from dsync.eig.eig import Eig

    return Eig


_STORAGE = _StandIn(
    lambda: _eig().storage,
    name="eig",
    package="dsync.eig",
    evidence_confirmed_at=evidence_confirmed_at,
)
PROGRAMME = cast(type[Programme], _StandIn(_eig, storage=_STORAGE))
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
