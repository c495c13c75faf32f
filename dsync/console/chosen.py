"""What is done with several dossiers of the list at once, once their number is confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.console import words
from dsync.console.access import Right
from dsync.console.dossiers import parameters_of, selection_of
from dsync.console.visit import NONE_CHOSEN, Visit
from dsync.domain.ids import DossierNumber
from dsync.sync.work import Precheck, ReadDossiers, Work

MOST = 1000
"""Maximum number of dossiers of one request."""


class _Act(NamedTuple):
    """What is asked before, with the number of dossiers, and said of it."""

    question: str
    consequence: str
    button: str


ACTS = {
    "relire": _Act(
        "Relire {count} ?",
        "Leur contenu est lu dans Démarches Simplifiées, et recopié ici.",
        "Relire",
    ),
    "rejuger": _Act(
        "Rejuger {count} ?",
        "Les règles d’aujourd’hui leur sont appliquées ; le prochain envoi inscrit ce qui change.",
        "Rejuger",
    ),
}


def act(visit: Visit) -> Response:
    """Do what a button says with the dossiers that were ticked, or with the whole selection.

    400: there is no such button, or the démarche has nothing of it.
    """
    parameters, wanted = parameters_of(visit), visit.form.get("quoi", "")
    is_whole = bool(visit.form.get("tous"))
    if wanted == "telecharger" and is_whole:
        return visit.back("/dossiers.xlsx", **parameters)
    numbers: Sequence[DossierNumber] = visit.numbers("dossier")
    if is_whole:
        with visit.reading() as reader:
            numbers = [DossierNumber(n) for n in reader.dossiers.numbers_of(selection_of(visit))]
    if not numbers:
        return visit.refuse(NONE_CHOSEN, "/dossiers", **parameters)
    if len(numbers) > MOST:
        most, chosen = words.number(MOST), words.number(len(numbers))
        said = f"{most} dossiers au plus à la fois : la sélection en a {chosen}."
        return visit.refuse(f"{said} Filtrez-la d’abord.", "/dossiers", **parameters)
    if wanted == "telecharger":
        kept = ("tri", "ordre", "colonnes")
        order = {name: parameters[name] for name in kept if name in parameters}
        return visit.back("/dossiers.xlsx", numeros=",".join(map(str, numbers)), **order)
    if wanted not in ACTS:
        raise HTTPException(400)
    if wanted == "rejuger":
        visit.need_judged()
    if not visit.form.get("confirme"):
        question, consequence, button = ACTS[wanted]
        return visit.confirm(
            question.format(count=words.plural(len(numbers), "dossier")),
            consequence,
            button,
            "/dossiers",
            parameters,
            quoi=wanted,
            dossier=" ".join(map(str, numbers)),
        )
    work: Work = ReadDossiers(tuple(numbers)) if wanted == "relire" else Precheck(tuple(numbers))
    return visit.ask(work)


PAGES = [("POST", "/dossiers", act, Right.AGIR)]
