"""`dsync check`: each thing that would stand in a run's way, told with its remedy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from dsync.annotations.targets import AnnotationsConfig
from dsync.care.prerequisites import (
    CheckLine,
    CheckStatus,
    annotation_lines,
    box_line,
    exit_code_of,
    instructeur_line,
    label_lines,
)
from dsync.configuration import read_configuration, shipped_config
from dsync.domain.dossier import Demarche, Descriptor, Instructeur, Revision
from dsync.domain.ids import DemarcheNumber, DescriptorId, RevisionId
from dsync.domain.remedies import expiry_line
from dsync.eig.check_lines import EigFindings, mapping_lines
from dsync.eig.precheck.rules import RuleSet
from dsync.eig.sections import EigSections

CONFIGURATION = read_configuration(shipped_config())
ANNOTATIONS: AnnotationsConfig = CONFIGURATION.annotations
RESULTAT = ANNOTATIONS.resultat.id, ANNOTATIONS.resultat.libelles[0]
TODAY = date(2024, 6, 1)
assert CONFIGURATION.programme is not None
MAPPING = CONFIGURATION.programme.mapping
PAGE = MAPPING.champs.page_produit
assert PAGE is not None


def make_descriptor(
    id_: str | None,
    libelle: str,
    type_: str,
    *,
    options: tuple[str, ...] | None = None,
    is_annotation: bool = True,
) -> Descriptor:
    id_ = DescriptorId(id_ or "")
    return Descriptor(id_, libelle, type_, options=options, is_annotation=is_annotation)


def make_page(**changes: object) -> Descriptor:
    page = make_descriptor(PAGE.id, PAGE.libelles[0], PAGE.type or "text", is_annotation=False)
    return page._replace(**changes)


def make_result(**changes: object) -> Descriptor:
    options = ANNOTATIONS.options.all()
    result = make_descriptor(*RESULTAT, "drop_down_list", options=options)
    return result._replace(**changes)


def make_revision(*descriptors: Descriptor) -> Revision:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    return Revision(RevisionId("revision"), at, {d.id: d for d in descriptors})


def of_page(*descriptors: Descriptor) -> list[CheckLine]:
    lines = mapping_lines(MAPPING, make_revision(*descriptors), known=(), every_champ=False)
    return [line for line in lines if line.message.startswith("page_produit:")]


def of_result(*descriptors: Descriptor, written: Iterable[str] = ()) -> CheckLine:
    lines = annotation_lines(ANNOTATIONS, make_revision(*descriptors), {*written})
    return next(line for line in lines if line.message.startswith("resultat:"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"libelle": "Adresse de la fiche"}, "renamed in the form to « Adresse de la fiche »"),
        ({"type": "textarea"}, "its type is textarea, text was expected"),
        ({"id": DescriptorId("other")}, "found by its label only"),
    ],
)
def test_drift_that_can_still_be_read_is_a_warning(changes: dict[str, object], said: str) -> None:
    """Renamed, of another type, or known by its label: with where to correct it."""
    (line,) = of_page(make_page(**changes))
    assert said in line.message
    assert (line.status, line.exit_code) == (CheckStatus.WARNING, 0)
    assert "[mapping] page_produit" in (line.remedy or "")


def test_an_id_that_has_another_label_in_ds_is_an_error_before_the_first_write() -> None:
    """It is easily that of another annotation; later it was renamed."""
    renamed = make_result(libelle="Avis du jury")
    for written, expected in (
        ((), (CheckStatus.ERROR, 2)),
        ([renamed.id], (CheckStatus.WARNING, 0)),
    ):
        line = of_result(renamed, written=written)
        assert expected == (line.status, line.exit_code)
        assert "is « Avis du jury » in DS, not « Résultat du pré-contrôle »" in line.message


def test_a_needed_champ_that_is_gone_is_an_error() -> None:
    """The checks that rest on it could not be made."""
    (line,) = of_page()
    assert "missing from the form" in line.message
    assert (line.status, line.exit_code) == (CheckStatus.ERROR, 2)


def test_new_champs_are_one_line_without_failing() -> None:
    """It is stored, and feeds nothing until somebody maps it: named where that is asked for."""
    new = [make_descriptor(f"n{i}", f"Question {i}", "text", is_annotation=False) for i in (1, 2)]
    revision = make_revision(make_page(), *new)
    told = [
        [line for line in lines if line.message.startswith("new in the form")]
        for lines in (
            mapping_lines(MAPPING, revision, known=(), every_champ=every) for every in (False, True)
        )
    ]
    assert [0] == [line.exit_code for line in told[0]]
    assert "2 champs" in told[0][0].message
    assert ["« Question 1 »", "« Question 2 »"] == [
        line.message.split(": ")[1].split(";")[0] for line in told[1]
    ]


def test_an_option_that_is_missing_is_named_with_those_on_offer() -> None:
    """DS would refuse each push of that verdict."""
    line = of_result(make_result(options=("Éligible", "Inéligible")))
    assert "« À vérifier »" in line.message
    assert "« Éligible », « Inéligible »" in (line.remedy or "")
    assert line.exit_code == 2


def test_a_missing_annotation_and_one_of_a_wrong_type_are_told_apart() -> None:
    """The remedies differ."""
    missing = of_result()
    assert "no such annotation" in missing.message
    wrong = of_result(make_result(type="integer_number", options=None))
    assert "is a integer_number" in wrong.message
    assert (missing.exit_code, wrong.exit_code) == (2, 2)


def test_labels_are_matched_by_exact_name() -> None:
    """« Éligible » is not « éligible »."""
    there = {name: name for name in ("éligible", "à vérifier", "inéligible")}
    assert [line.status for line in label_lines(ANNOTATIONS, there)] == [CheckStatus.OK]
    (line,) = label_lines(ANNOTATIONS, {"Éligible": "x", "à vérifier": "y", "inéligible": "z"})
    assert "« éligible »" in line.message
    assert line.exit_code == 2


def make_demarche(*instructeurs: tuple[str, str]) -> Demarche:
    return Demarche(
        number=DemarcheNumber(1),
        titre="Appel",
        etat="publiee",
        active_revision_id=RevisionId("revision"),
        revisions={},
        labels={},
        instructeurs=tuple(
            Instructeur(f"id-{email}", email, groupe) for email, groupe in instructeurs
        ),
    )


@pytest.mark.parametrize(
    "wanted", ["a@example.gouv.fr", "A@Example.gouv.fr", "id-a@example.gouv.fr"]
)
def test_an_instructeur_is_known_by_e_mail_or_id(wanted: str) -> None:
    """In every groupe: nothing to do."""
    demarche = make_demarche(("a@example.gouv.fr", "défaut"))
    assert instructeur_line(demarche, wanted).status is CheckStatus.OK


@pytest.mark.parametrize("wanted", [None, "nobody@example.gouv.fr"])
def test_without_an_instructeur_of_the_demarche_pushes_wait(wanted: str | None) -> None:
    """Exit 7, as the run would end."""
    demarche = make_demarche(("a@example.gouv.fr", "défaut"))
    assert instructeur_line(demarche, wanted).exit_code == 7


def test_a_groupe_that_the_instructeur_is_not_in_is_named() -> None:
    """Pushes into its dossiers would be refused; those into the others go through."""
    demarche = make_demarche(("a@example.gouv.fr", "défaut"), ("b@example.gouv.fr", "autre"))
    line = instructeur_line(demarche, "a@example.gouv.fr")
    assert "« autre »" in line.message
    assert (line.status, line.exit_code) == (CheckStatus.WARNING, 0)


@pytest.mark.parametrize(
    ("last_day", "status", "said"),
    [
        (None, CheckStatus.INFO, "not known"),
        (date(2024, 7, 2), CheckStatus.OK, "2024-07-02"),
        (date(2024, 7, 1), CheckStatus.WARNING, "30 days left"),
        (date(2024, 6, 2), CheckStatus.WARNING, "1 day left"),
        (TODAY, CheckStatus.WARNING, "its last day"),
        (date(2024, 5, 31), CheckStatus.WARNING, "expired on"),
    ],
)
def test_the_tokens_last_day_is_warned_of(
    last_day: date | None, status: CheckStatus, said: str
) -> None:
    """From 30 days before; the token still works on its last day."""
    line = expiry_line(last_day, TODAY)
    assert line.status is status
    assert said in line.message


@pytest.mark.parametrize(
    ("codes", "code"), [((), 0), ((0, 0), 0), ((7, 8), 8), ((8, 3), 3), ((3, 5), 5), ((5, 2, 7), 2)]
)
def test_the_exit_code_is_the_first_of_2_5_3_8_7(codes: Iterable[int], code: int) -> None:
    """Whatever order the lines come in."""
    line = CheckLine("x", CheckStatus.OK, "x")
    assert exit_code_of(replace(line, exit_code=c) for c in codes) == code


RULES = RuleSet.load(
    CONFIGURATION.programme.declared_checks,
    shipped_config().parent,
    shipped=shipped_config().parent,
)
UNMAPPED = MAPPING.model_copy(
    update={"champs": MAPPING.champs.model_copy(update={"cas_demande": None})}
)
PUBLISHED = {
    "in time": datetime(2024, 1, 1, tzinfo=UTC),
    "too late": datetime(2026, 1, 1, tzinfo=UTC),
}


@pytest.mark.parametrize("published_at", PUBLISHED.values(), ids=PUBLISHED)
@pytest.mark.parametrize("mapped", [MAPPING, UNMAPPED])
def test_what_is_ko_for_judging_is_what_stops_a_run(mapped, published_at) -> None:
    """One function decides: each error about the form is one of its faults, and the reverse."""
    revision = make_revision(make_page())
    published = replace(revision, date_publication=published_at)
    demarche = replace(make_demarche(), revisions={revision.id: published})
    # Forms need no evidence.
    findings = EigFindings(EigSections(mapping=mapped), RULES, sources=None)  # type: ignore[arg-type]
    lines = findings.form_lines(demarche, revision, known=(), every_champ=False)
    errors = {line for line in lines if line.status is CheckStatus.ERROR}
    faults = findings.form_faults(demarche, revision)
    assert errors == {fault.line for fault in faults}
    assert "probleme" in {fault.field for fault in faults}


BOX = ANNOTATIONS.validation
BOXES = {
    # The id in the file, what was found before, the descriptor in the form, what is said.
    "found": (BOX, (), "checkbox", "ok", "« Validé »"),
    "none": (None, (), "checkbox", "ok", "none is configured"),
    "out of the file": (None, (BOX.id,), "checkbox", "error", "is gone from the file"),
    "out of the form": (BOX, (BOX.id,), None, "error", "no such annotation"),
    "retyped": (BOX, (BOX.id,), "text", "error", "is a text"),
    "another one": (BOX, ("former",), "checkbox", "error", "another box than before"),
}


@pytest.mark.parametrize(("target", "known", "type_", "status", "said"), BOXES.values(), ids=BOXES)
def test_a_validation_box_that_was_once_there_is_asked_for(
    target, known, type_, status, said
) -> None:
    """It is KO for writing: a run writes into no dossier that may be validated."""
    config = ANNOTATIONS.model_copy(update={"validation": target})
    box = make_descriptor(BOX.id, "Validé", type_ or "")
    former = [make_descriptor("former", "Vu", "checkbox")] if "former" in known else []
    revision = make_revision(*([box] if type_ else []), *former)
    line = box_line(config, known, False, revision, [revision])
    assert (status, 2 if status == "error" else 0) == (line.status.value, line.exit_code)
    assert said in line.message
    if status == "error":
        assert "warning" == box_line(config, known, True, revision, [revision]).status.value
