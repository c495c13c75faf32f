"""The message to an applicant, made of a verdict, for a person to transmit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from dsync.domain.check_answers import ANSWER
from dsync.domain.dossier import OPEN_ETATS, Etat
from dsync.domain.rights import opened
from dsync.domain.verdict import Controle, Resultat
from dsync.domain.wording import with_no_break_spaces

ASKED = (Resultat.NON_CONFORME, Resultat.A_VERIFIER)
"""Where the evidence is out of reach, the applicant has nothing to send."""

LONGEST_DEMAND = 300
"""Characters of a demand; only names, which are never cut, make one longer."""


class Letter(NamedTuple):
    """A message to an applicant; `demandes` is empty if there is nothing to ask."""

    objet: str
    texte: str
    demandes: Sequence[str]


def open_points(found: Mapping[str, Any], checks: Iterable[Mapping[str, Any]]) -> list[Controle]:
    """Return the checks of an open dossier about which its applicant may be asked; else none.

    They are asked for nothing that a person established or has to confirm. `found` is a row of the
    main view, `checks` those of `lecture_precontrole_controle` of its current verdict.
    """
    if found["etat"] not in OPEN_ETATS:
        return []
    given = [
        Controle(
            one["controle"], Resultat(one["resultat"]), one["motif"] or "", one["preuve"] or {}
        )
        for one in checks
    ]
    return [one for one in given if ANSWER not in one.preuve]


def may_edit(found: Mapping[str, Any]) -> bool:
    """Return whether the applicant can still change the dossier."""
    return bool(found["etat"] == Etat.EN_CONSTRUCTION)


def letter(
    numero: int,
    asked: Sequence[str],
    instruction: str,
    url: str | None,
    *,
    days: int | None = None,
    may_edit: bool,
) -> Letter:
    """Return the message that asks for something, each thing once.

    `instruction` is who decides on the dossiers, with its article, `url` where the rules are
    published. `days` is in how many days an answer is expected (None: this is not said);
    `may_edit`: the applicant can still change the dossier.
    """
    asked = list(dict.fromkeys(asked))
    until = f" dans les {days} jours qui suivent ce message" if days else ""
    in_time = " dans ce délai" if days else ""
    parts = [
        "Madame, Monsieur,",
        f"Nous avons bien reçu votre dossier n° {numero}. Pour poursuivre son instruction, nous "
        f"avons besoin des précisions suivantes{until} :",
        "\n".join(f"- {one}" for one in asked),
        f"{'Vous pouvez corriger votre dossier, ou répondre' if may_edit else 'Merci de répondre'} "
        "par la messagerie de Démarches Simplifiées, en y joignant vos pièces. Sans réponse de "
        f"votre part{in_time}, votre dossier sera instruit en l’état.",
        "Cette demande a été préparée à l’aide d’un pré-contrôle automatique. Elle ne préjuge pas "
        "de la décision, que l’administration prendra."
        + (f" Règles appliquées : {url}" if url else ""),
        "Nous vous remercions et restons à votre disposition.",
        opened(instruction),
    ]
    text = with_no_break_spaces("\n\n".join(parts)) if asked else ""
    return Letter(f"Dossier n° {numero} : précisions attendues", text, asked)
