"""What is to do in DS by hand after a jury, by what the dossier shows there."""

from __future__ import annotations

from typing import Any

import pytest

from dsync.console.after_jury import todos
from tests.console.served import visiting, words
from tests.console.test_jury import ADA, grade, ungraded
from tests.engine.rig import DEMARCHE, Engine, number

TODAY, BEFORE, AFTER = "2024-07-02", "2024-07-01", "2024-07-03"
MET = {"etat": "en_instruction", "jury_le": BEFORE}
TAKEN = {"etat": "accepte", "jury_le": BEFORE, "etape": "Lauréat", "convention_le": BEFORE}


def row(**values: Any) -> dict[str, Any]:
    """Make a dossier's row."""
    names = ("etape", "jury_le", "verdict", "valide_par_instructeur", "convention_le")
    others = ("candidatures_le", "entretiens_le", "prise_de_poste_le")
    return dict.fromkeys((*names, *others)) | values


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (MET, ["issue"]),
        (MET | {"etape": "Délibération"}, ["issue"]),
        (MET | {"etape": "Présélectionné"}, ["issue"]),
        (MET | {"jury_le": TODAY}, ["issue"]),
        (MET | {"jury_le": AFTER}, []),
        (MET | {"jury_le": AFTER, "etape": "Lauréat", "verdict": "Éligible"}, []),
        (MET | {"jury_le": None, "etape": "Lauréat"}, []),
        (MET | {"etape": "Lauréat"}, ["accepter"]),
        (MET | {"etape": "LAURÉATE", "etat": "en_construction"}, ["accepter"]),
        (MET | {"etape": "Lauréat", "verdict": "À vérifier"}, ["accepter", "validation"]),
        (
            MET | {"etape": "Lauréat", "verdict": "Éligible", "valide_par_instructeur": True},
            ["accepter"],
        ),
        (MET | {"etape": "Non retenu", "verdict": "Inéligible"}, ["refuser"]),
        (MET | {"etape": "Liste d’attente"}, ["reserve"]),
        (MET | {"etape": "Réserve"}, ["reserve"]),
        (TAKEN, []),
        (TAKEN | {"etape": "Délibération"}, ["etape"]),
        (TAKEN | {"etape": None}, ["etape"]),
        (TAKEN | {"etape": "Réserve"}, ["etape"]),
        (TAKEN | {"etape": "Non retenu"}, ["contradiction"]),
        (TAKEN | {"jury_le": None}, ["jury"]),
        (TAKEN | {"verdict": "Éligible"}, ["validation"]),
        (TAKEN | {"convention_le": None}, ["dates"]),
        (TAKEN | {"entretiens_le": BEFORE}, ["dates"]),
        (TAKEN | {"convention_le": None, "prise_de_poste_le": BEFORE}, ["dates"] * 3),
        ({"etat": "refuse", "jury_le": BEFORE, "etape": "Non retenu"}, []),
        ({"etat": "refuse", "jury_le": BEFORE, "etape": "Soutenance"}, ["etape"]),
        ({"etat": "refuse", "jury_le": BEFORE, "etape": "Lauréat"}, ["contradiction"]),
        ({"etat": "sans_suite", "jury_le": BEFORE, "etape": "Évaluation"}, []),
        ({"etat": "sans_suite", "jury_le": BEFORE, "etape": "Lauréat"}, ["contradiction"]),
    ],
)
def test_what_is_to_do_follows_from_what_ds_shows(
    values: dict[str, Any], expected: list[str]
) -> None:
    """The decision, the stage, the validation, the dates; nothing before the jury has met."""
    found = [one.groupe for one in todos(row(**values), TODAY, str, judges=True)]
    assert expected == found


def test_a_dossier_that_is_not_yet_instructed_is_taken_up_first() -> None:
    """DS accepts and refuses only dossiers under instruction."""
    [one] = todos(
        row(etat="en_construction", jury_le=BEFORE, etape="Lauréat"), TODAY, str, judges=False
    )
    assert "passer en instruction, puis accepter" == one.voulu


def test_what_is_done_in_ds_leaves_the_list(engine: Engine) -> None:
    """From the issue to the acceptance to the convention; each with a link into DS."""
    of_ds = engine.another(ds_url="https://demarche.example.gouv.fr/api/v2/graphql")
    [rank] = ungraded(engine, 1)
    day = engine.control.clock.now().date().isoformat()
    grade(engine, rank, ("Soutenance", ADA, 4))
    engine.control.move(number(rank), "en_instruction")
    engine.control.edit_annotation(number(rank), 5203, day)
    with visiting(engine, [of_ds.app]) as visitor:

        def shown() -> list[str]:
            engine.sync_later()
            page = visitor.get(f"/a-reporter?le={day}").text
            link = f"/procedures/{DEMARCHE}/dossiers/{number(rank)}"
            sections = page.split("<section ")[1:]
            mine = [words(one) for one in sections if link in one]
            return [one.partition(" (")[0].rpartition("> ")[2] for one in mine]

        assert any("Issue du jury à saisir" in one for one in shown())
        asked = visitor.read(f"/a-reporter?le={day}")
        assert "Étape de sélection : Lauréat, ou Non retenu" in asked
        engine.control.edit_annotation(number(rank), 5202, "Lauréat")
        assert any("Lauréats à accepter" in one for one in shown())
        engine.control.move(number(rank), "accepte", motivation="Retenu.")
        engine.control.edit_annotation(number(rank), 5105, True)
        assert ["Dates du recrutement à saisir"] == [one.strip() for one in shown()]
        engine.control.edit_annotation(number(rank), 5402, day)
        assert [] == shown()
