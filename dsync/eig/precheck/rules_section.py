"""The section `[regles]`: what the programme may change in the rules.

Plain dataclasses, which pydantic validates when the settings are read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, MinLen

from dsync.domain.toml_values import Boolean, Day, Filled, Marked, WholeNumber
from dsync.eig.precheck.check import Check

Severity = Literal["a_verifier", "non_conforme", "off"]
Text = Annotated[str, MinLen(1), Marked]
Written = Annotated[str, MinLen(1), Filled]
"""What people read in the details."""


class _RulesPart:
    # Pydantic's own key: a misspelt key of the section is an error, and not ignored.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}


@dataclass(frozen=True)
class WindowConfig(_RulesPart):
    """The first and last day of the call, inclusive."""

    start: Day
    """First day."""
    end: Day
    """Last day."""


@dataclass(frozen=True)
class ProfilConfig(_RulesPart):
    """A profile on offer."""

    id: Text
    """Its name in the configuration."""
    labels: tuple[Text, ...]
    """The options of the form for it."""
    words: tuple[Text, ...] = ()
    """Words that identify this profile in an option with another wording."""
    offered_from: Day | None = None
    """First day of deposit on which it may be asked for."""
    offered_until: Day | None = None
    """Last day of deposit on which it may be asked for."""

    def is_offered(self, day: date) -> bool:
        """Return whether it may be asked for in a dossier deposited on a day."""
        start, end = self.offered_from or day, self.offered_until or day
        return start <= day <= end


@dataclass(frozen=True)
class PhasesConfig(_RulesPart):
    """The names of phases in the catalogue and in the form."""

    eligible: tuple[Text, ...] = ()
    """Phases in which a product is eligible."""
    other: tuple[Text, ...] = ()
    """All other known phases; a phase in neither list is reported as unknown."""
    declared: dict[Text, tuple[Text, ...]] = field(default_factory=dict)
    """Phases of the catalogue, by an option of the form that has another wording."""
    # Measured on the catalogue's history: of the products in an admitted phase at a deposit, 4 %
    # are read as past two weeks later, 6 % after three months, 14 % after a year.
    late_reading_days: ClassVar[int] = 3
    """Maximum number of days from the deposit to the first reading of the catalogue.

    The catalogue's history is rewritten at times. After this delay, neither an unknown page nor an
    ineligible phase counts against an applicant who did not declare such a phase.
    """
    noms: dict[Text, Text] = field(default_factory=dict)
    """French names of phases, by the catalogue's name; only where they differ."""


@dataclass(frozen=True)
class CasConfig(_RulesPart):
    """A case in which EIG are granted, and what the catalogue must show."""

    id: Text
    """Its name in the configuration."""
    labels: tuple[Text, ...]
    """The options of the form for it."""
    words: tuple[Text, ...] = ()
    """Words that identify this case in an option with another wording."""
    needs_phase: Text | None = None
    """The phase in which the product must be."""
    needs: tuple[Literal["stats_url", "repository"], ...] = ()
    """What the product's page must show."""


@dataclass(frozen=True)
class RulesConfig(_RulesPart):
    """The eligibility rules of one call; what only a check needs that is off may be left out."""

    severity: dict[Check, Severity]
    """The most severe result that each check may give; `off`: the check is not made."""
    enabled: Boolean = True
    """Whether dossiers are judged; if not, what is missing here may be missing still."""
    window: WindowConfig | None = None
    profils: tuple[ProfilConfig, ...] = ()
    phases: PhasesConfig = field(default_factory=PhasesConfig)
    cas: tuple[CasConfig, ...] = ()
    incubateurs: dict[Text, tuple[Text, ...]] = field(default_factory=dict)
    """Ids of the catalogue's incubators, by an option of the form that is neither id nor title."""
    operateurs: tuple[Text, ...] = ()
    """Files with the lists of opérateurs de l'État, one for each year, beside the configuration."""
    categories_juridiques: Text | None = None
    """File with the legal categories, beside the configuration."""
    timezone: ClassVar[str] = "Europe/Paris"
    """Of the days of the window and of the deposit."""
    instruction: Written = "l’équipe du programme EIG (DINUM)"
    """Who decides on the dossiers, with the article: the subject of « instruit le dossier »."""
    publication_url: Written | None = None
    """Address at which the rules are published; the last line of the detail."""
    answer_days: Annotated[WholeNumber, Ge(1)] | None = None
    """Days that an applicant has to answer, for the text of `dsync dossier message`."""
    max_profils: Annotated[WholeNumber, Ge(1)] = 2
    """Maximum number of profiles in an application."""
    max_detail_length: ClassVar[int] = 2000
    """Maximum number of characters of the text in the annotation."""
