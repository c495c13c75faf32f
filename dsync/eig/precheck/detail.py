"""How the text of a decision of this programme is worded; `domain/judging.py` makes it."""

from __future__ import annotations

from collections.abc import Sequence

from dsync.domain.judging import Line, Wording
from dsync.domain.verdict import Controle, Resultat, by_severity
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.check_input import REPORTED_BLANK
from dsync.eig.precheck.sentences import SANS_REPONSE_AILLEURS

TITLES = {check.value: check.label for check in Check}
"""The French titles of the checks by name, in the order of display."""


def wording_of(instruction: str, max_length: int, publication_url: str | None = None) -> Wording:
    """Return how decisions are worded; arguments as the fields of `Wording`."""
    return Wording(
        TITLES,
        instruction,
        max_length,
        publication_url,
        not_examined=(
            "Non examiné, faute de produit identifié",
            "Non examinés, faute de produit identifié",
        ),
        lines=_by_motif,
    )


def _by_motif(controles: Sequence[Controle]) -> list[Line]:
    """Group the checks that are not conforme by result and reason, the most severe first.

    A check that only repeats what another check reports is listed with that check.
    """
    against = by_severity(controles)
    elsewhere = SANS_REPONSE_AILLEURS.motif()
    groups: dict[tuple[Resultat, str], list[str]] = {}
    for controle in against:
        if controle.motif != elsewhere:
            key = controle.resultat, controle.motif
            groups.setdefault(key, []).append(controle.controle)
    for controle in against:
        if controle.motif == elsewhere:
            # None, where a person established that check: then this one stands for itself.
            reporter = next((c for c in against if REPORTED_BLANK in c.preuve), None)
            if reporter is None:
                groups[controle.resultat, controle.motif] = [controle.controle]
                continue
            groups[reporter.resultat, reporter.motif].append(controle.controle)
    return [(resultat, names, motif) for (resultat, motif), names in groups.items()]
