"""The mapping held against a revision of the form, for `dsync check`."""

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
    """All by id, none renamed, none of another type, nothing new."""
    report = report_on(form)
    assert {MatchStatus.BY_ID} == {match.status for match in report.matches}
    assert [m for m in report.matches if m.renamed_to or m.type_changed] == []
    assert report.new == ()


def test_a_renamed_champ_is_told_with_its_new_label(form: Any) -> None:
    """The id still finds it."""
    form.replace(4202, libelle="Nom du service")
    match = match_of(form, "entite")
    assert (match.status, match.renamed_to) == (MatchStatus.BY_ID, "Nom du service")


def test_a_champ_gone_is_missing(form: Any) -> None:
    """Neither its id nor its label is in the form."""
    form.remove(4202)
    match = match_of(form, "entite")
    assert (match.status, match.renamed_to, match.type_changed) == (MatchStatus.MISSING, None, None)


def test_a_champ_found_by_label_is_told(form: Any) -> None:
    """The configuration should get its id."""
    form.replace(4404, id="autre")
    match = match_of(form, "voeux.profil")
    assert (
        match.status,
        match.descriptor and match.descriptor.id,
    ) == (MatchStatus.BY_LABEL, "autre")


def test_another_type_is_told_with_the_one_expected(form: Any) -> None:
    """The value is read all the same."""
    form.replace(5311, type="decimal_number")
    match = match_of(form, "evaluations.criteres.probleme_avere")
    assert match.type_changed == ("integer_number", "decimal_number")


def test_columns_of_a_missing_repetition_are_missing(form: Any) -> None:
    """A column is looked for in its own repetition only."""
    form.remove(4403)
    form.add("ailleurs", "Profil")
    assert match_of(form, "voeux.profil").status == MatchStatus.MISSING


def test_what_is_new_in_the_form_is_told(form: Any) -> None:
    """Neither layout, nor what others use, nor what the file knows to feed no field."""
    form.add("titre", "Une section", "header_section")
    form.add("lettre", "Lettre de soutien du sponsor", "piece_justificative")
    form.add("nouveau", "Budget", "decimal_number")
    assert [descriptor.id for descriptor in report_on(form).new] == ["nouveau"]


def test_a_target_without_an_id_is_found_by_label(form: Any) -> None:
    """The real form's ids may not be known yet."""
    config = MappingConfig.model_validate(
        {"champs": {"entite": {"libelles": ["Entité opérationnelle"]}}}
    )
    (match,) = match_descriptors(config, form.revision).matches
    assert (MatchStatus.BY_LABEL, form.id(4202)) == (
        match.status,
        match.descriptor and match.descriptor.id,
    )
