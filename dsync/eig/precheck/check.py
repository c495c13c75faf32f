"""The checks of the pre-check: their names, titles and meanings, each declared once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Self


class Check(StrEnum):
    """A check that the programme knows by its name; `checks` has the functions."""

    label: str
    """Its French title in texts."""
    meaning: str
    """What a conforming dossier fulfils, in `lecture_valeur`."""
    is_of_product: bool
    """Whether its result depends on which product it is."""

    def __new__(
        cls, name: str, label: str = "", meaning: str = "", of_product: bool = False
    ) -> Self:
        """Declare a check, or return the one of a name: in configuration, views and `--json`."""
        check = str.__new__(cls, name)
        check._value_ = name
        check.label, check.meaning, check.is_of_product = label, meaning, of_product
        return check

    @property
    def function(self) -> str:
        """The name of its function in files."""
        return f"eig.{self.value}"

    DEPOT = "depot", "date de dépôt", "Déposé pendant l’appel à projets."
    ADMINISTRATION = (
        "administration",
        "administration",
        "Le candidat est une administration centrale ou un opérateur de l’État.",
    )
    FICHE_PRODUIT = "fiche_produit", "fiche produit", "Le produit a une fiche sur beta.gouv.fr."
    PHASE = "phase", "phase", "Le produit est à une phase admise au jour du dépôt.", True
    PROFILS = "profils", "profils", "Un ou deux profils de l’offre sont souhaités."
    CAS_OCTROI = (
        "cas_octroi",
        "cas d’octroi",
        "Les conditions du cas d’octroi choisi sont réunies.",
        True,
    )
    COMPLETUDE = (
        "completude",
        "complétude",
        "Toutes les réponses attendues sont données, celles d’un autre contrôle comprises.",
    )
    DOUBLON = (
        "doublon",
        "unicité",
        "Aucun autre dossier en cours ou accepté ne porte sur le même produit.",
        True,
    )


OF_PRODUCT: Collection[str] = frozenset(check for check in Check if check.is_of_product)
"""The checks whose result depends on which product it is."""
FUNCTIONS = (Check.ADMINISTRATION, Check.FICHE_PRODUIT, Check.PHASE, Check.CAS_OCTROI)
"""The checks that are functions of the programme."""
QUESTIONS: Mapping[str, str] = {
    Check.FICHE_PRODUIT: "page_produit",
    Check.PHASE: "phase_declaree",
    Check.CAS_OCTROI: "cas_demande",
}
"""By function, the field whose answer it asks for, and which it needs mapped."""
