"""The results of checks, and the verdict that follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from dsync.domain.documented import Code
from dsync.domain.dossier import Json
from dsync.domain.ids import DossierNumber


class Resultat(Code):
    """The result of one check, in the order of a text."""

    NON_CONFORME = "non_conforme", "Non conforme", "La règle n’est pas respectée."
    IMPOSSIBLE = (
        "impossible",
        "Preuve indisponible",
        "Preuve indisponible : elle n’a pas pu être consultée.",
    )
    A_VERIFIER = "a_verifier", "À vérifier", "Une personne doit trancher."
    CONFORME = "conforme", "Conforme", "La règle est respectée."
    SANS_OBJET = (
        "sans_objet",
        "Non examiné",
        "Non examiné : sans objet pour ce dossier, ou fait par une personne.",
    )


ASKED = (Resultat.NON_CONFORME, Resultat.A_VERIFIER)
"""Where the evidence is out of reach, the applicant has nothing to send."""


class Verdict(Code):
    """The result of the pre-check; the value is the text of views and annotations."""

    ELIGIBLE = "Éligible", "", "Aucun contrôle ne s’y oppose."
    A_VERIFIER = "À vérifier", "", "Un contrôle demande l’avis d’une personne."
    INELIGIBLE = "Inéligible", "", "Un contrôle établit qu’une règle n’est pas respectée."
    INDETERMINE = (
        "Indéterminé",
        "",
        "Une preuve n’a pas pu être consultée ; nouvel essai au prochain passage.",
    )
    RIEN_A_SIGNALER = (
        "Rien à signaler",
        "",
        "Aucun contrôle ne s’y oppose, et une personne en a encore à faire.",
    )
    """Instead of « Éligible » while a declared check is a person's."""

    @property
    def key(self) -> str:
        """The ASCII name used in JSON and configuration."""
        return self.name.lower()


NO_VERDICT = "aucun"
"""In place of a verdict's name: of the dossiers without one."""
MOST_CHECKS = 40
"""Checks of a verdict, at most."""


class Controle(Struct, frozen=True, gc=False):
    """A check with its result, the reason in French, and the evidence."""

    controle: str
    resultat: Resultat
    motif: str = ""
    """Blank once the dossier is erased, as is `preuve`."""
    preuve: Mapping[str, Json] = {}


class Decision(Struct, frozen=True, gc=False):
    """A verdict with its reasons and evidence. Equal inputs give an identical decision."""

    verdict: Verdict
    controles: tuple[Controle, ...]
    detail: str
    """The text for the annotation."""
    version_regles: str
    preuve_hash: str | None
    """A digest of the evidence used for this dossier only; None once it is erased."""
    doublons: tuple[DossierNumber, ...] = ()
    """The other dossiers for the same product."""
    constats: Mapping[str, Json] = {}
    """Facts about the dossier for the programme's views, by column."""
    preuve: Json = None
    """The frozen evidence, which later verdicts on this dossier use, in the programme's form."""
    remarque: str | None = None
    """The remark stored beside an unchanged verdict."""

    def reads_like(self, other: Decision) -> bool:
        """Whether result and detail of another one are the same."""
        return (self.verdict, self.detail) == (other.verdict, other.detail)


class StoredVerdict(Decision, frozen=True, gc=False, kw_only=True):
    """A stored decision; its texts are blank once the dossier is erased."""

    depuis_le: datetime
    """Since when result and detail are as they are."""
    inputs_hash: str | None


class Comparison(Struct, frozen=True, gc=False):
    """A dossier's verdict before an operator's pre-check, beside the new decision."""

    numero: DossierNumber
    before: StoredVerdict | None
    after: Decision
    keeps_verdict: bool = False
    """Whether the earlier verdict stays, because the evidence for a new one is unavailable."""
    is_stored: bool = True
    """Whether the new decision, or an equal one, is now the dossier's verdict."""

    @property
    def verdict(self) -> Verdict:
        """The verdict that applies after the pre-check."""
        return self.before.verdict if self.before and self.keeps_verdict else self.after.verdict

    @property
    def is_same(self) -> bool:
        """Whether result and detail are the same as before."""
        return self.keeps_verdict or (
            self.before is not None and self.before.reads_like(self.after)
        )


def changes(
    before: StoredVerdict | None, after: Decision
) -> tuple[dict[str, dict[str, str | None]], list[str]]:
    """Return the checks that changed, with both results, and those of which only the text did."""
    known = {controle.controle: controle for controle in before.controles} if before else {}
    results: dict[str, dict[str, str | None]] = {}
    texts: list[str] = []
    for now in after.controles:
        then = known.get(now.controle)
        if then is None or then.resultat is not now.resultat:
            results[now.controle] = {
                "avant": None if then is None else then.resultat.value,
                "apres": now.resultat.value,
            }
        elif then.motif != now.motif:
            texts.append(now.controle)
    return results, texts


SEVERITY = {
    # It depends on a check that has answered already, so it weighs nothing.
    Resultat.SANS_OBJET: 0,
    Resultat.CONFORME: 0,
    Resultat.A_VERIFIER: 1,
    # Below « non conforme »: missing evidence does not excuse what other evidence shows.
    Resultat.IMPOSSIBLE: 2,
    Resultat.NON_CONFORME: 3,
}
# In the order of `SEVERITY`, whose numbers are the indexes.
_VERDICTS = (Verdict.ELIGIBLE, Verdict.A_VERIFIER, Verdict.INDETERMINE, Verdict.INELIGIBLE)


def worst(resultats: Iterable[Resultat]) -> Resultat:
    """Return the most severe result, the first of equal ones; « conforme » for no results."""
    return max(resultats, key=SEVERITY.__getitem__, default=Resultat.CONFORME)


def verdict_of(resultats: Iterable[Resultat]) -> Verdict:
    """Return the verdict of the most severe result."""
    return _VERDICTS[SEVERITY[worst(resultats)]]


def best(verdict: str) -> Verdict:
    """Return a verdict as it follows from the checks alone, whether people have some to make."""
    given = Verdict(verdict)
    return Verdict.ELIGIBLE if given is Verdict.RIEN_A_SIGNALER else given


def by_severity(controles: Iterable[Controle]) -> list[Controle]:
    """Return the checks that prevent « Éligible », the most severe ones first."""
    against = [c for c in controles if SEVERITY[c.resultat]]
    return sorted(against, key=lambda c: -SEVERITY[c.resultat])


def counterfactual(controles: Iterable[Controle]) -> tuple[str, ...]:
    """Return the names of the checks to clear for « Éligible », the most severe ones first.

    All of them have to become « conforme ». A check that is « sans objet » depends on another one,
    and applies once that one is cleared.
    """
    return tuple(controle.controle for controle in by_severity(controles))
