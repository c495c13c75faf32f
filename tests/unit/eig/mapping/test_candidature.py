"""Reading of candidatures from dossiers of all revisions."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from dsync.domain.champs import boolean_of, day_of, departement_of, number_of, rank_of
from dsync.domain.dossier import Champ
from dsync.domain.ids import DemarcheNumber, DescriptorId
from dsync.eig.candidature import Grille, Reponse, Voeu
from dsync.eig.sections import ChampTarget
from tests.unit.eig.mapping.conftest import MAPPING, Mapper, dossier_of, make_node

DEMARCHE = DemarcheNumber(86321)
MARKS = range(5311, 5320)
NAMES = (
    *("probleme_avere", "probleme_majeur", "probleme_actionnable", "approche_produit"),
    *("sponsoring", "autonomie", "politiques_prioritaires", "feuille_de_route", "ambition"),
)


def champ(valeur: Any, texte: str | None = None, type_: str = "text") -> Champ:
    if texte is None and isinstance(valeur, str):
        texte = valeur
    return Champ(DescriptorId("x"), texte, valeur, libelle="X", type=type_)


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u00a0", "\u202f \u2007", "\u200b", "\ufeff "])
def test_a_blank_field_is_none(form: Any, text: str) -> None:
    candidature = form.map([form.champ(4202, text=text)]).candidature
    assert (None, Reponse.VIDE) == (candidature.entite, candidature.reponses["entite"])


def test_the_answers_tell_why_a_field_is_empty(form: Any) -> None:
    """Missing in the form, not asked, blank and filled are distinguished."""
    form.remove(4604)
    mapped = form.map([form.champ(4202, text="DINUM"), form.champ(4105, text="")])
    reponses = mapped.candidature.reponses
    names = ("perspectives", "benefices", "probleme", "entite")
    expected = [Reponse.NON_ASSOCIE, Reponse.NON_DEMANDE, Reponse.VIDE, Reponse.REMPLI]
    assert expected == [reponses[name] for name in names]


@pytest.mark.parametrize(
    "libelle",
    ["Département d’affectation", "département  d'affectation ", "DÉPARTEMENT\u00a0D’AFFECTATION"],
)
def test_a_champ_of_unknown_id_is_found_by_its_label(form: Any, libelle: str) -> None:
    """Spacing, apostrophes and case of labels are ignored."""
    id_ = form.replace(4203, id="autre", libelle=libelle)
    paris = {"code": "75", "name": "Paris"}
    found = form.map([form.champ(id_, "DepartementChamp", departement=paris)]).candidature
    assert ("75", "Paris") == (found.departement_code, found.departement_nom)


def test_a_former_label_is_known(form: Any) -> None:
    """Labels are tried in their configured order."""
    entite = ChampTarget(libelles=("Nom de l’entité", "Service"))
    champs = MAPPING.champs.model_copy(update={"entite": entite})
    id_ = form.replace(4202, id="autre", libelle="service")
    node = make_node([form.champ(id_, text="DINUM")])
    mapping = MAPPING.model_copy(update={"champs": champs})
    mapped = Mapper(mapping).map(dossier_of(node), DEMARCHE, form.revision)
    assert mapped.candidature.entite == "DINUM"


def test_an_id_wins_over_a_label(form: Any) -> None:
    form.replace(4202, libelle="Nom de l’entité")
    other = form.add("nouveau", "Entité opérationnelle")
    mapped = form.map([form.champ(4202, text="par id"), form.champ(other, text="par libellé")])
    assert mapped.candidature.entite == "par id"


def test_a_label_never_takes_a_champ_that_an_id_names(form: Any) -> None:
    form.remove(4202)
    form.replace(4105, libelle="Entité opérationnelle")
    mapped = form.map([form.champ(4105, text="texte")])
    assert (mapped.candidature.entite, mapped.candidature.probleme) == (None, "texte")


def test_a_section_with_a_champs_label_is_not_taken_for_it(form: Any) -> None:
    form.remove(4604)
    form.add("titre", "Perspectives", "header_section")
    assert form.map().candidature.reponses["perspectives"] == Reponse.NON_ASSOCIE


def test_without_a_revision_the_champs_shown_stand_for_the_form(form: Any) -> None:
    cells = [
        form.champ(4404, text="Produit"),
        form.champ("ordre", text="1", label="Ordre de préférence"),
    ]
    node = make_node(
        [form.champ("inconnu", text="DINUM", label="Entité opérationnelle"), form.rows(4403, cells)]
    )
    mapped = Mapper().map(dossier_of(node), DEMARCHE, None)
    assert mapped.candidature.entite == "DINUM"
    assert (Voeu(1, "Produit", None),) == mapped.candidature.voeux
    assert mapped.candidature.reponses["probleme"] == Reponse.NON_ASSOCIE
    assert mapped.dossier.champs[1].type == "repetition"


def voeu(form: Any, profil: str = "", ordre: str | None = None, missions: str = "") -> list[Any]:
    return [
        form.champ(4404, "DropDownListChamp", dropDownValue=profil),
        form.champ(4405, "IntegerNumberChamp", integerValue=ordre),
        form.champ(4406, text=missions),
    ]


def test_wishes_come_in_the_order_of_preference(form: Any) -> None:
    """The order of preference decides, or else the number of the row."""
    given = [("Technique", "2", "Coder"), ("Produit", "1"), ("Impact",)]
    expected = (Voeu(1, "Produit", None), Voeu(2, "Technique", "Coder"), Voeu(3, "Impact", None))
    rows = form.rows(4403, *(voeu(form, *one) for one in given))
    assert expected == form.map([rows]).candidature.voeux


def test_the_empty_row_of_the_platform_is_no_wish(form: Any) -> None:
    """Blank rows are ignored: a mandatory repetition starts with one."""
    mapped = form.map([form.rows(4403, voeu(form))])
    assert (mapped.candidature.voeux, mapped.candidature.reponses["voeux"]) == ((), Reponse.VIDE)
    assert len(mapped.dossier.champs[0].lignes) == 1


def test_a_form_without_some_columns_still_gives_wishes(form: Any) -> None:
    form.remove(4405)
    form.remove(4406)
    mapped = form.map([form.rows(4403, voeu(form, "Produit")[:1])])
    assert (Voeu(1, "Produit", None),) == mapped.candidature.voeux


@pytest.mark.parametrize("is_hidden", [False, True])
def test_wishes_without_their_profile_are_not_taken_for_none(form: Any, is_hidden: bool) -> None:
    """The column is not mapped, or no row shows it: nobody wished for nothing."""
    if not is_hidden:
        form.replace(4404, id="autre", libelle="Métier")
    rows = form.rows(4403, voeu(form, ordre="1", missions="Coder")[1:])
    expected = Reponse.NON_DEMANDE if is_hidden else Reponse.NON_ASSOCIE
    assert expected == form.map([rows]).candidature.reponses["voeux"]


@pytest.mark.parametrize(
    ("typename", "values", "expected"),
    [
        ("MultipleDropDownListChamp", {"values": ["A", "B"]},
         (Voeu(1, "A", None), Voeu(2, "B", None))),
        ("TextChamp", {"textValue": "A"}, (Voeu(1, "A", None),)),
        ("TextChamp", {"textValue": " "}, ()),
    ],
)  # fmt: skip
def test_profiles_asked_for_without_a_repetition_are_wishes(
    form: Any, typename: str, values: dict[str, Any], expected: tuple[Voeu, ...]
) -> None:
    assert expected == form.map([form.champ(4403, typename, **values)]).candidature.voeux


def grille(form: Any, *marks: str | None, commentaire: str = "") -> list[Any]:
    cells = [
        form.champ(5303, "DropDownListChamp", dropDownValue="Dossier" if commentaire else None),
        form.champ(5304, text="eval@example.org" if commentaire else ""),
        form.champ(5320, text=commentaire),
    ]
    given = [*marks, *[None] * (len(MARKS) - len(marks))]
    return cells + [
        form.champ(id_, "IntegerNumberChamp", integerValue=mark)
        for id_, mark in zip(MARKS, given, strict=True)
    ]


def test_a_grid_has_its_row_number_and_a_mark_for_each_criterion(form: Any) -> None:
    """Blank rows count in the numbering but are no grid; marks out of range are kept."""
    mapped = form.map(
        annotations=[form.rows(5302, grille(form), grille(form, "4", "99", commentaire="Bon"))]
    )
    (evaluation,) = mapped.candidature.evaluations
    told = (evaluation.moment, evaluation.evaluateur, evaluation.commentaire)
    assert (2, ("Dossier", "eval@example.org", "Bon")) == (evaluation.ligne, told)
    assert mapped.candidature.criteres == NAMES
    assert evaluation.notes[:3] == (4.0, 99.0, None)
    assert mapped.candidature.criteres_libelles[0] == "Problème avéré"
    assert evaluation.moyenne == 51.5


def test_criteria_that_the_revision_lacks_are_left_out(form: Any) -> None:
    """A missing criterion is left out; one that was not shown has no mark."""
    for id_ in MARKS[1:]:
        form.remove(id_)
    mapped = form.map(annotations=[form.rows(5302, grille(form, commentaire="Bon")[:3])])
    expected = Grille(1, "Dossier", "eval@example.org", "Bon", (None,))
    assert (expected,) == mapped.candidature.evaluations
    assert ("Problème avéré",) == mapped.candidature.criteres_libelles


def test_a_row_with_only_unchecked_boxes_is_blank(form: Any) -> None:
    """An unchecked checkbox is blank; the « non » of a yes/no champ is an answer."""
    box = form.add("case", "Case", "checkbox", True, parent=form.id(5302))
    yes_no = form.add("ouinon", "Oui/non", "yes_no", True, parent=form.id(5302))
    unchecked = [form.champ(box, "CheckboxChamp", checkboxValue=False)]
    no = [form.champ(yes_no, "YesNoChamp", yesNoValue=False)]
    mapped = form.map(annotations=[form.rows(5302, unchecked, no)])
    assert [evaluation.ligne for evaluation in mapped.candidature.evaluations] == [2]


def test_selection_and_recruitment_are_read_from_annotations(form: Any) -> None:
    mapped = form.map(
        annotations=[
            form.champ(5202, "DropDownListChamp", dropDownValue="Lauréat"),
            form.champ(5203, "DateChamp", date="2024-10-01"),
            form.champ(5105, "CheckboxChamp", checkboxValue=True),
            form.champ(5402, "DateChamp", date=None),
        ]
    )
    candidature = mapped.candidature
    names = ("etape", "jury_le", "valide_par_instructeur", "convention_le")
    expected = ["Lauréat", date(2024, 10, 1), True, None]
    assert expected == [getattr(candidature, name) for name in names]


def test_a_champ_is_not_read_as_an_annotation(form: Any) -> None:
    form.remove(5202)
    id_ = form.add("public", "Étape de sélection")
    mapped = form.map([form.champ(id_, text="Lauréat")])
    assert None is mapped.candidature.etape


def test_a_departement_turned_into_a_repetition_is_read(form: Any) -> None:
    """Its first row tells code and name; no run ends for it."""
    form.replace(4203, type="repetition")
    form.add("ligne", "Département", "text", parent=form.id(4203))
    mapped = form.map([form.rows(4203, [form.champ("ligne", text="75 - Paris")])])
    found = mapped.candidature
    assert ("75", "Paris") == (found.departement_code, found.departement_nom)
    assert Reponse.REMPLI is found.reponses["departement"]


def test_a_field_turned_into_a_repetition_stays_readable(form: Any) -> None:
    """The texts of its rows are joined."""
    form.replace(4602, type="repetition")
    rows = form.rows(4602, [form.champ("o", text="Un")], [form.champ("o", text="Deux")])
    assert form.map([rows]).candidature.objectifs_12_mois == "Un, Deux"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-10-01", date(2024, 10, 1)),
        ("2024-09-30T22:30:00+00:00", date(2024, 10, 1)),
        ("2024-10-01T10:00:00", date(2024, 10, 1)),
        ("01/10/2024", date(2024, 10, 1)),
        ("1.10.2024", date(2024, 10, 1)),
        ("02 janvier 2026", date(2026, 1, 2)),
        ("02 janvier 2026 10:30", date(2026, 1, 2)),
        ("1er août 2024", date(2024, 8, 1)),
        ("1er AOUT 2024", date(2024, 8, 1)),
        ("01/10/2024 à 10h30", date(2024, 10, 1)),
        ("01/10/2024 au 31/12/2025", None),
        ("1 brumaire 2024", None),
        ("31/02/2024", None),
        ("2024-13-01", None),
        ("0001-01-01T00:00:00+10:00", None),
        ("bientôt", None),
        ("", None),
    ],
)
def test_a_day_is_read_from_any_writing(text: str, expected: date | None) -> None:
    """ISO dates, instants (as day in Paris) and French dates; else None."""
    assert expected == day_of(champ(text))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (champ(4, "4"), 4.0),
        (champ(4.5, "4.5"), 4.5),
        (champ("4"), 4.0),
        (champ(" 4,5 "), 4.5),
        (champ("4/5"), 4.0),
        (champ("-1"), -1.0),
        (champ("très bien"), None),
        (champ("9" * 400), None),
        (champ(None), None),
    ],
)
def test_a_mark_is_read_from_any_type(given: Champ, expected: float | None) -> None:
    """Integers, decimals and texts, without correction."""
    assert expected == number_of(given)


def test_a_rank_is_a_whole_number() -> None:
    assert [2, 2, None, None] == [rank_of(champ(text)) for text in ("2", "2,0", "2,5", "")]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (champ(True, "oui"), True),
        (champ(False, "non"), False),
        (champ("Oui"), True),
        (champ("true"), True),
        (champ("NON"), False),
        (champ("peut-être"), None),
        (champ(None), None),
    ],
)
def test_a_box_is_read_from_any_type(given: Champ, expected: bool | None) -> None:
    """Checkboxes, yes/no champs and texts such as « oui »."""
    assert expected is boolean_of(given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (champ({"code": "75", "name": "Paris"}, "75 - Paris"), ("75", "Paris")),
        (champ({"departmentCode": "33", "departmentName": "Gironde"}, "x"), ("33", "Gironde")),
        (champ({"departmentCode": "33"}, "x"), ("33", None)),
        (champ({"code": "75056", "name": "Paris"}, "Paris (75056)"), (None, "Paris (75056)")),
        (champ({"code": "11", "name": "Île-de-France"}, "Île-de-France"), (None, "Île-de-France")),
        (champ("75 - Paris"), ("75", "Paris")),
        (champ("75 Paris"), ("75", "Paris")),
        (champ("75056 Paris"), (None, "75056 Paris")),
        (champ("2a – Corse-du-Sud"), ("2A", "Corse-du-Sud")),
        (champ("974"), ("974", None)),
        (champ("Paris (75)"), ("75", "Paris")),
        (champ("Paris"), (None, "Paris")),
        (champ(None), (None, None)),
    ],
)
def test_a_departement_is_read_from_any_type(
    given: Champ, expected: tuple[str | None, str | None]
) -> None:
    """A département, an address or a text; without a code the name is kept."""
    assert expected == departement_of(given)
