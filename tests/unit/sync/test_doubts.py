"""Which changes of a dossier are believed at once: the table of cases."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from dsync.domain.dossier import Champ, Descriptor, Dossier, Etat, Fichier, Ligne, Traitement
from dsync.domain.ids import DescriptorId
from dsync.sync.brakes.doubts import Forms, doubt_of, kept, moves_of
from tests.store.builders import CHAMPS, EARLIER, NOW, champ, make_dossier

PLACE = {"name": "Lyon", "code": "69123"}
KNOWN_DETAILS = {
    "siret": "13002526500013",
    "entreprise": {"siren": "130025265", "formeJuridiqueCode": "7120"},
    "address": {"cityCode": "75107", "cityName": "Paris"},
}
FILES = (Fichier("lettre.pdf", "application/pdf", 12, "bWQ1", "safe"),)
COPY = make_dossier(
    champs=(
        *CHAMPS[:2],
        champ("c4", "Lettre", "lettre.pdf", fichiers=FILES),
        champ("c5", "Commune", "Lyon (69123)", valeur=PLACE),
        champ("c6", "Vide"),
    ),
    demandeur=replace(make_dossier().demandeur, details=KNOWN_DETAILS),
)
LATER = {"date_derniere_modification": NOW, "date_derniere_modification_champs": NOW}
STEP = Traitement("accepte", NOW, None, "agent@exemple.fr")
CORRECTION = Traitement("depose_correction_instructeur", NOW, None, "agent@exemple.fr")


def descriptor(id_: str, libelle: str, type_: str = "text") -> Descriptor:
    return Descriptor(DescriptorId(id_), libelle, type_)


FORM: Mapping[DescriptorId, Descriptor] = {
    one.descriptor_id: descriptor(one.descriptor_id, one.libelle or "") for one in COPY.champs
} | {DescriptorId("c3"): descriptor("c3", "Profil")}
ASKED = frozenset({DescriptorId("c1"), DescriptorId("c3")})
SAME = Forms(FORM, FORM, ASKED)


def changed(id_: str, **values: Any) -> dict[str, Any]:
    """Return the change of one champ."""
    champs = [replace(c, **values) if c.descriptor_id == id_ else c for c in COPY.champs]
    return {"champs": tuple(champs)}


def without(*ids: str) -> dict[str, Any]:
    return {"champs": tuple(c for c in COPY.champs if c.descriptor_id not in ids)}


def applicant(**details: Any) -> dict[str, Any]:
    return {"demandeur": replace(COPY.demandeur, details={**KNOWN_DETAILS, **details})}


ROWS = COPY.champs[1].lignes
NAMELESS = {"code": "69123"}


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        # What DS gives otherwise without a date.
        ({"champs": ()}, {"champs"}),
        (without("c1"), {"champs"}),
        (changed("c1", texte=None), {"champs"}),
        (changed("c1", texte="Autre"), {"champs"}),
        (changed("c6", texte="Rempli"), {"champs"}),
        (changed("c2", lignes=()), {"champs"}),
        (changed("c2", lignes=ROWS[:1]), {"champs"}),
        (changed("c2", lignes=(Ligne("r1", (champ("c3", "Profil"),)), ROWS[1])), {"champs"}),
        (changed("c4", texte=None, fichiers=()), {"champs"}),
        (changed("c5", texte="Brest", valeur={"name": "Brest", "code": "29019"}), {"champs"}),
        (applicant(siret="11111111111111"), {"demandeur"}),
        (applicant(entreprise={"siren": "130025265", "formeJuridiqueCode": None}), {"demandeur"}),
        (applicant(address={"cityCode": None, "cityName": None}), {"demandeur"}),
        ({"date_depot": NOW}, {"depot"}),
        ({"etat": Etat.REFUSE}, {"etat"}),
        ({"etat": Etat.REFUSE, **LATER}, {"etat"}),
        ({"etat": Etat.REFUSE, "traitements": (*COPY.traitements, STEP)}, {"etat"}),
        # A date that goes back is none, and nothing explains that every answer has gone.
        ({**changed("c1", texte="B"), "date_derniere_modification_champs": EARLIER - timedelta(1)},
         {"champs"}),
        ({"champs": (), **LATER}, {"champs"}),
        # These never change, whatever the dates say.
        ({"date_depot": NOW, **LATER}, {"depot"}),
        ({**applicant(siret="11111111111111"), **LATER}, {"demandeur"}),
        # What DS's dates and steps explain.
        ({**changed("c1", texte="Autre"), **LATER}, set()),
        ({**without("c1"), **LATER}, set()),
        ({**changed("c1", texte="Autre"), "date_derniere_modification": NOW,
          "traitements": (*COPY.traitements, CORRECTION)}, set()),
        ({"etat": Etat.REFUSE, "traitements": (*COPY.traitements, STEP), **LATER}, set()),
        # What moves no date, and is no content.
        ({"labels": ("urgent",), "groupe_instructeur": "autre", "instructeurs": ()}, set()),
        (changed("c1", libelle="Le problème", type="textarea"), set()),
        ({"champs": (*COPY.champs, champ("c9", "Nouveau", "Déjà rempli"))}, set()),
        (changed("c4", fichiers=(replace(FILES[0], analyse="pending"),)), set()),
        (changed("c5", texte="69123 (nom inconnu)", valeur=NAMELESS), set()),
        (applicant(address={"cityCode": "75107", "cityName": "Paris 7e"}), set()),
        (applicant(association={"rna": "W1"}), set()),
    ],
)  # fmt: skip
def test_what_is_in_doubt(changes: dict[str, Any], parts: set[str]) -> None:
    """It stays as the copy has it, so that nothing is in doubt then; all else is as DS shows it."""
    shown = replace(COPY, **changes)
    doubt = doubt_of(shown, COPY, SAME)
    assert parts == {one.part for one in doubt.differences} if doubt else parts == set()
    if doubt is None:
        return
    assert not doubt.is_of_form
    assert moves_of([doubt])
    left = kept(replace(shown, labels=("urgent",)), COPY, doubt)
    assert left.labels == ("urgent",)
    assert doubt_of(left, COPY, SAME) is None


def test_a_date_that_is_no_news_explains_nothing() -> None:
    """What changed until the last read was read then: it is another dossier's, or none."""
    shown = replace(COPY, **changed("c1", texte="Autre"), **LATER)
    for hours, is_believed in ((-1, True), (0, True), (1, False)):
        found = doubt_of(shown, COPY, SAME, since=NOW + timedelta(hours=hours))
        assert is_believed is (found is None)


def test_an_applicant_that_is_completed_is_no_doubt() -> None:
    """DS had only the SIRET, as the registry was down at the deposit."""
    bare = replace(COPY.demandeur, genre="personne_morale_incomplete", details={"siret": "1"})
    full = replace(COPY.demandeur, details={**KNOWN_DETAILS, "siret": "1"})
    known = replace(COPY, demandeur=bare)
    assert doubt_of(replace(COPY, demandeur=full), known, SAME) is None


def test_a_file_whose_scan_had_not_ended_may_vanish() -> None:
    """DS does not list what is infected."""
    known = replace(COPY, **changed("c4", fichiers=(replace(FILES[0], analyse="pending"),)))
    assert doubt_of(replace(COPY, **changed("c4", fichiers=())), known, SAME) is None


@pytest.mark.parametrize(
    ("removed", "changes", "is_of_form"),
    [
        ((), {"champs": (*COPY.champs, champ("c9", "Nouveau"))}, None),
        (("c5",), without("c5"), None),
        ((), without("c5"), None),
        (("c1",), without("c1"), True),
        (("c1",), {**without("c1"), **LATER}, True),
        ((), without("c1"), False),
        ((), changed("c1", texte=None), False),
        ((), changed("c5", texte=None, valeur=None), False),
    ],
)
def test_what_a_revision_explains(
    removed: tuple[str, ...], changes: dict[str, Any], is_of_form: bool | None
) -> None:
    """Questions added, and those removed or hidden that nothing is made of; None: no doubt."""
    new = {id_: one for id_, one in FORM.items() if id_ not in removed}
    new[DescriptorId("c9")] = descriptor("c9", "Problème")
    doubt = doubt_of(replace(COPY, **changes), COPY, Forms(FORM, new, ASKED, is_other=True))
    assert is_of_form == (doubt.is_of_form if doubt else None)


def test_a_champ_of_another_type_explains_its_value() -> None:
    """Not where the checks read it."""
    for id_, is_believed in (("c5", True), ("c1", False)):
        new = {**FORM, DescriptorId(id_): descriptor(id_, "x", "date")}
        shown = replace(COPY, **changed(id_, texte=None, valeur=None))
        found = doubt_of(shown, COPY, Forms(FORM, new, ASKED, is_other=True))
        assert is_believed is (found is None)


def test_what_is_found_again_has_the_same_digest() -> None:
    """Another answer has another one; people are shown kinds of changes, and no value."""

    def of(texte: str | None, copy: Dossier = COPY) -> Any:
        return doubt_of(replace(copy, **changed("c1", texte=texte)), copy, SAME)

    assert of("Autre").digest == of("Autre").digest != of("Encore autre").digest
    moves = moves_of([of("Secret"), of("Autre secret"), of(None)])
    assert [
        ("Réponse à « Problème »", "renseignée", "autre réponse", 2),
        ("Réponse à « Problème »", "renseignée", "vide", 1),
    ] == [tuple(move) for move in moves]


def test_what_was_never_read_is_not_compared() -> None:
    """Its end is no change."""
    champs: tuple[Champ, ...] = changed("c1", texte="Autre")["champs"]
    assert doubt_of(replace(COPY, champs=champs), COPY, SAME, frozenset({"c1"})) is None
