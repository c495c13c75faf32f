"""Two dossiers side by side: the answers of both to each question, and what differs in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.console import words
from dsync.console.access import Right
from dsync.console.dossier import answered_of, in_copy, sections_of
from dsync.console.visit import Visit
from dsync.domain.ids import DossierNumber
from dsync.store import Reader
from dsync.store.listing import applicant_of

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


class _Answer(NamedTuple):
    section: str
    label: str
    text: str


def show(visit: Visit) -> Response:
    """Show the answers of two dossiers, as far as their own pages do; 404: they are one."""
    numbers = [DossierNumber(visit.in_path(name)) for name in ("numero", "autre")]
    if numbers[0] == numbers[1]:
        raise HTTPException(404)
    with visit.reading() as reader:
        both = [in_copy(visit, reader, number, only=("voeux",)) for number in numbers]
        first, second = (_answers(visit, reader, one) for one in both)
        sections = dict[str, list[FacingAnswers]]()
        different = 0
        for key, known in {**first, **second}.items():
            one, other = (found[key].text if key in found else "" for found in (first, second))
            if one or other:
                differs = one.split() != other.split()
                different += differs
                compared = FacingAnswers(known.label, key[1], differs, marked(one, other))
                sections.setdefault(known.section, []).append(compared)
        return visit.page(
            "comparaison.html",
            both=[one | {"demandeur": applicant_of(one)} for one in both],
            sections=sections,
            different=different,
            same=sum(map(len, sections.values())) - different,
        )


def _answers(
    visit: Visit, reader: Reader, found: Mapping[str, Any]
) -> dict[tuple[str, int | None], _Answer]:
    """Return the answers of a dossier, as text, by question and row."""
    number, form = DossierNumber(found["numero"]), []
    described = reader.programme if visit.worker.configuration.programme is not None else None
    if described is None:
        form = answered_of(reader.demarche.questions(number), reader.dossiers.answers(number))
    answers = dict[tuple[str, int | None], _Answer]()
    for title, fields in sections_of(visit, described, found).items():
        if title not in _NO_ANSWERS:
            for label, name, value in fields:
                answers[name, None] = _Answer(title, label, _said(value))
    for rank, voeu in enumerate(found.get("voeux", ()), 1):
        said = " : ".join(filter(None, (voeu["profil"], voeu["missions"])))
        answers["voeux", rank] = _Answer("Motivations", "Vœu", _said(said))
    for section in form:
        if not section["est_annotation"]:
            for cell in (cell for bloc in section["blocs"] for cell in bloc["cellules"]):
                answers[cell["champ_id"], cell["ligne"]] = _Answer(
                    section["libelle"] or "Formulaire", cell["libelle"], _said(cell["valeur"])
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


PAGES = [("GET", "/dossiers/{numero}/comparer/{autre}", show, Right.LIRE)]
