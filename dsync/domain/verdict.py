"""Outcomes of the checks and the verdict made of them (source: the programme's rules)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from dsync.domain.dossier import Json
from dsync.domain.ids import DossierNumber


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
    doublons: tuple[DossierNumber, ...] = ()
    """The other dossiers that it rests on."""
    constats: Mapping[str, Json] = {}
    """What the programme found out about the dossier: values of columns in its views."""
    preuve: Json = None
    """Evidence that later verdicts on this dossier rest on, in the programme's form."""
    remarque: str | None = None
    """What is recorded beside a verdict that stays."""


class StoredVerdict(Struct, frozen=True, gc=False):
    """A verdict of the history; what it says of persons is blank once the dossier is erased."""

    id: int
    numero: DossierNumber
    verdict: Verdict
    detail: str
    etabli_le: datetime
    depuis_le: datetime
    """Since when result and text read as they do."""
    version_regles: str
    inputs_hash: str | None
    preuve_hash: str | None
    doublons: tuple[DossierNumber, ...]
    controles: tuple[Controle, ...]
    constats: Mapping[str, Json]
    preuve: Json
    remarque: str | None


SEVERITY = {
    Resultat.SANS_OBJET: 0,
    Resultat.CONFORME: 0,
    Resultat.A_VERIFIER: 1,
    Resultat.IMPOSSIBLE: 2,
    Resultat.NON_CONFORME: 3,
}
_VERDICTS = (Verdict.ELIGIBLE, Verdict.A_VERIFIER, Verdict.INDETERMINE, Verdict.INELIGIBLE)


def worst(resultats: Iterable[Resultat]) -> Resultat:
    """Return the most severe result, or « conforme » of none; of equals the first."""
    return max(resultats, key=SEVERITY.__getitem__, default=Resultat.CONFORME)


def verdict_of(resultats: Iterable[Resultat]) -> Verdict:
    """Return the verdict: that of the most severe result."""
    return _VERDICTS[SEVERITY[worst(resultats)]]


def by_severity(controles: Iterable[Controle]) -> list[Controle]:
    """Return the checks that stand against « Éligible », the decisive ones first."""
    against = [c for c in controles if SEVERITY[c.resultat]]
    return sorted(against, key=lambda c: -SEVERITY[c.resultat])


def counterfactual(controles: Iterable[Controle]) -> tuple[str, ...]:
    """Return the smallest set of checks to settle for « Éligible », the decisive ones first.

    Every one of them has to be: a single result that is not « conforme » keeps the verdict
    down. Checks that are « sans objet » are judged once the one they hang on is settled.
    """
    return tuple(controle.controle for controle in by_severity(controles))
