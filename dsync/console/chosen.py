"""Several dossiers at once: two side by side, or what is done with those ticked in the list."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.console import words
from dsync.console.access import Right
from dsync.console.dossier import ANSWERABLE, answered_of, in_copy, sections_of
from dsync.console.dossiers import names_of, parameters_of, selection_of, short
from dsync.console.jury import is_of
from dsync.console.jury_papers import commented, grids_of, matrices
from dsync.console.visit import NONE_CHOSEN, Visit, has_stages
from dsync.domain.check_answers import ANSWER, LONGEST_REASON, RESULTS
from dsync.domain.ids import DossierNumber
from dsync.domain.pieces import md5_of
from dsync.domain.wording import one_line
from dsync.errors import PARTIAL
from dsync.store import Reader
from dsync.store.listing import applicant_of
from dsync.store.reader import current_checks
from dsync.sync.answering import shown_key
from dsync.sync.work import AnswerCheck, Precheck, ReadDossiers, RefreshEvidence, Work

NAMED = 10
"""Dossiers that a confirmation names."""
MOST = 1000
"""Maximum number of dossiers of one request."""
MOST_ANSWERED = 50
"""Of one answer: as many as its page shows one by one."""

ACTS = {
    "relire": (
        "Relire {count} ?",
        "Leur contenu est lu dans Démarches Simplifiées, et recopié ici.",
        "Relire",
    ),
    "lu": (
        "Ne plus attendre de réponse à {count} ?",
        "Ce que le déposant a écrit est lu, et rien n’est à y répondre : le dossier quitte "
        "« À faire » jusqu’à son prochain message. Votre nom reste avec les messages ; rien ne "
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
    "lu": ReadDossiers,
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
        return compared(visit, numbers, "/dossiers", **parameters)
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
    if wanted == "repondre":
        return _answer(visit, numbers, parameters)
    if wanted not in ACTS:
        raise HTTPException(400)
    if wanted in ("rejuger", "preuve"):
        visit.need_judged()
    if wanted == "preuve":
        with visit.reading() as reader:
            numbers = sorted({*numbers}.intersection(reader.dossiers.contradicted()))
        if not numbers:
            said = "Le catalogue d’aujourd’hui ne contredit aucun de ces dossiers."
            return visit.refuse(said, "/dossiers", **parameters)
    work, is_trial = _WORK[wanted](tuple(numbers)), bool(visit.form.get("essai"))
    if is_trial or not visit.form.get("confirme"):
        question, consequence, button = ACTS[wanted]
        judging = work if isinstance(work, Precheck | RefreshEvidence) else None
        points = _moves(visit, judging) if is_trial and judging else []
        fields = {"quoi": wanted, "dossier": " ".join(map(str, numbers))}
        with visit.reading() as reader:
            names = names_of(visit, reader, numbers[:NAMED])
            if wanted == "lu":
                last = _last_signs(reader, numbers)
                fields["vu"] = " ".join(f"{number}/{at}" for number, at in last.items())
                points = [
                    (
                        f"{number} : écrit ou corrigé pour la dernière fois {words.moment(at)}",
                        visit.url(f"/dossiers/{number}/messages"),
                    )
                    for number, at in last.items()
                ]
        said = " ; ".join(f"{one} ({name})" for one, name in names.items() if name)
        more = f" et {words.plural(left, 'autre')}" if (left := len(numbers) - NAMED) > 0 else ""
        return visit.confirm(
            question.format(count=words.plural(len(numbers), "dossier")),
            f"{consequence} {said and f'{said}{more}.'}",
            button,
            "/dossiers",
            parameters,
            points,
            trial="" if is_trial or not judging else "Compter d’abord les avis qui changeraient",
            **fields,
        )
    if wanted == "lu":
        seen = [one.partition("/") for one in visit.form.get("vu", "").split()]
        given = {number: at for number, _, at in seen}
        try:
            shown = {n: datetime.fromisoformat(given[str(n)]) for n in numbers if str(n) in given}
        except ValueError as error:
            raise HTTPException(400) from error
        work = ReadDossiers(tuple(numbers), aside=True, shown=shown)
    return visit.ask(work)


def _last_signs(reader: Reader, numbers: Sequence[DossierNumber]) -> dict[DossierNumber, str]:
    """Return when the usager of each dossier, or somebody else, wrote or edited last."""
    return {
        row["numero"]: max(filter(None, (row["dernier_message_le"], row["champs_modifie_le"])))
        for row in reader.dossiers.shown(numbers)
    }


def _moves(visit: Visit, work: Precheck | RefreshEvidence) -> list[tuple[str, str | None]]:
    """Return how many verdicts work would change, and the first ones; nothing is stored."""
    tried = visit.worker.attempt(work)
    if tried.exit_code not in (0, PARTIAL):
        return [(f"Le compte n’a pas pu être fait : {words.cause(tried.exit_code)}", None)]
    shown, moves, count = list[tuple[str, str | None]](), Counter[str](), 0
    for one in tried.comparisons:
        before = one.before.verdict if one.before else None
        # A finished dossier keeps its verdict.
        if one.is_stored and one.verdict is not before:
            said = visit.verdicts.get(before or "", "Sans avis")
            move, count = f"{said} → {visit.verdicts[one.verdict.value]}", count + 1
            moves[move] += 1
            if len(shown) < NAMED:
                shown.append((f"{one.numero} : {move}", visit.url(f"/dossiers/{one.numero}")))
    told = f"{words.plural(count, 'avis changerait', 'avis changeraient')} sur {len(work.dossiers)}"
    each = ", ".join(f"{move} : {n}" for move, n in moves.most_common())
    return [(f"{told}. {each}".strip(), None), *shown]


def _answer(
    visit: Visit, numbers: Sequence[DossierNumber], parameters: Mapping[str, Any]
) -> Response:
    """Have one check of several dossiers answered: chosen first, then confirmed by dossier."""
    visit.need_judged()
    if len(numbers) > MOST_ANSWERED:
        said = f"{MOST_ANSWERED} dossiers au plus à la fois pour une réponse : chacun se relit."
        return visit.refuse(said, "/dossiers", **parameters)
    form, reason = visit.form, one_line(visit.form.get("motif", ""))
    controle, resultat = form.get("controle", ""), form.get("resultat")
    if form.get("confirme") and resultat in RESULTS:
        parts = (one.partition(":") for one in form.get("vu", "").split())
        shown = {number: key for number, _, key in parts}
        seen = {number: shown[str(number)] for number in numbers if str(number) in shown}
        if seen:
            work = AnswerCheck(tuple(seen), controle, resultat, reason, seen)
            return visit.ask(work, **parameters)
    with visit.reading() as reader:
        rows, reasons = reader.dossiers.shown(numbers), reader.dossiers.reasons(numbers)
        titles = visit.check_titles(reader)
    asked: dict[str, dict[int, dict[str, Any]]] = {}
    for row in rows:
        for check in reasons.get(row["numero"], ()):
            is_answered = ANSWER in (check["preuve"] or {}) and check["resultat"] in RESULTS
            if (row["presence"], row["etat"]) in ANSWERABLE and not is_answered:
                asked.setdefault(check["controle"], {})[row["numero"]] = check
    chosen = asked.get(controle, {})
    if not (chosen and resultat in RESULTS and 0 < len(reason) <= LONGEST_REASON):
        most = max(asked, key=lambda name: len(asked[name]), default=None)
        return visit.page(
            "repondre.html",
            numbers=numbers,
            choices=[
                (one, title, len(asked[one])) for one, title in titles.items() if one in asked
            ],
            controle=controle or parameters.get("controle") or most,
            resultat=resultat,
            motif=form.get("motif", ""),
            is_lacking=bool(controle),
            list_=visit.url("/dossiers", **parameters),
        )
    points: list[tuple[str, str | None]] = [
        (
            f"{row['numero']}, {applicant_of(row) or 'sans nom'} : {short(chosen[row['numero']])}",
            visit.url(f"/dossiers/{row['numero']}"),
        )
        for row in rows
        if row["numero"] in chosen
    ]
    if left_out := ", ".join(str(row["numero"]) for row in rows if row["numero"] not in chosen):
        points.append((f"Laissés, car ce contrôle n’y demande rien : {left_out}.", None))
    keys = {n: shown_key(check["resultat"], check["motif"]) for n, check in chosen.items()}
    if named := [row["numero"] for row in rows if row["numero"] in chosen and row["demandeur_nom"]]:
        visit.personal, visit.listed = ["Demandeur"], named
    return visit.confirm(
        f"Répondre « {words.RESULTATS[resultat].lower()} » à « {titles.get(controle, controle)} » "
        f"pour {words.plural(len(chosen), 'dossier')} ?",
        f"Votre nom, la date et cette raison s’inscrivent dans chacun : « {reason} ».",
        "Enregistrer les réponses",
        "/dossiers",
        parameters,
        points,
        **{"quoi": "repondre", "controle": controle, "resultat": resultat, "motif": reason},
        dossier=" ".join(map(str, chosen)),
        vu=" ".join(f"{number}:{key}" for number, key in keys.items()),
    )


_NO_ANSWERS = ("Dossier", words.SECTIONS["Selection and recruitment"])
"""The sections that have no answer of an applicant."""
_ALIKE = 0.5
"""From which ratio on the differences of two texts are marked in them."""
_WORD = re.compile(r"\S+\s*")
Part = tuple[str, bool]
"""A part of a text, and whether the other text lacks it."""


class FacingAnswers(NamedTuple):
    """One question, with the answers of the dossiers."""

    label: str
    row: int | None
    """Of a repetition."""
    differs: bool
    answers: Sequence[Sequence[Part]]


_Answers = dict[tuple[str, int | None], tuple[str, str, str]]
"""Section, label and text, by question and row."""
MOST_COMPARED = 3


def choose(visit: Visit) -> Response:
    """Lead to the comparison of the dossiers that were ticked in a jury's ranking."""
    return compared(visit, visit.numbers("dossier"), "/jury", le=visit.query("le"))


def compared(visit: Visit, numbers: Sequence[int], back: str, **parameters: Any) -> Response:
    """Lead to the comparison of some dossiers, or back where there are too few or too many."""
    if not 2 <= len(numbers) <= MOST_COMPARED:
        return visit.refuse("Cochez deux ou trois dossiers pour les comparer.", back, **parameters)
    first, second, *others = numbers
    return visit.back(f"/dossiers/{first}/comparer/{second}", dossier=next(iter(others), None))


def show(visit: Visit) -> Response:
    """Show where dossiers differ, as far as their own pages do; 404: two are one.

    « voir=tout »: also what is the same. A third one is « dossier ».
    """
    numbers = [DossierNumber(visit.in_path(name)) for name in ("numero", "autre")]
    numbers += visit.numbers("dossier")[: MOST_COMPARED - 2]
    if len({*numbers}) < len(numbers):
        raise HTTPException(404)
    visit.shown, is_whole = numbers[2:], visit.query("voir") == "tout"
    with visit.reading() as reader:
        every = [in_copy(visit, reader, number, only=_VIEWS) for number in numbers]
        titles, team = visit.check_titles(reader), reader.dossiers.team_results(numbers)
        has_marks = has_stages(visit.worker) and visit.may(Right.NOTES)
        grids = grids_of(reader, [*numbers]) if has_marks else {}
        given = [
            _marks(visit, grids.get(one["numero"], [])) | _answers(visit, reader, one)
            for one in every
        ]
        sections = dict[str, list[FacingAnswers]]()
        different = same = 0
        for key, (section, label, _) in {k: v for some in given for k, v in some.items()}.items():
            texts = [some[key][-1] if key in some else "" for some in given]
            differs = len({tuple(text.split()) for text in texts}) > 1
            different, same = different + differs, same + (not differs and any(texts))
            if differs or (is_whole and any(texts)):
                parts = marked(*texts) if len(texts) == 2 else [[(text, False)] for text in texts]
                facing = FacingAnswers(label, key[1], differs, parts)
                sections.setdefault(section, []).append(facing)
        return visit.page(
            "comparaison.html",
            every=[
                one | {"demandeur": applicant_of(one), "avis_equipe": team.get(one["numero"])}
                for one in every
            ],
            twins=_twins(every, titles),
            check_titles=titles,
            sections=sections,
            different=different,
            same=same,
            is_whole=is_whole,
            others=numbers[2:],
            has_marks=any(grids.values()),
        )


_VIEWS = ("voeux", "pieces", "precontroles", "controles")


def _twins(every: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the checks of these dossiers that name another one of them, each with its dossier."""
    numbers = {one["numero"] for one in every}
    return [
        check
        | {
            "numero": one["numero"],
            "vu": shown_key(check["resultat"], check["motif"]),
            "reponse": (check["preuve"] or {}).get(ANSWER),
            "ouvert": (one["presence"], one["etat"]) in ANSWERABLE,
        }
        for one in every
        for check in current_checks(one, titles)
        if numbers & {*((check["preuve"] or {}).get("dossiers") or ())}
    ]


def _marks(visit: Visit, grids: Sequence[dict[str, Any]]) -> _Answers:
    """Return the marks that count of a dossier's grids, and the comments, as text."""
    found: _Answers = {}
    for block in matrices(grids):
        names = ["vous" if is_of(one, visit.name) else one["nom_court"] for one in block.grilles]
        for line in block.lignes if block.compte else ():
            marks = [
                f"{name} : {'manque' if mark is None else words.number(mark)}"
                for name, mark in zip(names, line.notes, strict=True)
            ]
            mean = (
                []
                if line.moyenne is None or len(marks) == 1
                else [f"moyenne {words.number(line.moyenne, 2)}"]
            )
            found[f"note {line.critere}", None] = ("Notes", line.critere, " ; ".join(mean + marks))
    for one in commented(grids):
        found[f"commentaire {one['qui']}", None] = (
            "Notes",
            f"Commentaire, {one['qui']}",
            one["commentaire"],
        )
    return found


def _answers(visit: Visit, reader: Reader, found: Mapping[str, Any]) -> _Answers:
    """Return the answers of a dossier, as text."""
    number, form = DossierNumber(found["numero"]), []
    described = reader.programme if visit.worker.configuration.programme is not None else None
    questions = reader.demarche.questions(number)
    if described is None:
        form = answered_of(questions, reader.dossiers.answers(number))
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
    labels = {one["champ_id"]: one["libelle"] for one in questions}
    for piece in found["pieces"]:
        digest = (md5_of(piece["empreinte_md5"] or "") or b"").hex()[:6]
        name = words.text(piece["nom"]) if visit.may(Right.PERSONNES) else "réservé à l’équipe"
        said = f"{name} ({words.size(piece['taille'])}, empreinte {digest or '–'})"
        key, label = (piece["champ_id"] or "", None), labels.get(piece["champ_id"], "Pièce")
        before = answers[key][-1] + "\n" if key in answers else ""
        answers[key] = ("Pièces jointes", label, before + said)
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
    ("GET", "/jury/comparer", choose, Right.NOTES),
]
