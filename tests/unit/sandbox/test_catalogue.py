"""The invented catalogue of beta.gouv.fr and its redirects."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dsync.sandbox.content.products import (
    AMBIGUOUS_ALIAS,
    CHAINED_ALIAS,
    PAST_PHASES,
    Version,
    redirects,
    startups,
    without_accents,
)
from tests.conftest import shared


def phase_names(document: dict[str, Any]) -> set[str]:
    return {
        phase["name"].lower()
        for startup in document["data"]
        for phase in startup["attributes"]["phases"]
    }


def test_ids_are_unique_and_of_every_spelling() -> None:
    """Some have dots, underscores, apostrophes, capitals or accents; two differ only by case."""
    ids = [startup["id"] for startup in startups(7)["data"]]
    assert len(set(ids)) == len(ids)
    for character in "._'-é":
        assert any(character in id_ for id_ in ids)
    folded = [without_accents(id_).lower() for id_ in ids]
    assert [id_ for id_ in set(folded) if folded.count(id_) > 1] == ["produit.double"]


def test_histories_are_as_odd_as_real_ones() -> None:
    """Both vocabularies, the newer one alone since May 2026; no phase, later ones, few ends."""
    assert set(PAST_PHASES) <= phase_names(startups(7))
    assert not {"success", "transfer", "alumni"} & phase_names(startups(7, "v2.7"))
    histories = [startup["attributes"]["phases"] for startup in startups(7)["data"]]
    assert [] in histories
    assert any(history and history[0]["start"] > "2025" for history in histories)
    ends = [phase["end"] for history in histories for phase in history]
    assert ends.count("") > len(ends) / 2
    assert any(ends)


@pytest.mark.parametrize(
    ("version", "prefix"), [("v2.6", "/incubateurs/"), ("v2.7", "")], ids=["v2.6", "v2.7"]
)
def test_incubators_are_included_by_the_ids_of_the_version(version: Version, prefix: str) -> None:
    """The older version names an included incubator by its path, the relationship by its id."""
    document = startups(7, version)
    included = {incubator["id"] for incubator in document["included"]}
    related = {s["relationships"]["incubator"]["data"]["id"] for s in document["data"]}
    assert {prefix + id_ for id_ in related} == included


def test_a_former_id_can_lead_to_two_products_or_by_another_one() -> None:
    """With and without `.html` to different pages; over a second former id to a page."""
    pages = redirects(7)
    assert pages[f"/startups/{AMBIGUOUS_ALIAS}"] != pages[f"/startups/{AMBIGUOUS_ALIAS}.html"]
    next_path = pages[f"/startups/{CHAINED_ALIAS}"].removeprefix("https://beta.gouv.fr")
    ids = {startup["id"] for startup in startups(7)["data"]}
    assert pages[next_path].removeprefix("https://beta.gouv.fr/startups/")[:-5] in ids


def keys_of(document: dict[str, Any]) -> dict[str, set[str]]:
    startup, incubator = document["data"], document["included"]
    return {
        "document": set(document),
        "startup": {key for entry in startup for key in entry},
        "attributes": {key for entry in startup for key in entry["attributes"]},
        "relationships": {key for entry in startup for key in entry["relationships"]},
        "incubator": {key for entry in incubator for key in entry["attributes"]},
    }


@pytest.mark.parametrize("version", ["v2.6", "v2.7"])
def test_the_catalogue_has_the_shape_of_the_real_one(version: Version) -> None:
    """All keys of the document, the products and the incubators exist on beta.gouv.fr."""
    real = keys_of(json.loads(shared(f"eig/betagouv_{version}_sample.json")))
    ours = keys_of(startups(7, version))
    assert [] == [(part, keys - real[part]) for part, keys in ours.items() if keys - real[part]]
