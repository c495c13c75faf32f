"""Several dossiers at once: two side by side, or what is done with those ticked in the list."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.console import words
from dsync.console.access import Right
from dsync.console.dossier import answered_of, in_copy, sections_of
from dsync.console.dossiers import parameters_of, selection_of
from dsync.console.visit import NONE_CHOSEN, Visit
from dsync.domain.ids import DossierNumber
from dsync.store import Reader
from dsync.store.listing import applicant_of
from dsync.sync.work import Precheck, ReadDossiers, RefreshEvidence, Work

MOST = 1000
"""Maximum number of dossiers of one request."""

ACTS = {
    "relire": (
        "Relire {count} ?",
        "Leur contenu est lu dans Démarches Simplifiées, et recopié ici.",
        "Relire",
    ),
    "lu": (
        "Ne plus attendre de réponse à {count} ?",
        "Ce que le déposant a écrit est lu, et rien n’est à y répondre : le dossier quitte les "
        "réponses reçues jusqu’à son prochain message. Votre nom reste avec les messages ; rien ne "
        "change dans Démarches Simplifiées.",
        "Rien à répondre",
    ),
    "rejuger": (
        "Rejuger {count} ?",
        "Les règles d’aujourd’hui leur sont appliquées ; le prochain envoi inscrit ce qui change.",
        "Rejuger",
    ),
    "preuve": (
        "Juger {count} avec le catalogue d’aujourd’hui ?",
        "La fiche produit d’aujourd’hui remplace celle qui était conservée depuis le dépôt ; le "
        "prochain envoi inscrit ce qui change.",
        "Juger",
    ),
}
"""What is asked before, with the number of dossiers; what is said of it; the button."""
_WORK: Mapping[str, Callable[[tuple[DossierNumber, ...]], Work]] = {
    "relire": ReadDossiers,
    "lu": lambda numbers: ReadDossiers(numbers, aside=True),
    "rejuger": Precheck,
    "preuve": RefreshEvidence,
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
    if wanted == "comparer":
        if len(numbers) != 2:
            return visit.refuse(
                "Cochez deux dossiers pour les comparer.", "/dossiers", **parameters
            )
        return visit.back(f"/dossiers/{numbers[0]}/comparer/{numbers[1]}")
    if len(numbers) > MOST:
        most, chosen = words.number(MOST), words.number(len(numbers))
        said = f"{most} dossiers au plus à la fois : la sélection en a {chosen}."
        return visit.refuse(f"{said} Filtrez-la d’abord.", "/dossiers", **parameters)
    if wanted == "telecharger":
        kept = ("tri", "ordre", "colonnes")
        order = {name: parameters[name] for name in kept if name in parameters}
        return visit.back("/dossiers.xlsx", numeros=",".join(map(str, numbers)), **order)
    if wanted == "jury":
        return visit.back("/jury/composer", dossier=" ".join(map(str, numbers)))
    if wanted not in ACTS:
        raise HTTPException(400)
    if wanted in ("rejuger", "preuve"):
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
    return visit.ask(_WORK[wanted](tuple(numbers)))


_NO_ANSWERS = ("Dossier", words.SECTIONS["Selection and recruitment"])
"""The sections that have no answer of an applicant."""
_ALIKE = 0.5
"""From which ratio on the differences of two texts are marked in them."""
_WORD = re.compile(r"\S+\s*")
Part = tuple[str, bool]
"""A part of a text, and whether the other text lacks it."""


class FacingAnswers(NamedTuple):
    """One question, with the answers of both dossiers."""

    label: str
    row: int | None
    """Of a repetition."""
    differs: bool
    answers: tuple[list[Part], list[Part]]


_Answers = dict[tuple[str, int | None], tuple[str, str, str]]
"""Section, label and text, by question and row."""


def show(visit: Visit) -> Response:
    """Show the answers of two dossiers, as far as their own pages do; 404: they are one."""
    numbers = [DossierNumber(visit.in_path(name)) for name in ("numero", "autre")]
    if numbers[0] == numbers[1]:
        raise HTTPException(404)
    with visit.reading() as reader:
        both = [in_copy(visit, reader, number, only=("voeux",)) for number in numbers]
        first, second = (_answers(visit, reader, one) for one in both)
        team = reader.dossiers.team_results(numbers)
        sections = dict[str, list[FacingAnswers]]()
        different = 0
        for key, (section, label, _) in {**first, **second}.items():
            one, other = (found[key][-1] if key in found else "" for found in (first, second))
            if one or other:
                differs = one.split() != other.split()
                different += differs
                compared = FacingAnswers(label, key[1], differs, marked(one, other))
                sections.setdefault(section, []).append(compared)
        return visit.page(
            "comparaison.html",
            both=[
                one | {"demandeur": applicant_of(one), "avis_equipe": team.get(one["numero"])}
                for one in both
            ],
            sections=sections,
            different=different,
            same=sum(map(len, sections.values())) - different,
        )


def _answers(visit: Visit, reader: Reader, found: Mapping[str, Any]) -> _Answers:
    """Return the answers of a dossier, as text."""
    number, form = DossierNumber(found["numero"]), []
    described = reader.programme if visit.worker.configuration.programme is not None else None
    if described is None:
        form = answered_of(reader.demarche.questions(number), reader.dossiers.answers(number))
    answers: _Answers = {}
    for title, fields in sections_of(visit, described, found).items():
        if title not in _NO_ANSWERS:
            for label, name, value in fields:
                answers[name, None] = (title, label, _said(value))
    for rank, voeu in enumerate(found.get("voeux", ()), 1):
        said = " : ".join(filter(None, (voeu["profil"], voeu["missions"])))
        answers["voeux", rank] = ("Motivations", "Vœu", _said(said))
    for section in form:
        if not section["est_annotation"]:
            for cell in (cell for bloc in section["blocs"] for cell in bloc["cellules"]):
                answers[cell["champ_id"], cell["ligne"]] = (
                    section["libelle"] or "Formulaire",
                    cell["libelle"],
                    _said(cell["valeur"]),
                )
    return answers


def _said(value: Any) -> str:
    return "" if value in (None, "", []) else words.evidence(value).strip()


def marked(one: str, other: str) -> tuple[list[Part], list[Part]]:
    """Return two texts in parts; unless they have much in common, in one part each."""
    cut = _WORD.findall(one), _WORD.findall(other)
    found = SequenceMatcher(None, one.split(), other.split())
    if found.ratio() < _ALIKE:
        return [(one, False)], [(other, False)]
    parts: tuple[list[Part], list[Part]] = ([], [])
    for tag, *places in found.get_opcodes():
        for some, text, (begin, end) in zip(parts, cut, (places[:2], places[2:]), strict=True):
            if begin < end:
                some.append(("".join(text[begin:end]), tag != "equal"))
    return parts


PAGES = [
    ("POST", "/dossiers", act, Right.AGIR),
    ("GET", "/dossiers/{numero}/comparer/{autre}", show, Right.LIRE),
]
