"""The section `[regles]`: what the programme may change in the rules.

Plain dataclasses, which pydantic validates when the settings are read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import Annotated, ClassVar, Literal, get_args

from annotated_types import Ge, MinLen

from dsync.domain.toml import Filled, Marked, WholeNumber
from dsync.eig.precheck.check import Check

FunctionName = Literal[Check.ADMINISTRATION, Check.FICHE_PRODUIT, Check.PHASE, Check.CAS_OCTROI]
FUNCTIONS: tuple[Check, ...] = get_args(FunctionName)
"""The checks that are written in Python."""
Severity = Literal["a_verifier", "non_conforme", "off"]
Text = Annotated[str, MinLen(1), Marked]
Written = Annotated[str, MinLen(1), Filled]
"""What people read in the details."""
PAGE_NEEDS = ("stats_url", "repository")
CATEGORIES = "categories_juridiques.csv"
"""The file with the legal categories: beside the configuration, or else the shipped one."""
PHASES = {
    "investigation": "investigation",
    "construction": "construction",
    "acceleration": "accélération",
    "success": "pérennisé",
    "transfer": "transfert",
    "alumni": "partenariat avec beta.gouv.fr terminé",
    "opere": "opéré au sein du réseau beta.gouv.fr",
    "consolidation": "consolidation",
    "transfere": "transféré",
    "abandon": "service arrêté",
    "abandon-investigation": "investigation non concluante",
}
"""Phases of the catalogue, before and since 2026-05, with their French names on beta.gouv.fr (its
content/_phases). One that is neither here nor admitted by the call is reported as unknown."""


class _RulesPart:
    # Pydantic's own key: a misspelt key of the section is an error, and not ignored.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}


@dataclass(frozen=True)
class PhasesConfig(_RulesPart):
    """The names of phases in the catalogue and in the form."""

    eligible: tuple[Text, ...] = ()
    """Phases in which a product is eligible."""
    declared: dict[Text, tuple[Text, ...]] = field(default_factory=dict)
    """Phases of the catalogue, by an option of the form that has another wording."""
    # Measured on the catalogue's history: of the products in an admitted phase at a deposit, 4 %
    # are read as past two weeks later, 6 % after three months, 14 % after a year.
    late_reading_days: ClassVar[int] = 3
    """Maximum number of days from the deposit to the first reading of the catalogue.

    The catalogue's history is rewritten at times. After this delay, neither an unknown page nor an
    ineligible phase counts against an applicant who did not declare such a phase.
    """


@dataclass(frozen=True)
class CasConfig(_RulesPart):
    """A case in which EIG are granted, and what the catalogue must show."""

    labels: tuple[Text, ...] = ()
    """The options of the form for it."""
    words: tuple[Text, ...] = ()
    """Words that identify it in an option with another wording; the first one is its name in the
    evidence of verdicts."""

    needs: tuple[Text, ...] = ()
    """What the product's page must show: `stats_url`, `repository`, or the phase in which the
    product must be."""

    @property
    def id(self) -> str:
        """Its name in the evidence."""
        return next(chain(self.words, self.labels), "")

    @property
    def name(self) -> str:
        """Its name in texts."""
        return next(chain(self.labels, self.words), "")

    @property
    def needs_phase(self) -> str | None:
        """The phase in which the product must be."""
        return next((one for one in self.needs if one not in PAGE_NEEDS), None)


@dataclass(frozen=True)
class RulesConfig(_RulesPart):
    """The eligibility rules of one call; what only a check needs that is off may be left out."""

    severity: dict[FunctionName, Severity] = field(default_factory=dict)
    """The most severe result that each check in Python may give; `off`: it is not made.

    Without it nothing is judged, and what is missing here may be missing still."""
    phases: PhasesConfig = field(default_factory=PhasesConfig)
    cas: tuple[CasConfig, ...] = ()
    incubateurs: dict[Text, tuple[Text, ...]] = field(default_factory=dict)
    """Ids of the catalogue's incubators, by an option of the form that is neither id nor title."""
    operateurs: tuple[Text, ...] = ()
    """Files with the lists of opérateurs de l'État, one for each year, beside the configuration."""
    timezone: ClassVar[str] = "Europe/Paris"
    """Of the days of the window and of the deposit."""
    instruction: Written = "l’équipe du programme EIG (DINUM)"
    """Who decides on the dossiers, with the article: the subject of « instruit le dossier »."""
    publication_url: Written | None = None
    """Address at which the rules are published; the last line of the detail."""
    answer_days: Annotated[WholeNumber, Ge(1)] | None = None
    """Days that an applicant has to answer, for the text of `dsync dossier message`."""
    max_detail_length: ClassVar[int] = 2000
    """Maximum number of characters of the text in the annotation."""
