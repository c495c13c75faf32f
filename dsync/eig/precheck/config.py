"""The `[regles]` section: everything in the rules that the programme may change.

These are plain dataclasses, which pydantic checks where settings are read: the process that only
judges does without it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, MinLen

CheckName = Literal[
    "depot",
    "administration",
    "fiche_produit",
    "phase",
    "profils",
    "cas_octroi",
    "completude",
    "doublon",
]
Severity = Literal["a_verifier", "non_conforme"]
OverrideAnswer = Literal["administration_centrale", "operateur", "a_verifier", "non_conforme"]
Text = Annotated[str, MinLen(1)]


class _Section:
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}


@dataclass(frozen=True)
class WindowConfig(_Section):
    """The call's first and last day, both included."""

    start: date
    end: date


@dataclass(frozen=True)
class ProfilConfig(_Section):
    """A profile on offer."""

    id: Text
    labels: tuple[Text, ...]
    """The form's options that mean it."""
    words: tuple[Text, ...] = ()
    """Words that only this profile's label holds, for options worded otherwise."""
    offered_from: date | None = None
    offered_until: date | None = None


@dataclass(frozen=True)
class PhasesConfig(_Section):
    """The catalogue's words for phases, and the form's."""

    eligible: tuple[Text, ...]
    other: tuple[Text, ...]
    """Every other word of both vocabularies; a word in neither list is « à vérifier »."""
    declared: dict[Text, tuple[Text, ...]] = field(default_factory=dict)
    """The form's options that are worded otherwise than the catalogue's phases."""
    late_reading_days: Annotated[int, Ge(0)] = 14
    """A catalogue first read more days than this after the deposit proves no phase that is not
    admitted, where an admitted one is declared: it rewrites its history."""
    noms: dict[Text, Text] = field(default_factory=dict)
    """The catalogue's words that read otherwise in French."""


@dataclass(frozen=True)
class CasConfig(_Section):
    """A case in which EIG are granted, and what the catalogue has to show for it."""

    id: Text
    labels: tuple[Text, ...]
    words: tuple[Text, ...] = ()
    needs_phase: Text | None = None
    needs: tuple[Literal["stats_url", "repository"], ...] = ()


@dataclass(frozen=True)
class OverrideConfig(_Section):
    """An answer on one applicant that somebody gave for good."""

    siren: Text
    answer: OverrideAnswer
    reason: Text


@dataclass(frozen=True)
class RulesConfig(_Section):
    """The eligibility rules of one call."""

    window: WindowConfig
    severity: dict[CheckName, Severity]
    """The most severe outcome that each check may give."""
    profils: tuple[ProfilConfig, ...]
    phases: PhasesConfig
    cas: tuple[CasConfig, ...]
    operateurs: tuple[Text, ...]
    """Files with the lists of opérateurs de l'État, one a year, beside the configuration."""
    categories_juridiques: Text
    overrides: tuple[OverrideConfig, ...] = ()
    timezone: Text = "Europe/Paris"
    """Of the window's days and of the reference date."""
    instruction: Text = "équipe du programme EIG (DINUM)"
    """Who decides on the dossiers, for the first line of the text."""
    max_profils: Annotated[int, Ge(1)] = 2
    max_detail_length: Annotated[int, Ge(400)] = 1500
