"""Validation of the section `[mapping]`."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from dsync.eig.candidature import Candidature, declared_fields
from dsync.eig.sections import ANNOTATIONS, CHAMPS, RESERVED, MappingConfig


def problems(section: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        MappingConfig.model_validate(section)
    return [
        f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in caught.value.errors()
    ]


def test_every_problem_is_reported_with_its_key() -> None:
    found = problems(
        {
            "champs": {"page_prodiut": {"ids": "a"}, "entite": {"id": 3}, "probleme": {}},
            "annotations": {"jury": {"id": "a"}},
            "voeux": {"id": "b", "profil": {"id": " "}},
            "evaluations": {"id": "c", "criteres": [{"id": "d", "critere": "Problème"}]},
        }
    )
    keys = [problem.partition(":")[0] for problem in found]
    assert sorted(keys) == [
        "annotations.jury",
        "champs.entite.id",
        "champs.page_prodiut.ids",
        "champs.probleme",
        "evaluations.criteres.0.critere",
        "voeux.profil.id",
    ]


def test_an_extra_champ_resembles_only_a_field_without_a_champ() -> None:
    """A name near that of a field which has its champ is no misspelling."""
    extra = {"page_prodiut": {"id": "a"}, "budget": {"id": "b"}}
    alone = MappingConfig.model_validate({"champs": extra})
    assert {"page_prodiut": "page_produit"} == alone.misspelt()
    both = MappingConfig.model_validate({"champs": {**extra, "page_produit": {"id": "c"}}})
    assert {} == both.misspelt()


def test_an_id_or_a_criterion_given_twice_is_reported_with_both_places() -> None:
    (problem,) = problems(
        {
            "champs": {"entite": {"id": "a"}},
            "annotations": {"etape": {"id": "a"}},
            "voeux": {"id": "b", "profil": {"id": "c"}},
            "autres": [{"id": "c"}],
        }
    )
    assert "id 'a' is given to champs.entite, annotations.etape" in problem
    assert "id 'c' is given to voeux.profil, autres[0]" in problem
    criteres = [{"id": "d", "critere": "x"}, {"id": "e", "critere": "x"}]
    (problem,) = problems({"evaluations": {"id": "c", "criteres": criteres}})
    assert "critere 'x' is given to evaluations.criteres.x, evaluations.criteres.x" in problem


def test_each_field_of_the_candidature_has_its_key() -> None:
    """The section's keys are declared apart from the candidature, and are those of its fields."""
    filled = {field.target or name for name, field in declared_fields()}
    assert {*CHAMPS, *ANNOTATIONS} == filled
    assert {*Candidature.model_fields} - {*CHAMPS} == RESERVED
