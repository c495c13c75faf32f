"""What is left of each table and view for who may not see everything, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from dsync.database import PROGRAMME
from dsync.domain.documented import MASKED, Declared, Mark
from dsync.errors import StoreError
from dsync.store import tables
from dsync.store.columns import declared_of
from dsync.store.sight import WHOLE, Sight, literal
from tests.engine.rig import DEMARCHE, PROBLEME, Engine, number, seeds

NORD, SUD = "Groupe d’ici", "Groupe 100 % d'ailleurs"
LECTEUR = Sight(persons=False, texts=False, marks=False)
IN_PART = {
    "demande.options",
    "demarche.instructeurs",
    "lecture_precontrole_controle.motif",
    "lecture_precontrole_controle.preuve",
    "lecture_champ.valeur",
}
"""Marked columns of which a lecteur may be shown a part."""
COUNTS = {"lecture_statistique", "lecture_indicateur", "lecture_jury"}

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    dossiers = seeds(range(6))
    dossiers[0].demandeur["entreprise"] |= {"forme_juridique_code": "1000"}
    with Engine(database_url, dossiers) as made:
        made.sync_until_quiet()
        made.control.edit_champ(number(1), PROBLEME, "Un autre problème")
        made.advance(minutes=1)
        made.sync()
        for groupe, numbers in ((NORD, "true"), (SUD, f"numero = {number(5)}")):
            quoted = literal(groupe)
            made.execute(f"UPDATE dossier SET groupe_instructeur = {quoted} WHERE {numbers}")
        yield made


def relations(engine: Engine) -> dict[str, dict[str, Declared]]:
    """Return the columns of every table and view."""
    every = (*tables.metadata.sorted_tables, *PROGRAMME.storage.metadata.sorted_tables)
    found = {one.name: {c.name: declared_of(c) for c in one.columns} for one in every}
    views = engine.worker.store.dictionary()
    return found | {name: dict(view.columns) for name, view in views.items()}


def seen(engine: Engine, sight: Sight) -> Rows:
    """Return the rows of every table and view."""
    with engine.worker.store.reading(DEMARCHE, sight) as reader:
        return {
            name: sorted(map(dict, reader.connection.execute(query).mappings()), key=str)
            for name in relations(engine)
            for query in [text(f'SELECT * FROM "{name}"')]
        }


def values(rows: list[dict[str, Any]], column: str) -> list[Any]:
    """Return a column's values, without the order of the rows."""
    return sorted((row[column] for row in rows), key=str)


def test_a_relation_is_masked_by_the_marks_of_its_columns(engine: Engine) -> None:
    """A lecteur gets nothing of a marked column, and all of an open one, of tables and views."""
    whole, lecteur = seen(engine, WHOLE), seen(engine, LECTEUR)
    masked = set()
    for name, columns in relations(engine).items():
        for column, one in columns.items():
            before, after = (values(some[name], column) for some in (whole, lecteur))
            # Where a row follows the clock, when it moved is when it was looked at.
            if name.startswith("lecture_") and column == "modifie_ici_le":
                assert None not in after, name
            elif one.mark is Mark.OPEN and after:
                assert before == after, (name, column)
            elif one.mark in (*MASKED, Mark.OF_JURY) and f"{name}.{column}" not in IN_PART:
                assert {None} >= {*after}, (name, column)
                masked |= {name for value in before if value is not None}
        if "siret" in columns:
            known = {row["numero"]: row["siret"] is not None for row in lecteur[name]}
            assert {number(rank): rank > 0 for rank in range(6)} == known
    assert {"contenu", "liste", "verdict", "candidature", "lecture_candidature"} <= masked
    assert {None} == {*values(lecteur["lecture_champ"], "valeur")}
    assert "@" in str(whole["demarche"])
    assert "@" not in str(lecteur["demarche"])


def test_what_is_opened_is_seen(engine: Engine) -> None:
    """Values of the champs that the configuration opens, evidence that is public, alone."""
    champ = engine.rows("SELECT champ_id FROM lecture_champ WHERE valeur <> '' LIMIT 1")[0]
    public = {"administration": ["code"]}
    found = seen(engine, LECTEUR._replace(opened=[*champ.values()], public=public))
    shown = {row["champ_id"] for row in found["lecture_champ"] if row["valeur"]}
    assert {*champ.values()} == shown
    proofs = {
        row["controle"]: row["preuve"]
        for row in found["lecture_precontrole_controle"]
        if row["preuve"] and row["preuve"].replace(" ", "") != "{}"
    }
    assert {"administration"} == {*proofs}
    assert "code" in proofs["administration"]
    assert "siren" not in proofs["administration"]


def test_somebody_of_a_groupe_reads_its_rows_alone(engine: Engine) -> None:
    """Of each table and view about dossiers; of none with counts of all."""
    whole = seen(engine, WHOLE)
    for groupes, numbers in (({SUD}, {5}), ((), set[int]())):
        theirs = seen(engine, Sight(groupes={DEMARCHE: groupes}))
        wanted = {number(rank) for rank in numbers}
        for name, rows in theirs.items():
            if "numero" in relations(engine)[name]:
                kept = [row for row in whole[name] if row["numero"] in wanted]
                assert values(kept, "numero") == values(rows, "numero"), name
            elif name in COUNTS:
                assert [] == rows
            elif not name.startswith("lecture_") and name != "demande":
                assert whole[name] == rows


def test_who_does_not_see_everything_writes_nothing(engine: Engine) -> None:
    """Nor does what is no query read a relation."""
    with engine.worker.store.reading(DEMARCHE, LECTEUR) as reader:
        for statement in ("DELETE FROM dossier", "EXPLAIN SELECT * FROM contenu"):
            with pytest.raises(StoreError, match="only reads"):
                reader.connection.execute(text(statement))
        query = "WITH n AS (SELECT * FROM contenu) SELECT count(*) FROM n WHERE champs IS NULL"
        assert 6 == reader.connection.scalar(text(query))
