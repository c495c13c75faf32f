"""The text of a decision: verdict, findings to handle, conforming checks.

Equal results give equal texts; `dsync/domain/detail_frame.py` has the frame.
"""

from __future__ import annotations

from collections.abc import Sequence

from dsync.domain.check_answers import for_ds
from dsync.domain.detail_frame import finding, frame, framed
from dsync.domain.verdict import Controle, Resultat, by_severity, verdict_of
from dsync.domain.wording import listed
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.check_input import REPORTED_BLANK
from dsync.eig.precheck.sentences import SANS_REPONSE_AILLEURS


def detail_text(
    controles: Sequence[Controle],
    *,
    instruction: str,
    max_length: int,
    publication_url: str | None = None,
) -> str:
    """Return the text of a decision.

    Args:
        controles: the results of all checks.
        instruction: who decides on the dossiers, for the first line.
        max_length: maximum number of characters, of which `RuleSet` checks that it leaves room.
        publication_url: where the rules are published, for the last line.
    """
    controles = [for_ds(controle) for controle in controles]
    verdict = verdict_of(controle.resultat for controle in controles)
    first, last = frame(verdict, instruction, publication_url)
    if left := [Check(c.controle).label for c in controles if c.resultat is Resultat.SANS_OBJET]:
        several = "s" if left[1:] else ""
        last.insert(0, f"Non examiné{several}, faute de produit identifié : {listed(left)}.")
    findings = [
        finding(resultat, (Check(name).label for name in names), motif)
        for (resultat, motif), names in _by_motif(controles).items()
    ]
    conforming = [
        (Check(c.controle).label, c) for c in controles if c.resultat is Resultat.CONFORME
    ]
    return framed(first, findings, conforming, last, max_length)


def _by_motif(controles: Sequence[Controle]) -> dict[tuple[Resultat, str], list[str]]:
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
    return groups
