"""What the copy must show, and DS hold, once everything is quiet."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from dsync.domain.dossier import COUNTED_ETATS, OPEN_ETATS
from dsync.eig.precheck.check import Check
from dsync.sandbox import Sandbox, opaque_ids
from dsync.sandbox.control import Control
from dsync.sandbox.scalars import DossierTruth
from tests.acceptance.worker.database import Database
from tests.engine import oracle
from tests.engine.rig import FIRST, VALIDE, number

Row = dict[str, Any]


@dataclass(frozen=True)
class Copied:
    """A copy and what it is of, as the oracle of the engine's tests asks for them."""

    database: Database
    control: Control

    def rows(self, sql: str, **values: Any) -> list[Row]:
        """Return the rows of a query."""
        return self.database.rows(sql, **values)

    def one(self, table: str, rank: int) -> Row:
        """Return a dossier's row; nothing when there is none."""
        found = self.rows(f"SELECT * FROM {table} WHERE numero = {number(rank)}")
        return found[0] if found else {}

    def sent_values(self) -> list[tuple[int, int, Any]]:
        """Return every value that reached the sandbox, in order: rank, stable id, value."""
        return [
            (
                (opaque_ids.key_of(sent["dossierId"], "Dossier") or 0) - FIRST,
                opaque_ids.key_of(annotation["id"], "Champ") or 0,
                *annotation["value"].values(),
            )
            for entry in self.control.requests(kind="mutation")
            for sent in entry.variables.values()
            for annotation in sent.get("annotations") or []
        ]


def assert_copy_is_true(database: Database, sandbox: Sandbox) -> None:
    """Compare the copy with the sandbox: each dossier, text, verdict, annotation and wish."""
    copied = Copied(database, sandbox.control)
    oracle.check_copy(copied)
    oracle.check_annotations(copied)
    oracle.check_sent(copied)
    shown = {t.number: t for t in sandbox.control.truth() if t.presence == "present"}
    assert_verdicts_stand(database, shown)


def assert_verdicts_stand(database: Database, shown: dict[int, DossierTruth]) -> None:
    """Each dossier has the verdict that its case calls for, and one reason a check."""
    copies = {row["numero"]: row for row in database.view("lecture_candidature")}
    products = Counter(
        row["produit_id"]
        for row in copies.values()
        if row["presence"] == "present" and row["etat"] in COUNTED_ETATS
    )
    checks: dict[int, list[Row]] = {}
    for row in database.view("lecture_precontrole_controle"):
        checks.setdefault(row["numero"], []).append(row)
    current = {row["numero"]: row for row in database.view("lecture_precontrole") if row["courant"]}
    for numero, truth in shown.items():
        copy = copies[numero]
        expected = truth.why.partition(" :")[0]
        twins = products[copy["produit_id"]] - (copy["etat"] in COUNTED_ETATS)
        if expected == "Éligible" and twins:
            expected = "À vérifier"
        assert expected == copy["verdict"] == current[numero]["verdict"], truth.why
        # The verdict may have been given again since, on other grounds and in the same words.
        assert copy["verdict_etabli_le"] <= current[numero]["etabli_le"]
        mine = [c for c in checks[numero] if c["etabli_le"] == current[numero]["etabli_le"]]
        assert {*Check} == {c["controle"] for c in mine}
        assert all(c["motif"] for c in mine if c["resultat"] != "conforme")


def is_written(truth: DossierTruth) -> bool:
    """Whether dsync writes into a dossier: open, and its pre-check not taken over by a human."""
    is_open = truth.presence == "present" and truth.state in OPEN_ETATS
    return is_open and not truth.raw_annotations.get(VALIDE)
