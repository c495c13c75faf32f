"""The invented dossiers: reproducible, plausible, and with all cases of the rules."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from dsync.sandbox.content import (
    dossiers,
)
from dsync.sandbox.content.applicants import CATEGORIES, NASTY_TEXTS, OPERATEURS, check_digit
from dsync.sandbox.content.applications import CASES, case_of
from dsync.sandbox.model import ServedDossier
from tests.conftest import Golden, shared

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@cache
def many() -> list[ServedDossier]:
    return dossiers(7, 400, now=NOW)


def digests(seeds: list[ServedDossier]) -> dict[str, str]:
    """Return a digest of each champ's, each annotation's and each other fact's values."""
    facts: dict[str, list[Any]] = {}
    for rank, seed in enumerate(seeds):
        for name in ServedDossier.__dataclass_fields__:
            value = getattr(seed, name)
            values = value if name in ("champs", "annotations") else {"": value}
            for key, one in values.items():
                facts.setdefault(f"{name} {key}".rstrip(), []).append((rank, one))
    return {
        name: hashlib.sha256(repr(values).encode()).hexdigest()[:16]
        for name, values in sorted(facts.items())
    }


def every_text(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in every_text(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in every_text(item)]
    return []


def test_the_first_dossiers_are_the_same_everywhere(golden: Golden) -> None:
    """The content of a seed changes only together with these digests.

    A new champ is a line more: if another line changes, it took a draw that others depend on.
    """
    found = digests(dossiers(7, 50, now=NOW))
    golden.check("first-dossiers.txt", "".join(f"{name}: {one}\n" for name, one in found.items()))


def test_a_smaller_sandbox_is_the_beginning_of_a_larger_one() -> None:
    assert dossiers(7, 30, now=NOW) == many()[:30]


def test_dossiers_share_no_mutable_object() -> None:
    first = dossiers(7, 1, now=NOW)[0]
    first.annotations[5302].append({5303: "Dossier"})
    first.demandeur["entreprise"]["etat_administratif"] = "Ferme"
    assert dossiers(7, 1, now=NOW)[0] == many()[0]


def test_every_kind_of_content_is_among_four_hundred() -> None:
    """Cases of the rules, ends of the call, applicants, odd texts, files, what was left out."""
    assert {case.name for case in CASES} <= {case_of(7, rank)[0].name for rank in range(400)}
    ends = ("2023-12-31T22:59:59", "2023-12-31T23:00:00", "2024-12-31T22:59:59")
    assert {*ends} <= {seed.depose_at.replace(tzinfo=None).isoformat() for seed in many()}
    assert {"morale", "morale_incomplete", "physique"} == {s.demandeur["kind"] for s in many()}
    morales = [seed.demandeur for seed in many() if seed.demandeur["kind"] == "morale"]
    entreprises = [demandeur["entreprise"] for demandeur in morales]
    assert None in entreprises
    assert {"Actif", "Ferme"} == {one["etat_administratif"] for one in entreprises if one}
    assert None in {one["forme_juridique_code"] for one in entreprises if one}
    texts = [text for seed in many() for text in every_text([seed.champs, seed.annotations])]
    assert {*NASTY_TEXTS} <= {*texts}
    assert max(len(text.encode()) for text in texts) >= 100_000
    assert not any("\x00" in text for text in texts)
    files = [file for seed in many() for file in seed.champs.get(4605, [])]
    assert {"safe", "pending", "infected"} == {file.virus_scan for file in files}
    for stable_id in (4305, 4307, 4309, 4604, 4605):
        assert {True, False} == {stable_id in seed.champs for seed in many()}
    # DS's empty row, alone and beside wishes.
    empty = [rows for seed in many() if {} in (rows := seed.champs[4403])]
    assert {True, False} == {len(rows) > 1 for rows in empty}


def test_what_people_look_at_reads_as_applications_do() -> None:
    """Without the texts that try a program, all else is the same."""
    plain = dossiers(7, 400, now=NOW, hostile=False)
    texts = {text for seed in plain for text in every_text([seed.champs, seed.annotations])}
    assert set() == texts & {*NASTY_TEXTS}
    assert [one.why for one in plain] == [one.why for one in many()]


def test_verdicts_are_mixed() -> None:
    """About 45 % are eligible, 35 % to be verified; the first twelve show each of them thrice."""
    shares, first = (
        Counter(seed.why.split(" : ")[0] for seed in some) for some in (many(), many()[:12])
    )
    assert 160 <= shares["Éligible"] <= 200
    assert 120 <= shares["À vérifier"] <= 160
    assert 65 <= shares["Inéligible"] <= 95
    assert (3, True) == (len(first), min(first.values()) >= 3)


@pytest.mark.parametrize("now", [NOW, datetime(2024, 5, 2, tzinfo=UTC)])
def test_dates_are_in_order_and_not_in_the_future(now: datetime) -> None:
    """The deposit comes first, and no change is after the sandbox's present."""
    for seed in dossiers(7, 200, now=now):
        moments = [seed.depose_at, seed.en_instruction_at, seed.traite_at, seed.updated_at, now]
        known = [moment for moment in moments if moment is not None]
        assert known == sorted(known), seed.number
        assert (seed.en_instruction_at is None) == (seed.state == "en_construction")
        assert (seed.traite_at is None) == seed.state.startswith("en_")


def test_each_dossier_has_the_grids_that_ds_creates() -> None:
    """DS's empty row is alone or before the filled ones."""
    assert all(seed.annotations[5302] for seed in many())
    assert all(seed.annotations[5302] == [{}] for seed in many() if not seed.en_instruction_at)
    filled = [row for seed in many() for row in seed.annotations[5302] if row]
    assert {row[5303] for row in filled} == {"Dossier", "Soutenance"}


def test_numbers_of_organisations_pass_the_checksum() -> None:
    """Every SIREN and SIRET has a valid check digit."""
    for seed in many():
        siret = seed.demandeur.get("siret")
        if siret:
            assert check_digit(siret[:-1]) == siret[-1]
            assert check_digit(siret[:8]) == siret[8]


def test_operateurs_are_of_the_states_list() -> None:
    """The real opérateurs are in the public list, and no other applicant is."""
    listed = {
        row["siren"] for row in csv.DictReader(shared("eig/operateurs_etat.csv").splitlines())
    }
    ours = {siren for siren, _, _ in OPERATEURS}
    assert ours <= listed
    sirens = {s.demandeur["siret"][:9] for s in many() if "siret" in s.demandeur}
    assert (sirens - ours) & listed == set()


def test_legal_categories_have_their_official_names() -> None:
    official = json.loads(shared("eig/categories_juridiques.json"))["codes"]
    known = {code: name for code, name in CATEGORIES.items() if code in official}
    assert known == {code: official[code] for code in known}


def test_e_mail_addresses_are_examples() -> None:
    """Every address is in the domain reserved for examples."""
    addresses = [
        text
        for seed in many()
        for text in every_text([seed.champs, seed.annotations, seed.demandeur, seed.usager_email])
        if "@" in text and text not in NASTY_TEXTS
    ]
    assert addresses
    assert all(address.endswith("@example.gouv.fr") for address in addresses)
