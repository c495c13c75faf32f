"""The sandbox's forms, compared with the real form and schema if these are available."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import Any

import pytest

from dsync.sandbox.content import EQUIPMENT_FORM, EVERY_TYPE_FORM
from dsync.sandbox.content.aap_eig7 import FORM, PROFIL_IMPACT
from tests.conftest import shared


def essentials(descriptor: dict[str, Any]) -> tuple[Any, ...]:
    return (
        descriptor["stable_id"],
        descriptor["type"],
        descriptor["label"],
        bool(descriptor.get("required")),
        list(descriptor.get("options") or []),
        bool(descriptor.get("other_option")),
        [essentials(champ) for champ in descriptor.get("champs") or []],
    )


@pytest.mark.parametrize("part", ["champs", "annotations"])
def test_the_first_revision_is_the_known_form(part: str) -> None:
    """Ids, types, labels and options are those of the démarche."""
    facts = json.loads(shared("ds/aap-eig7.form.json"))[part]
    ours = getattr(FORM.revisions[0], part)
    assert [essentials(fact) for fact in facts] == [
        essentials(asdict(descriptor)) for descriptor in ours
    ]


def test_the_second_revision_adds_one_profile() -> None:
    first, second = (str(revision.champs) for revision in FORM.revisions)
    assert second.replace(f", '{PROFIL_IMPACT}'", "") == first
    assert PROFIL_IMPACT in second


def test_the_second_form_has_every_type_of_champ() -> None:
    body = re.search(r"^enum TypeDeChamp \{(.*?)^\}", shared("ds/schema.graphql"), re.M | re.S)
    assert body
    known = set(re.findall(r"^  ([a-z_]+)$", body[1], re.M))
    zoo = {descriptor.type for descriptor in EVERY_TYPE_FORM.revisions[0].champs}
    assert zoo == known


def test_stable_ids_are_unique() -> None:
    """No two descriptors of a revision have the same id, cells of repetitions included."""
    for form in (FORM, EVERY_TYPE_FORM, EQUIPMENT_FORM):
        for revision in form.revisions:
            ids = [
                found.stable_id
                for descriptor in (*revision.champs, *revision.annotations)
                for found in (descriptor, *descriptor.champs)
            ]
            assert len(set(ids)) == len(ids)
