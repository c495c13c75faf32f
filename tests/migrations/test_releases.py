"""Databases of released versions are upgraded, with nothing lost."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Row, text

from dsync import __version__
from dsync.database import PROGRAMME, open_database
from dsync.errors import SchemaBehindError
from dsync.programme import Storage
from dsync.store import layout, schema
from dsync.store.dictionary import ENGINE, NO_PROGRAMME
from tests.commands.command import InsideCommand, config_with
from tests.conftest import Golden
from tests.migrations.layouts import written
from tests.migrations.releases import (
    FIXTURES,
    FORMER_NOTATION,
    VERSIONS,
    answers,
    contents,
    lasting,
    listed,
    load,
)
from tests.store.builders import DEMARCHE
from tests.store.databases import connected

ROOT = Path(__file__).parents[2]
OFFLINE = {
    "DSYNC_DS_TOKEN": "x",
    "DSYNC_DEMARCHE": "86321",
    "DSYNC_DS_INSTRUCTEUR": "dsync@example.gouv.fr",
}
RELEASED = Path(__file__).parent / "released.txt"


def test_no_released_migration_was_edited() -> None:
    """Nor what was released of its tables and views: a change is a migration of its own."""
    lines = RELEASED.read_text(encoding="utf-8").splitlines()
    sealed = {path: digest for digest, path in (line.split("  ") for line in lines)}
    changed = {
        f"{sha256((ROOT / path).read_bytes()).hexdigest()}  {path}"
        for path, digest in sealed.items()
        if sha256((ROOT / path).read_bytes()).hexdigest() != digest
    }
    assert set() == changed, (
        "These files are released. Add a migration, also of a changed view; the golden files write "
        "its layout. Only before the release that brings them: put these lines into released.txt."
    )


@pytest.mark.parametrize("part", [ENGINE, PROGRAMME.storage], ids=layout.key)
def test_the_layouts_say_what_migrations_and_views_make(
    part: Storage, empty_database_url: str, golden: Golden
) -> None:
    newest = schema.known_revisions(part)[-1]
    with connected(empty_database_url) as connection:
        command.upgrade(schema.alembic_config(connection, part), "head")
        found = layout.read(connection, NO_PROGRAMME if part is ENGINE else PROGRAMME)
        engine = connection.dialect.name
    made = {name: found.tables[name] for name in part.metadata.tables}
    folder = ROOT / "dsync" / ("store" if part is ENGINE else part.name) / "migrations" / "layouts"
    Golden(folder, golden.is_updating).check(f"{newest}.txt", written(part))
    assert made == layout.tables(part, newest, engine)
    assert schema.known_revisions(part) == sorted(file.stem for file in folder.iterdir())


def test_every_release_has_a_small_database() -> None:
    """On both engines, also this one: the next release is tested with it."""
    assert __version__ in VERSIONS
    assert {f"{version}-{engine}.sql.gz" for version in VERSIONS for engine in ENGINES} == {
        file.name for file in FIXTURES.iterdir()
    }
    assert all(file.stat().st_size < 100_000 for file in FIXTURES.iterdir())


ENGINES = ("postgresql", "sqlite")


def ruled(url: str) -> list[Row[Any]]:
    """Return the versions of the rules as analysts see them, in the columns of each release."""
    with connected(url) as connection:
        shown = "version, depuis_le, revision, regles, listes, categories, controles, phrases"
        return [*connection.execute(text(f"SELECT {shown} FROM lecture_regle ORDER BY version"))]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_database_of_a_release_comes_here(
    version: str, empty_database_url: str, tmp_path: Path
) -> None:
    """Each row of each table is the same, each view answers, and everything verifies."""
    url = empty_database_url
    load(url, version)
    before, shown, rules, lists = lasting(url), answers(url), ruled(url), listed(url)
    assert {"dossier", "changement", "reponse", "pousse", "demande"} <= {
        k for k in before if before[k]
    }
    if "postgresql" in url and version != __version__:
        with pytest.raises(SchemaBehindError, match="dsync db upgrade"):
            open_database(url)
    environment = {**OFFLINE, "DSYNC_DATABASE_URL": url}
    if version != __version__:
        environment["DSYNC_CONFIG"] = config_with(tmp_path, FORMER_NOTATION)
    dsync = InsideCommand(tmp_path, environment)
    for _ in range(2):
        assert 0 == dsync("db", "upgrade").code
        after = contents(url)
        assert before == {name: after.get(name) for name in before}
        assert (rules, lists) == (ruled(url), listed(url))
        assert shown.keys() <= answers(url).keys()
        verified = dsync("db", "verify", "--json")
        assert (0, True) == (verified.code, verified.json.get("ok")), verified.text


def test_versions_of_declared_checks_come_along(empty_database_url: str) -> None:
    """Sealed, and without those of the programme in its view."""
    load(empty_database_url, "0.1.0")
    at = "2026-11-24 14:30:00.000000"
    with connected(empty_database_url) as connection:
        given = f"VALUES ('c-1', '{at}', '{{\"avis\":[\"Complet\"]}}')"
        connection.execute(text(f"INSERT INTO declaration (version, depuis_le, document) {given}"))
        connection.commit()
    before = ruled(empty_database_url)
    store = open_database(empty_database_url, check_schema=False, with_programme=True)
    store.upgrade()
    with store.reading(DEMARCHE) as reader:
        kept = reader.verdicts.rules()["c-1"]
        assert [] == [one for one in reader.seals.broken() if one[0] == "version_regles"]
    store.close()
    assert (["Complet"], "2026-11-24") == (kept["avis"], f"{kept['depuis_le']:%Y-%m-%d}")
    assert before == ruled(empty_database_url)
