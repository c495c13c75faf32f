"""What has words for the members of an enum has them for all."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from enum import Enum
from importlib import import_module

import dsync
from dsync.cli import config, output
from dsync.console import words
from dsync.domain.dossier import Etat
from dsync.domain.remedies import CheckStatus
from dsync.domain.verdict import Resultat, Verdict
from dsync.store.codes import Status
from dsync.store.listing import RETAINED
from dsync.sync.handing_over import Choice

PARTIAL = {
    "dsync.controles.checking._HOW": "rows are checked before, each by its columns",
    "dsync.controles.facts._VALUES": "rows are read by their columns",
    "dsync.ds.classify._ERRORS": "those of the token are in `_REASONS`",
    "dsync.ds.classify._REASONS": "the faults that are of the token",
    "dsync.eig.check_lines.QUESTIONS": "the other checks ask for no one champ",
    "dsync.eig.mapped_form.DATED": "the stages that a date of the form gives",
    "dsync.eig.precheck.checks.fiche_produit._MOYENS": "the links that are sure",
    "dsync.eig.precheck.checks.fiche_produit._SENTENCES": "without a catalogue nothing is said",
    "dsync.store.verification._UNDER_PEOPLE": "one has another name beside a person's check",
    "dsync.sync.writes.REMEDIES": "of other refusals, the reason that DS gives says what to do",
    "dsync.sync.writes._STATUSES": "what is written gets its status from the answer",
}
"""Which mappings have some members on purpose, and why; add a reason, or the words."""

WORDS: tuple[tuple[type[Enum], Mapping[str, object]], ...] = (
    (CheckStatus, config.MARKS),
    (Choice, words.CHOIX),
    (Etat, RETAINED),
    (Resultat, words.COLOURS),
    (Status, words.COLOURS),
    (Verdict, output.STYLES),
)
"""Mappings by the value of a member, as the database and documents have it."""


def by_member() -> Iterator[tuple[str, type[Enum], Mapping[object, object]]]:
    """Yield each constant of dsync that maps members of an enum: its name, the enum, itself."""
    seen = set()
    for module in pkgutil.walk_packages(dsync.__path__, "dsync."):
        if ".migrations" in module.name or module.name.endswith("__main__"):
            continue
        for name, value in vars(import_module(module.name)).items():
            if not isinstance(value, Mapping) or id(value) in seen:
                continue
            seen.add(id(value))
            for of in {type(key) for key in value if isinstance(key, Enum)}:
                yield f"{module.name}.{name}", of, value


def test_each_mapping_of_an_enums_members_has_all() -> None:
    """A new member that some surface has no words for is found here, and not by who reads it."""
    lacking = {
        name: sorted(one.name for one in set(of) - found.keys())
        for name, of, found in by_member()
        if set(of) - found.keys()
    }
    assert PARTIAL.keys() == lacking.keys(), lacking


def test_each_stored_code_has_words() -> None:
    """Also where words are looked up by the code as stored."""
    lacking = [(one, [*found]) for of, found in WORDS for one in of if one.value not in found]
    assert [] == lacking
