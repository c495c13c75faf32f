"""What is published as open data tells of no group of fewer than five dossiers."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

from frictionless import Package
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from dsync.domain.dossier import Etat
from dsync.exports.export import export
from dsync.exports.view_tables import LEAST, TOGETHER, aggregated_tables, told
from dsync.store import Store
from tests.store.builders import (
    NOW,
    make_dossier,
    make_mapped,
    make_verdict,
    save_verdicts,
    writing,
)

GROUPS = st.dictionaries(
    st.tuples(st.sampled_from("ABCD"), st.sampled_from("xyz"), st.sampled_from("12")),
    st.integers(1, 9),
    max_size=24,
)


@given(GROUPS)
def test_no_sum_or_difference_is_about_fewer(counts: dict[tuple[str, ...], int]) -> None:
    """Each dossier is in one group of at least five, of which each small value is one of several.

    So that also a total from elsewhere, minus all that is told, is no small group.
    """
    found = list(told(counts, 3))
    sizes = [int(count) for *_, count in found]
    total = sum(counts.values())
    assert (total if total >= LEAST else 0) == sum(sizes)
    assert all(size >= LEAST for size in sizes)
    assert len(found) == len({tuple(values) for *values, _ in found})
    for *values, count in found:
        # What is together has more than one value, and is divided no further.
        depth = values.index(TOGETHER) if TOGETHER in values else 3
        assert {TOGETHER} >= {*values[depth:]}
        inside = {key: n for key, n in counts.items() if [*key[:depth]] == values[:depth]}
        if depth < 3:
            apart = {one[depth] for *one, _ in found if one[:depth] == values[:depth]}
            inside = {key: n for key, n in inside.items() if key[depth] not in apart}
            assert len({key[depth] for key in inside}) > 1
        assert count == sum(inside.values())


def exported(store: Store, folder: Path) -> dict[str, list[dict[str, str]]]:
    """Return the rows of each file, by its name."""
    with store.reading() as reader:
        export(reader.connection, aggregated_tables(), folder, format_="csv", made_at=NOW)
    return {
        path.stem: list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
        for path in folder.glob("*.csv")
    }


def filled(store: Store, **changes: Any) -> None:
    """Store 12 dossiers of one région, 4 of another, 1 of a third; of two states and advices."""
    regions = ["Bretagne"] * 12 + ["Normandie"] * 4 + ["Corse"]
    applicant = make_dossier().demandeur
    with writing(store) as tx:
        records = [
            make_mapped(
                number,
                etat=Etat.ACCEPTE if number % 6 == 0 else Etat.EN_CONSTRUCTION,
                demandeur=structs.replace(
                    applicant,
                    details={"address": {"regionName": region, "regionCode": str(number)}},
                ),
                **changes,
            )
            for number, region in enumerate(regions, 1)
        ]
        tx.dossiers.store_page(1, records, now=NOW)
        save_verdicts(tx, 1, [make_verdict(number) for number in range(1, 11)], NOW)


def test_counts_are_published_and_nothing_of_a_dossier(store: Store, tmp_path: Path) -> None:
    """By month, advice and state, and by région; small ones together; valid for its schema."""
    filled(store)
    out = tmp_path / "out"
    found = exported(store, out)
    assert {"agregat_depot", "agregat_territoire"} == found.keys()
    for rows in found.values():
        assert 17 == sum(int(row["nombre"]) for row in rows)
        assert all(int(row["nombre"]) >= LEAST for row in rows)
    territories = {row["territoire"]: row["nombre"] for row in found["agregat_territoire"]}
    assert {"Bretagne": "12", TOGETHER: "5"} == territories
    advices = Counter[str]()
    for row in found["agregat_depot"]:
        advices[row["avis"]] += int(row["nombre"])
    assert {"sans avis": 7, "À vérifier": 10} == advices
    package = Package(out / "datapackage.json")
    assert [] == package.validate().flatten(["title", "message"])
    assert "aucun groupe de moins de 5 dossiers" in (package.description or "")
    written = "".join(path.read_text("utf-8") for path in out.iterdir())
    for secret in ("13002526500013", "DINUM", "usager@exemple.fr", "Normandie", "Corse"):
        assert secret not in written


def test_groupes_stand_for_regions_where_no_applicant_has_one(store: Store, tmp_path: Path) -> None:
    """One of the two: they would complete each other where groupes are made of régions."""
    with writing(store) as tx:
        records = [
            make_mapped(number, groupe_instructeur="Nord" if number < 7 else "Sud")
            for number in range(1, 12)
        ]
        tx.dossiers.store_page(1, records, now=NOW)
    rows = exported(store, tmp_path / "out")["agregat_territoire"]
    assert [("Nord", "6"), ("Sud", "5")] == [(row["territoire"], row["nombre"]) for row in rows]
