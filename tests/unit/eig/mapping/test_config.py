"""The section `[mapping]`: what is wrong is told with its key, and what it knows."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from dsync.eig.mapping.config import MappingConfig


def problems(section: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        MappingConfig.model_validate(section)
    return [
        f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in caught.value.errors()
    ]


def test_every_problem_is_reported_with_its_key() -> None:
    """All at once, not the first one."""
    found = problems(
        {
            "champs": {"page_prodiut": {"id": "a"}, "entite": {"id": 3}, "probleme": {}},
            "voeux": {"id": "b", "profil": {"id": " "}},
            "evaluations": {"id": "c", "criteres": [{"id": "d", "critere": "Problème"}]},
        }
    )
    keys = [problem.partition(":")[0] for problem in found]
    assert sorted(keys) == [
        "champs.entite.id",
        "champs.page_prodiut",
        "champs.probleme",
        "evaluations.criteres.0.critere",
        "voeux.profil.id",
    ]


def test_an_id_given_twice_is_told_with_both_places() -> None:
    """One champ feeds one field."""
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


def test_a_criterion_named_twice_is_told() -> None:
    """Their names are keys in the views."""
    criteres = [{"id": "d", "critere": "x"}, {"id": "e", "critere": "x"}]
    (problem,) = problems({"evaluations": {"id": "c", "criteres": criteres}})
    assert "critere 'x' is given to evaluations.criteres.x, evaluations.criteres.x" in problem


def test_the_needed_fields_come_with_their_french_labels(config: MappingConfig) -> None:
    """They are the mandatory champs of the six sections."""
    needed = dict(config.needed())
    assert needed["page_produit"] == "Page produit sur beta.gouv.fr"
    assert needed["voeux"] == "Profils souhaités"
    assert not {"perspectives", "sponsor_telephone", "contact_fonction", "etape"} & set(needed)


def test_a_field_without_a_label_is_called_by_its_name() -> None:
    """A file may give ids alone."""
    config = MappingConfig.model_validate({"champs": {"entite": {"id": "a", "needed": True}}})
    assert config.needed() == (("entite", "entite"),)
    assert config.libelle("etape") == "etape"


def test_columns_of_an_unmapped_repetition_are_none() -> None:
    """A form may have no grids."""
    assert list(MappingConfig().columns("evaluations")) == []
