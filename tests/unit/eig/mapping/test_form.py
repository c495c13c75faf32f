"""Comparison of the mapping with a revision of the form."""

from __future__ import annotations

from typing import Any

from dsync.eig.mapped_form import FieldMatch, match_fields, new_in
from dsync.eig.sections import MappingConfig

OWNED = (5102, 5103, 5104)


def match_of(form: Any, field: str) -> FieldMatch:
    matches = match_fields(form.config, form.descriptors)
    return next(match for match in matches if match.field == field)


def test_a_champ_found_by_label_is_reported(form: Any) -> None:
    form.replace(4404, id="autre")
    match = match_of(form, "voeux.profil")
    assert (match.is_by_id, match.descriptor and match.descriptor.id) == (False, "autre")


def test_columns_of_a_missing_repetition_are_missing(form: Any) -> None:
    form.remove(4403)
    form.add("ailleurs", "Profil")
    assert match_of(form, "voeux.profil").descriptor is None


def test_what_is_new_in_the_form_is_reported(form: Any) -> None:
    """Layout, annotations of the engine and `autres` are not new."""
    form.add("titre", "Une section", "header_section")
    form.add("lettre", "Lettre de soutien du sponsor", "piece_justificative")
    form.add("nouveau", "Budget", "decimal_number")
    matches = match_fields(form.config, form.descriptors)
    new = new_in(form.config, form.revision, matches, known=map(form.id, OWNED))
    assert [descriptor.id for descriptor in new] == ["nouveau"]


def test_a_target_without_an_id_is_found_by_label(form: Any) -> None:
    config = MappingConfig.model_validate(
        {"champs": {"entite": {"libelles": ["Entité opérationnelle"]}}}
    )
    (match,) = match_fields(config, form.descriptors)
    assert (False, form.id(4202)) == (match.is_by_id, match.descriptor and match.descriptor.id)
