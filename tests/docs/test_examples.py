"""Examples in the documentation work: configuration loads, SQL runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from dsync.configuration import read_configuration
from dsync.database import open_database
from tests.store.test_form_views import demarche_of, descriptor, save

ROOT = Path(__file__).parents[2]
SQL = re.findall(r"```sql\n(.+?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.toml")), ids=lambda p: p.name)
def test_every_shipped_configuration_loads(path: Path) -> None:
    """Nobody starts from an example that is refused."""
    assert read_configuration(path).demarche.number > 0


@pytest.mark.parametrize("query", SQL)
def test_every_sql_example_of_the_readme_runs(query: str, tmp_path: Path) -> None:
    """On a database without dossiers the answer is empty, and no column is unknown."""
    url = f"sqlite:///{tmp_path / 'docs.db'}"
    store = open_database(url, with_programme=True)
    save(
        store,
        demarche_of(
            [
                descriptor("r", "Profils souhaités", "repetition"),
                descriptor("r1", "Profil", parent_id="r"),
                descriptor("r2", "Ordre de préférence", "integer_number", parent_id="r"),
            ]
        ),
    )
    store.close()
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.execute(text(query)).all() == []
    engine.dispose()
