"""Outcomes of the checks and the verdict made of them (source: the programme's rules)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from dsync.domain.dossier import Json


class Resultat(StrEnum):
    """What one check says."""

    CONFORME = "conforme"
    A_VERIFIER = "a_verifier"
    NON_CONFORME = "non_conforme"
    IMPOSSIBLE = "impossible"
    SANS_OBJET = "sans_objet"


class Verdict(StrEnum):
    """What the pre-check advises; the value is what views and annotations show."""

    ELIGIBLE = "Éligible"
    A_VERIFIER = "À vérifier"
    INELIGIBLE = "Inéligible"
    INDETERMINE = "Indéterminé"

    @property
    def key(self) -> str:
        """ASCII name used in JSON, configuration and metrics."""
        return self.name.lower()


class Controle(Struct, frozen=True, gc=False):
    """One check's answer: what, how, why in French, and on which evidence."""

    controle: str
    resultat: Resultat
    motif: str = ""
    """Blank, as the evidence, once the dossier is erased."""
    preuve: Mapping[str, Json] = {}


class Decision(Struct, frozen=True, gc=False):
    """A verdict with all that it rests on. The same inputs give the same decision to the byte."""

    verdict: Verdict
    controles: tuple[Controle, ...]
    detail: str
    """The text for the annotation."""
    version_regles: str
    preuve_hash: str
    """Digest of the evidence used for this dossier, and of nothing else."""
    produit_id: str | None = None
    phase_constatee: str | None = None
    incubateur_constate: str | None = None
    """The title of the product's incubator, as the catalogue gives it; no check looks at it."""
    type_administration: str = "inconnu"
    """administration_centrale, operateur, autre, inconnu."""
    preuve_produit: Mapping[str, Json] | None = None
    """The product evidence that later verdicts on this dossier rest on, in the programme's form."""
    remarque: str | None = None
    """What is recorded beside a verdict that stays."""
