"""`lecture_changement`: every later value, from what to what, by whom, however it came."""

from __future__ import annotations

from base64 import b64decode
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from dsync.domain.consent import Consent
from dsync.sandbox import Change
from dsync.sandbox.content.aap_eig7 import FORM
from dsync.sandbox.model import ChampDescriptor, FileSeed
from tests.engine.conftest import Start
from tests.engine.rig import (
    DATE,
    DETAIL,
    ETAPE,
    LETTRE,
    PAGE,
    PROBLEME,
    RESULTAT,
    Engine,
    number,
)

MISSIONS, COMMENTAIRE, COMMUNE = 4406, 5320, 4998
LYON = {"code": "69123", "name": "Lyon", "postal_code": "69002"}
BREST = {"code": "29019", "name": "Brest", "postal_code": "29200"}
TEXTS = ("69002 Lyon (69123)", "29200 Brest (29019)")


def rows(engine: Engine, rank: int | None = None) -> list[dict[str, Any]]:
    """Return the changes of a dossier, or all, oldest first."""
    where = "" if rank is None else f"WHERE numero = {number(rank)}"
    return engine.rows(f"SELECT * FROM lecture_changement {where} ORDER BY ordre")


def told(engine: Engine, rank: int) -> list[tuple[Any, ...]]:
    """Return what changed, in which row, from what to what, by whom."""
    names = ("ligne", "ancienne_valeur", "nouvelle_valeur", "par")
    return [(_key(row["champ_id"]), *(row[name] for name in names)) for row in rows(engine, rank)]


def _key(champ_id: str) -> int | str:
    if champ_id in ("etat", "groupe_instructeur", "etiquettes"):
        return champ_id
    return int(b64decode(champ_id).decode().rpartition("-")[2])


def quiet(engine: Engine) -> None:
    """Read all without a push, and let time pass."""
    engine.begin(push=False)
    engine.advance(hours=1)


def instant(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


# --- what is a change ---------------------------------------------------------------------------


def test_the_first_sight_is_no_change(engine: Engine) -> None:
    """Nor is the second, when nothing is different."""
    for full in (False, True):
        engine.sync(full=full, push=False)
        engine.advance(hours=1)
    assert [] == rows(engine)


def test_an_edit_shows_with_both_values_dates_and_author(engine: Engine) -> None:
    """The label, DS's own date of the edit, when it was seen, and that it came after deposit."""
    quiet(engine)
    old = engine.one("lecture_candidature", 0)["probleme"]
    engine.control.edit_champ(number(0), PROBLEME, "Autre")
    edited_at = engine.control.clock.now()
    engine.advance(minutes=5)
    engine.sync(push=False)
    [row] = rows(engine)
    assert (number(0), "champ", "Problème identifié", None, old, "Autre", "usager") == tuple(
        row[name]
        for name in (
            "numero",
            "origine",
            "libelle",
            "ligne",
            "ancienne_valeur",
            "nouvelle_valeur",
            "par",
        )
    )
    assert row["apres_depot"]
    assert timedelta() <= edited_at - instant(row["modifie_le"]) < timedelta(seconds=1)
    assert instant(row["constate_le"]) > instant(row["modifie_le"])


def test_a_row_of_a_repetition_is_named_by_its_place(engine: Engine) -> None:
    """Of champs and of annotations, from 1."""
    quiet(engine)
    rank, old = next(
        (row["numero"] - number(0), row["missions"])
        for row in engine.rows("SELECT * FROM lecture_voeu WHERE missions IS NOT NULL")
    )
    engine.control.edit_champ(number(rank), MISSIONS, "Autres missions", row=0)
    engine.control.edit_annotation(number(rank), COMMENTAIRE, "Convaincant", row=0)
    engine.sync(push=False)
    [missions, comment] = told(engine, rank)
    assert (MISSIONS, 1, old, "Autres missions", "usager") == missions
    assert (COMMENTAIRE, 1, "Convaincant", "instructeur") == (*comment[:2], *comment[3:])
    grids = len(engine.rows(f"SELECT * FROM lecture_evaluation WHERE numero = {number(rank)}"))
    engine.control.add_annotation_row(number(rank), 5302)
    engine.control.edit_annotation(number(rank), COMMENTAIRE, "Vu", row=-1)
    engine.sync(push=False)
    assert (COMMENTAIRE, grids + 1, None, "Vu", "instructeur") == told(engine, rank)[-1]


def test_a_file_that_another_of_the_same_name_replaces_is_a_change(engine: Engine) -> None:
    """Its name is the value that is shown, before and after."""
    quiet(engine)
    for content in (b"un", b"deux"):
        letter = FileSeed("lettre-2.pdf", "application/pdf", content)
        engine.control.edit_champ(number(0), LETTRE, [letter])
        engine.sync(push=False)
        engine.advance(hours=1)
    assert (LETTRE, None, "lettre-2.pdf", "lettre-2.pdf", "usager") == told(engine, 0)[-1]
    assert 2 == len(rows(engine))


# --- who made it --------------------------------------------------------------------------------


def test_what_dsync_wrote_is_dsyncs_and_a_humans_hand_after_it_is_not(
    engine: Engine,
) -> None:
    """The content hash leaves these annotations and the label out; the changes are there."""
    engine.begin()
    verdict, label = engine.verdict(0), engine.labels(0)[0]
    detail = engine.remote(0, DETAIL)
    assert [
        (RESULTAT, None, None, verdict, "dsync"),
        (DETAIL, None, None, detail, "dsync"),
        (DATE, "dsync"),
        ("etiquettes", None, None, label, "dsync"),
    ] == [(one[0], one[4]) if one[0] == DATE else one for one in told(engine, 0)]
    engine.advance(minutes=11)
    other = "Inéligible" if verdict != "Inéligible" else "Éligible"
    engine.control.edit_annotation(number(0), RESULTAT, other)
    engine.control.remove_label(number(0), label)
    engine.sync()
    beside = f"Avis de l’équipe ; celui de dsync était « {verdict} »."
    assert [
        (RESULTAT, None, verdict, other, "instructeur"),
        ("etiquettes", None, label, None, "instructeur"),
        (DETAIL, None, detail, beside, "dsync"),
    ] == told(engine, 0)[4:]
    engine.worker.push(0, force_by="ana@poste")
    assert [
        (RESULTAT, None, other, verdict, "dsync"),
        (DETAIL, None, beside, detail, "dsync"),
        ("etiquettes", None, None, label, "dsync"),
    ] == told(engine, 0)[7:]


def test_a_champ_that_an_instructeur_corrects_is_not_the_usagers(engine: Engine) -> None:
    """DS's dates and traitements tell the hand; nobody knows after both, nor of a groupe."""
    quiet(engine)
    for rank in (0, 1, 3):
        engine.control.edit_champ(number(rank), PROBLEME, "Autre")
    for rank in (2, 3):
        engine.control.correct_champ(number(rank), PAGE, "à venir")
    engine.control.change_groupe(number(0), "autre groupe")
    engine.sync(push=False)
    for rank, author in {1: "usager", 2: "instructeur", 3: "inconnu"}.items():
        assert {author} == {one[4] for one in told(engine, rank)}
    groupe = ("groupe_instructeur", None, "défaut", "autre groupe", "inconnu")
    assert groupe == told(engine, 0)[-1]


def test_states_groupe_and_labels_are_changes_of_the_dossier(engine: Engine) -> None:
    """In the order in which they were seen, by an instructeur, with the date of the traitement."""
    quiet(engine)
    moved_at = []
    for state in ("en_construction", "en_instruction", "en_construction", "sans_suite"):
        engine.control.move(number(0), state)
        moved_at.append(engine.control.clock.now())
        engine.sync(push=False)
        engine.advance(hours=1)
    engine.control.change_groupe(number(0), "autre groupe")
    engine.sync(push=False)
    engine.control.add_label(number(0), "éligible")
    engine.sync(push=False)
    states = ("en_instruction", "en_construction") * 2 + ("sans_suite",)
    assert [
        *(("etat", None, old, new, "instructeur") for old, new in pairwise(states)),
        ("groupe_instructeur", None, "défaut", "autre groupe", "instructeur"),
        ("etiquettes", None, None, "éligible", "instructeur"),
    ] == told(engine, 0)
    dates = [instant(row["modifie_le"]).replace(tzinfo=None) for row in rows(engine)[:4]]
    assert [at.replace(tzinfo=None, microsecond=0) for at in moved_at] == dates


# --- however it comes ---------------------------------------------------------------------------


def test_a_champ_that_leaves_the_form_loses_its_value(engine: Engine) -> None:
    """By nobody; a new label, a new empty champ and a new type are no change."""
    quiet(engine)
    old = engine.control.truth_of(number(0)).raw_champs[PAGE]
    new = ChampDescriptor(4999, "text", "Nouveau")
    change = Change(
        add_champs=[new], rename={PROBLEME: "Le problème"}, retype={PROBLEME: "text"}, remove=[PAGE]
    )
    engine.control.form.publish_revision(change)
    engine.sync(push=False)
    assert [] == told(engine, 0)
    engine.accept(Consent.ANSWERS)
    assert [(PAGE, None, old, None, "inconnu")] == [o for o in told(engine, 0) if o[4] != "dsync"]
    others = [row for row in rows(engine) if row["par"] != "dsync"]
    assert {PAGE} == {_key(row["champ_id"]) for row in others}
    engine.advance(hours=1)
    engine.control.edit_champ(number(0), PROBLEME, "Autre")
    engine.sync(push=False)
    assert "Le problème" in {row["libelle"] for row in rows(engine, 0)}


def harm(engine: Engine, how: str, rank: int = 0) -> None:
    """Have DS render a dossier without its commune, of which it then gives another text."""
    if how == "field":
        place = len(FORM.revisions[-1].champs)
        engine.control.faults.null_field(number(rank), ("champs", place, "commune", "name"))
    else:
        engine.control.replace_demandeur(number(rank), {})


def with_commune(engine: Engine, *ranks: int) -> None:
    """Have the form ask for a commune, as its last champ."""
    change = Change(add_champs=[ChampDescriptor(COMMUNE, "communes", "Commune d’accueil")])
    engine.control.form.publish_revision(change)
    for rank in ranks:
        engine.control.edit_champ(number(rank), COMMUNE, LYON)


@pytest.mark.parametrize("how", ["field", "reduced"])
def test_a_hole_is_no_change_and_hides_none(start: Start, how: str) -> None:
    """What DS cannot render is compared once it can, with what was last read; the rest always."""
    engine, after = start(range(2)), {0: LYON, 1: BREST}
    with_commune(engine, *after)
    quiet(engine)
    demandeurs = {rank: engine.control.world.dossier(number(rank)).demandeur for rank in after}
    for rank in after:
        harm(engine, how, rank)
    assert 7 == engine.sync(full=True, push=False).exit_code
    assert (set() if how == "field" else {*after}) == engine.quarantine().keys()
    for text in ("Un", "Deux"):
        engine.advance(hours=1)
        for rank in after:
            engine.control.edit_champ(number(rank), PROBLEME, text)
        assert 7 == engine.sync(full=True, push=False).exit_code
    for rank in after:
        seen = [(one[0], one[3]) for one in told(engine, rank)]
        assert [(PROBLEME, "Un"), (PROBLEME, "Deux")] == seen
    engine.advance(hours=1)
    for rank, commune in after.items():
        engine.control.edit_champ(number(rank), COMMUNE, commune)
    assert 7 == engine.sync(full=True, push=False).exit_code
    engine.advance(hours=1)
    for rank, demandeur in demandeurs.items():
        engine.control.faults.repair(number(rank))
        engine.control.world.dossier(number(rank)).demandeur = demandeur
    assert 0 == engine.sync(full=True, push=False).exit_code
    # The code of the field's commune is another one, its name is not known yet.
    another = (TEXTS[0], "Brest (29200)") if how == "field" else TEXTS
    shown = [[one[2:4] for one in told(engine, rank)[2:]] for rank in after]
    assert [[], [another]] == shown


@pytest.mark.parametrize("how", ["field", "reduced"])
def test_a_hole_at_the_first_sight_is_filled_without_a_change(engine: Engine, how: str) -> None:
    """Nobody changed what was never read; what changes after it does show."""
    with_commune(engine, 0)
    demandeur = engine.control.world.dossier(number(0)).demandeur
    harm(engine, how)
    quiet(engine)
    engine.control.faults.repair(number(0))
    engine.control.world.dossier(number(0)).demandeur = demandeur
    assert 0 == engine.sync(full=True, push=False).exit_code
    assert [] == rows(engine)
    engine.advance(hours=1)
    engine.control.edit_champ(number(0), COMMUNE, BREST)
    engine.sync(push=False)
    assert [(*TEXTS, "usager")] == [one[2:] for one in told(engine, 0)]


def test_a_state_that_only_the_list_of_deletions_shows_is_a_change(engine: Engine) -> None:
    """Without its author; what the dossier shows when it is back is compared with the last copy."""
    quiet(engine)
    engine.control.move(number(0), "en_construction")
    engine.control.hide(number(0), "administration")
    engine.sync(push=False)
    assert [("etat", None, "en_instruction", "en_construction", "inconnu")] == told(engine, 0)
    engine.advance(hours=1)
    engine.control.restore(number(0))
    engine.control.edit_annotation(number(0), ETAPE, "Soutenance")
    engine.sync(push=False)
    assert [(ETAPE, "Soutenance", "instructeur")] == [
        (one[0], *one[3:]) for one in told(engine, 0)[1:]
    ]
