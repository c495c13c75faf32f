"""SQLite's views declare the types of their columns, by which other libraries read them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import MetaData, Table, inspect, select

from dsync.store import Store
from tests.store.databases import connected, on_sqlite
from tests.store.test_views import PYTHON, rich

__all__ = ["rich"]


@on_sqlite
def test_each_column_is_read_in_the_type_of_the_dictionary(rich: Store, database_url: str) -> None:
    """SQLAlchemy, and pandas by it, read a view as if it were a table: days as days."""
    found: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    values = 0
    with connected(database_url) as connection:
        for name, documented in rich.dictionary().items():
            view = Table(name, MetaData(), autoload_with=connection)
            for row in connection.execute(select(view)).mappings():
                for column, value in row.items():
                    if value is not None:
                        values += 1
                        found[f"{name}.{column}"] = type(value)
                        expected[f"{name}.{column}"] = PYTHON[documented.columns[column].type]
    assert expected == found
    assert values > 500


@on_sqlite
def test_a_dossier_is_still_found_by_its_number(rich: Store, database_url: str) -> None:
    """A column of a table stays that column, which SQLite finds by its index."""
    with connected(database_url) as connection:
        for name in inspect(connection).get_view_names():
            if name.startswith("formulaire_") or name == "lecture_champ":
                query = f"EXPLAIN QUERY PLAN SELECT * FROM {name} WHERE numero = 1"
                steps = [row[-1] for row in connection.exec_driver_sql(query)]
                assert not {"SCAN d", "SCAN c"} & {*steps}
