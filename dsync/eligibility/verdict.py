"""The verdict that results make, and what would have to be settled for a better one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dsync.domain.verdict import Controle, Decision, Resultat, Verdict

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


def counterfactual(decision: Decision | Sequence[Controle]) -> tuple[str, ...]:
    """Return the smallest set of checks to settle for « Éligible », the decisive ones first.

    Every one of them has to be: a single result that is not « conforme » keeps the verdict
    down. Checks that are « sans objet » are judged once the one they hang on is settled.
    """
    controles = decision.controles if isinstance(decision, Decision) else decision
    return tuple(controle.controle for controle in by_severity(controles))
