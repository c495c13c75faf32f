"""Comparison of the mapping with a revision of the form."""

from __future__ import annotations

from typing import Any

from dsync.eig.mapping.config import MappingConfig
from dsync.eig.mapping.form import DriftReport, FieldMatch, MatchStatus, match_descriptors

OWNED = (5102, 5103, 5104)


def report_on(form: Any) -> DriftReport:
    return match_descriptors(form.config, form.revision, known=map(form.id, OWNED))


def match_of(form: Any, field: str) -> FieldMatch:
    return next(match for match in report_on(form).matches if match.field == field)


def test_a_form_that_fits_shows_no_drift(form: Any) -> None:
    """All fields are found by id, without any difference."""
    report = report_on(form)
    assert {MatchStatus.BY_ID} == {match.status for match in report.matches}
    assert [m for m in report.matches if m.renamed_to or m.type_changed] == []
    assert report.new == ()


def test_a_renamed_champ_is_reported_with_its_new_label(form: Any) -> None:
    """A renamed champ is found by id and reported."""
    form.replace(4202, libelle="Nom du service")
    match = match_of(form, "entite")
    assert (match.status, match.renamed_to) == (MatchStatus.BY_ID, "Nom du service")


def test_a_champ_gone_is_missing(form: Any) -> None:
    """A field without a champ is missing."""
    form.remove(4202)
    match = match_of(form, "entite")
    assert (match.status, match.renamed_to, match.type_changed) == (MatchStatus.MISSING, None, None)


def test_a_champ_found_by_label_is_reported(form: Any) -> None:
    """A champ that was found by label is reported."""
    form.replace(4404, id="autre")
    match = match_of(form, "voeux.profil")
    assert (
        match.status,
        match.descriptor and match.descriptor.id,
    ) == (MatchStatus.BY_LABEL, "autre")


def test_another_type_is_reported_with_the_one_expected(form: Any) -> None:
    """Another type is reported with the expected one."""
    form.replace(5311, type="decimal_number")
    match = match_of(form, "evaluations.criteres.probleme_avere")
    assert match.type_changed == ("integer_number", "decimal_number")


def test_columns_of_a_missing_repetition_are_missing(form: Any) -> None:
    """Columns are searched only in their own repetition."""
    form.remove(4403)
    form.add("ailleurs", "Profil")
    assert match_of(form, "voeux.profil").status == MatchStatus.MISSING


def test_what_is_new_in_the_form_is_reported(form: Any) -> None:
    """Layout, annotations of the engine and `autres` are not new."""
    form.add("titre", "Une section", "header_section")
    form.add("lettre", "Lettre de soutien du sponsor", "piece_justificative")
    form.add("nouveau", "Budget", "decimal_number")
    assert [descriptor.id for descriptor in report_on(form).new] == ["nouveau"]


def test_a_target_without_an_id_is_found_by_label(form: Any) -> None:
    """A target may have only labels."""
    config = MappingConfig.model_validate(
        {"champs": {"entite": {"libelles": ["Entité opérationnelle"]}}}
    )
    (match,) = match_descriptors(config, form.revision).matches
    assert (MatchStatus.BY_LABEL, form.id(4202)) == (
        match.status,
        match.descriptor and match.descriptor.id,
    )
