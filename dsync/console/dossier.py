"""One dossier: verdict and its reasons, sections, history, annotations, evaluations; actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.annotations.wish import WishStatus
from dsync.care.that_day import VIEWS, page_of_day, record_of_day
from dsync.console import words
from dsync.console.access import Right
from dsync.console.after_jury import todos
from dsync.console.decisions import key_of
from dsync.console.dossiers import PER_PAGE, parameters_of, place_of, sentences_of, short
from dsync.console.elsewhere import former_calls
from dsync.console.files import sent
from dsync.console.jury_papers import commented, grids_of, matrices
from dsync.console.visit import NO_DOSSIER, Visit, day_of, has_stages
from dsync.domain.account import account_page
from dsync.domain.check_answers import ANSWER, LONGEST_REASON, RESULTS, is_settled, person
from dsync.domain.conversation import Cote
from dsync.domain.dossier import OPEN_ETATS, PARIS, Etat, Presence
from dsync.domain.ids import DossierNumber, number_of
from dsync.domain.pieces import md5_of
from dsync.domain.verdict import Resultat, Verdict
from dsync.errors import ConfigurationError
from dsync.programme import Programme
from dsync.store import Reader
from dsync.store.dictionary import APPLICANT
from dsync.store.listing import Selection, applicant_of
from dsync.store.reader import current_checks, to_settle
from dsync.store.requests import ManualRequest
from dsync.sync.answering import Obstacle, nearest_product, obstacle, shown_key
from dsync.sync.piece_files import open_copy
from dsync.sync.work import (
    AnswerCheck,
    Answering,
    Erase,
    LiftErasure,
    Precheck,
    Push,
    ReadDossiers,
    WithdrawAnswer,
)

SHOWN_CHANGES = 100
ALL_TABS = "tout"
"""In an address, in place of a part of the dossier: all of them, to be printed."""
TABS = {
    "controles": "Contrôles",
    "reponses": "Réponses",
    "messages": "Messages",
    "changements": "Changements",
    "pieces": "Pièces",
    "evaluations": "Évaluations",
    "lettre": "Lettre",
    "journal": "Journal",
}
"""The parts of a dossier by their names in addresses."""
SHOWN_VIEWS = (
    "voeux",
    "precontroles",
    "controles",
    "pieces",
    "messages",
    "changements",
    "decisions",
    "evenements",
    "anomalie",
)
SELECTION = "Selection and recruitment"
SINCE = {"en_instruction": "en_instruction_le", "en_construction": "en_construction_le"}
"""The column with the date of a state; of the others: `traite_le`."""
ANNOTATIONS = tuple(words.ANNOTATIONS)
ANSWERABLE = {(Presence.PRESENT.value, etat.value) for etat in OPEN_ETATS}
"""Presence and state of the dossiers whose checks can be answered."""
OBSTACLES = {
    Obstacle.NO_DOSSIER: "Ce dossier n’est pas dans la copie : il n’y a rien à répondre.",
    Obstacle.GONE: "Ce dossier n’est plus dans la démarche : ses contrôles n’attendent plus rien.",
    Obstacle.FINISHED: "Ce dossier est traité : il garde son avis, sans réponse nouvelle.",
    Obstacle.NO_VERDICT: "Ce dossier n’a pas encore d’avis : relisez-le, puis répondez.",
    Obstacle.UNKNOWN: "L’avis sur ce dossier n’a pas ce contrôle.",
    Obstacle.LEANS: "Ce contrôle n’a pas été examiné : s’il dépend d’un autre, répondez d’abord à "
    "celui-là ; sinon il est sans objet, ou revient à une personne.",
    Obstacle.CHANGED: "Ce que trouve ce contrôle a changé entre-temps : relisez-le, puis répondez.",
    Obstacle.NO_REASON: "Il manque la raison : dites ce qui a été établi, et d’après quoi.",
    Obstacle.LONG_REASON: f"La raison a {LONGEST_REASON} caractères au plus : raccourcissez-la.",
    Obstacle.NO_PRODUCT: "Un produit ne se nomme qu’avec « conforme », pour la fiche produit : "
    "laissez ce champ vide.",
    Obstacle.UNKNOWN_PRODUCT: "Aucun produit de beta.gouv.fr n’a, ni n’a eu, l’identifiant "
    "« {produit} ».{proche}",
    Obstacle.NO_ANSWER: "Personne n’a répondu à ce contrôle, ou la réponse a été retirée.",
}
"""Why nothing was stored."""
_ACTS = ("relire", "renvoyer", "envoye", "rejuger", "repondre")
"""Addresses of a dossier that have no page."""
NOT_THAT_DAY = "Ce jour n’est pas encore venu, ou dsync n’avait pas encore lu ce dossier."


class Draft(NamedTuple):
    """An answer to a check that was not stored."""

    controle: str
    resultat: str
    motif: str
    produit: str

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Draft:
        """Return what a form has of it."""
        return cls(*(form.get(name, "") for name in cls._fields))


def show(visit: Visit) -> Response:
    """Show a dossier, with the answer to a check that somebody has typed and that is not stored."""
    if visit.request.path_params.get("onglet") in _ACTS:
        # The page of a refused form, opened again.
        return visit.back(f"/dossiers/{visit.in_path('numero')}")
    if visit.request.path_params.get("onglet", ALL_TABS) not in (*[*TABS][1:], ALL_TABS):
        raise HTTPException(404)
    draft = None
    asked = number_of(visit.query("reprise") or "")
    work = visit.site.desk.answer(asked, visit.actor.name) if asked else None
    if work is not None and work.dossiers == _numbers(visit):
        with visit.reading() as whole:
            if why := obstacle(whole, work):
                visit.say(_said(visit, whole, why, work), kind="warning")
        draft = Draft(work.controle, work.resultat, work.motif, work.produit or "")
    return _show(visit, draft)


def _show(visit: Visit, draft: Draft | None) -> Response:
    number, worker = DossierNumber(visit.in_path("numero")), visit.worker
    # Before this transaction: nobody holds two connections.
    former = former_calls(visit, number)
    with visit.reading() as reader:
        found = reader.dossiers.by_number(number, only=SHOWN_VIEWS)
        if found is None or found["demarche_numero"] not in visit.actor.grants:
            raise HTTPException(404, NO_DOSSIER)
        if found["demarche_numero"] != worker.demarche:
            return visit.back(f"/dossiers/{number}", demarche=found["demarche_numero"])
        titles = visit.check_titles(reader)
        checks, message = current_checks(found, titles), None
        if worker.programme and visit.may(Right.PERSONNES):
            message = worker.programme.message(reader, found, checks)
        _make_readable(visit, checks)
        kept_from = to_settle(checks)
        is_open = (found["presence"], found["etat"]) in ANSWERABLE
        # Of a dossier that is closed nothing is left to settle, nor what a person established.
        said = {one["controle"] for one in checks if one["reponse"] and one["resultat"] in RESULTS}
        settled = [name for name in kept_from if name not in said] if is_open else []
        may_answer = visit.may(Right.AGIR) and worker.configuration.judges and is_open
        content = _content_of(visit, reader, found)
        changes = found["changements"][::-1]
        wanted = {
            "controles": worker.configuration.judges,
            "reponses": content["form"]
            or any(v for s in content["sections"].values() for *_, v in s),
            "messages": found["messages"] and visit.may(Right.PERSONNES),
            "pieces": found["pieces"],
            "evaluations": content["grilles"],
            "lettre": message and may_answer,
        }
        counts = {
            "controles": f"{len(settled)} à régler" if settled else "",
            "changements": len(changes),
            "messages": len(found["messages"]),
            "pieces": len(found["pieces"]),
        }
        tabs = [
            (name, (title, counts.get(name, "")))
            for name, title in TABS.items()
            if wanted.get(name, True)
        ]
        onglet = visit.request.path_params.get("onglet", tabs[0][0])
        if onglet != ALL_TABS and onglet not in dict(tabs):
            # Such as of one that has nothing to show any more.
            onglet = tabs[0][0]
        return visit.page(
            "dossier.html",
            **content,
            **_answering(visit, reader, found, checks, settled, draft, may_answer=may_answer),
            found=found,
            closing=_closing(visit, found["depose_le"]),
            place=place_of(visit, reader, number),
            per_page=PER_PAGE,
            demandeur=applicant_of(found),
            former=former,
            checks=checks,
            why=_why(checks, kept_from),
            is_open=is_open,
            decision=next((one for one in found["decisions"][::-1] if one["en_vigueur"]), None),
            contradictions=_contradictions(visit, found),
            answer=_last_word(visit, reader, found),
            onglet=onglet,
            tabs=tabs,
            parameters=parameters_of(visit),
            settle=[titles.get(name, name) for name in settled],
            established=_established(checks, titles),
            check_titles=titles,
            etat_le=found.get(SINCE.get(found["etat"], "traite_le")),
            changes=changes[:SHOWN_CHANGES],
            changes_left=max(0, len(changes) - SHOWN_CHANGES),
            journal=_journal(found, reader.requests.of_dossier(number), titles),
            link=visit.in_ds and f"{visit.in_ds}/{number}",
            message=message,
            judges=worker.configuration.judges,
            copies=worker.configuration.pieces.target is not None,
        )


def _make_readable(visit: Visit, checks: Iterable[dict[str, Any]]) -> None:
    """Add to checks what is shown of them."""
    programme = visit.worker.programme
    for check in checks:
        motif = check["motif"] or ""
        check["court"] = short(check)
        fact, rule, rest = motif.partition(" Règle (")
        check["fait"], check["regle"] = fact, (rule + rest).strip()
        check["vu"] = shown_key(check["resultat"], check["motif"])
        check["reponse"] = (check["preuve"] or {}).pop(ANSWER, None)
        if programme:
            check["preuve"] = programme.words.evidence(check["preuve"] or {})


def _content_of(visit: Visit, reader: Reader, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the dossier contains, its annotations and its grids."""
    number, described = DossierNumber(found["numero"]), reader.programme
    has_programme = visit.worker.configuration.programme is not None
    form = reader.demarche.questions(number)
    suivi: list[dict[str, Any]] = []
    grids: list[dict[str, Any]] = []
    if has_programme and described.selection:
        columns = ("numero", "etape", "etape_depuis", "attend", "attend_depuis")
        suivi = reader.rows_of("lecture_suivi", columns, {"numero": number}, order="numero")
        if visit.may(Right.NOTES):
            grids = grids_of(reader, [number])[number]
    wishes = sorted(
        reader.wishes.current(WishStatus, [number]) if visit.may(Right.AGIR) else (),
        key=lambda one: ANNOTATIONS.index(one.annotation),
    )
    sections = sections_of(visit, described if has_programme else None, found)
    # The head of the page has a dossier's own facts, but for the stage that the team noted.
    noted = [one for one in sections.pop("Dossier", ()) if one[1] == "etape"]
    if noted:
        sections[words.SECTIONS[SELECTION]] = [*noted, *sections[words.SECTIONS[SELECTION]]]
    # The event that begins a presence has its name.
    gone = (e for e in found["evenements"][::-1] if e["evenement"] == found["presence"])
    return {
        "sections": sections,
        "form": [] if has_programme else answered_of(form, reader.dossiers.answers(number)),
        "labels": {one["champ_id"]: one["libelle"] for one in form},
        "suivi": next(iter(suivi), None),
        "gone_le": next((one["survenu_le"] for one in gone), None),
        "grilles": matrices(grids),
        "commentaires": commented(grids),
        "wishes": wishes,
        "conflict_key": next((key_of(one) for one in wishes if one.statut == "conflit"), None),
        "writes": visit.worker.configuration.annotations is not None,
        "pieces": [
            {**one, "empreinte": (md5_of(one["empreinte_md5"] or "") or b"").hex()}
            for one in found["pieces"]
        ],
    }


def _answering(
    visit: Visit,
    reader: Reader,
    found: Mapping[str, Any],
    checks: Sequence[dict[str, Any]],
    settled: Sequence[str],
    draft: Draft | None,
    *,
    may_answer: bool,
) -> dict[str, Any]:
    """Return what is needed to answer the checks of a dossier."""
    current = next((one for one in found.get("precontroles", ()) if one["courant"]), None)
    programme = visit.worker.programme
    part = programme.products if programme else None
    products: list[tuple[str, str]] = []
    # Whatever the check found: a page that names a product can name another one than is meant.
    if part and may_answer:
        products = sorted(part.names(reader.connection).items())
    return {
        "current": current,
        "may_answer": may_answer,
        "first": _first(checks, settled, draft) if may_answer and current else None,
        "sent_le": _sent_at(found, current) if may_answer else None,
        "names_product": part.check if part and products else None,
        "products": products,
        "draft": draft,
        "answered_here": [
            one["controle"]
            for one in checks
            if may_answer and (one["resultat"] != Resultat.SANS_OBJET or one["reponse"])
        ],
    }


def _first(
    checks: Sequence[dict[str, Any]],
    settled: Sequence[str],
    draft: Draft | None,
) -> dict[str, Any] | None:
    """Return the check to answer next: that of the draft, else the first to settle."""
    open_ones = {one["controle"]: one for one in checks if one["resultat"] != Resultat.SANS_OBJET}
    # An answer whose finding has changed since waits for a word first.
    asked = [
        name
        for name in settled
        if (one := open_ones.get(name)) and one["reponse"] and one["resultat"] not in RESULTS
    ]
    for name in (draft and draft.controle, *asked, *settled):
        if name in open_ones:
            return open_ones[name]
    return None


def _sent_at(found: Mapping[str, Any], current: Mapping[str, Any] | None) -> str | None:
    """Return when the administration last wrote to the usager since the letter's text is this one.

    Its text is that of the verdict. None: no such message is known.
    """
    at: str | None = found["dernier_message_le"]
    is_ours = at is not None and found["dernier_message_de"] == Cote.ADMINISTRATION
    return at if is_ours and current and at and at >= current["etabli_le"] else None


def _last_word(visit: Visit, reader: Reader, found: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the usager answered that nobody has acted on, as « À faire » lists it.

    The last message, else the part of the page with their changes.
    """
    since, chosen = found["repondu_le"], Selection(numeros=(found["numero"],), repondu=True)
    if not (since and visit.may(Right.PERSONNES) and reader.dossiers.numbers_of(chosen)):
        return None
    theirs = (one for one in found["messages"][::-1] if one["de"] == Cote.USAGER)
    last = next((one for one in theirs if one["envoye_le"] >= since), None)
    return {"le": since, "onglet": "messages" if last else "changements", "message": last}


def _why(checks: Sequence[Mapping[str, Any]], settled: Sequence[str]) -> str | None:
    """Return what the check found that keeps the verdict most from the best one, in a sentence."""
    motifs = {one["controle"]: one["motif"] for one in checks}
    motif = motifs.get(settled[0]) if settled else None
    # The rule and what is to be done follow it.
    return motif and words.visible(motif.partition(" Règle (")[0])


def _contradictions(visit: Visit, found: Mapping[str, Any]) -> list[str]:
    """Return what of a dossier contradicts something else of it, in sentences."""
    said = list[str]()
    programme, verdict = visit.worker.programme, found.get("verdict")
    if programme and has_stages(visit.worker) and visit.may(Right.NOTES) and "jury_le" in found:
        left = todos(found, visit.today.isoformat(), programme.words.label_in_ds, judges=False)
        said += [f"{one.actuel} : {one.voulu}." for one in left if one.groupe == "contradiction"]
    if found["etat"] == Etat.ACCEPTE and verdict == Verdict.INELIGIBLE:
        said.append(f"Accepté, alors que l’avis est « {visit.verdicts[verdict]} ».")
    return said


def _closing(visit: Visit, deposited: str) -> datetime | None:
    """Return until when deposits were in time, in Paris, for one of that day or later."""
    closing, at = visit.worker.configuration.closing, words.instant_of(deposited)
    is_late = closing and at and at.astimezone(PARIS).date() >= closing.date()
    return closing if is_late else None


def _established(checks: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> list[str]:
    """Return the checks whose result is a person's, with who established it, and when."""
    return [
        f"{titles.get(one['controle'], one['controle'])} "
        f"({person(said['auteur'])}, le {words.day(words.instant_of(said['le']))})"
        for one in checks
        if (said := one["reponse"]) and one["resultat"] in RESULTS
    ]


def sections_of(
    visit: Visit, programme: type[Programme] | None, found: Mapping[str, Any]
) -> dict[str, list[tuple[str, str, Any]]]:
    """Return the applicant, and the fields of a programme, by section: label, name and value."""
    every: dict[str, Mapping[str, str]] = {"Applicant": APPLICANT}
    if programme is not None:
        every |= programme.storage.sections
    documented, own = sentences_of(programme), visit.worker.programme

    def label(name: str) -> str:
        # As the form asks, where it does.
        asked = own.words.label_in_ds(name) if own and name not in words.LABELS else name
        return asked if asked != name else words.label(name, documented[name])

    return {
        words.SECTIONS.get(title, title): [
            (label(name), name, visit.said(name, found.get(name)))
            for name in fields
            # Beside a name, its code says nothing.
            if not name.endswith("_code")
        ]
        for title, fields in every.items()
    }


def answered_of(
    form: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the questions that were asked, with their answers, by section, in the form's order.

    The form is that of the dossier's revision.
    """
    by_champ: dict[str, list[Mapping[str, Any]]] = {}
    for one in answers:
        by_champ.setdefault(one["champ_id"], []).append(one)
    asked = [one for one in form if one["champ_id"] in by_champ]
    known = {one["champ_id"] for one in asked}
    # What is asked several times has no answer of its own.
    repeated = {one["bloc"] for one in asked}
    asked = [one for one in asked if one["champ_id"] not in repeated]
    titles = {one["champ_id"]: one["libelle"] for one in form}
    # Those that the form has no more.
    asked += [
        {**rows[0], "rubrique": None, "bloc": None, "est_annotation": False}
        for champ, rows in by_champ.items()
        if champ not in known
    ]
    sections: list[dict[str, Any]] = []
    for (rubrique, is_annotation), group in groupby(
        asked, key=lambda one: (one["rubrique"], one["est_annotation"])
    ):
        blocks: list[dict[str, Any]] = []
        for bloc, questions in groupby(group, key=lambda one: one["bloc"]):
            cells = [
                {
                    **question,
                    "valeur": row["valeur"],
                    "ligne": row["ligne"],
                }
                for question in questions
                for row in by_champ[question["champ_id"]]
            ]
            # By row, in which the questions keep their order.
            cells.sort(key=lambda one: one["ligne"] or 0)
            for row, some in groupby(cells, key=lambda one: one["ligne"]):
                title = titles.get(bloc)
                named = f"{title}, {row}" if title and row else title
                blocks.append({"libelle": named, "cellules": list(some)})
        libelle = titles.get(rubrique)
        sections.append({"libelle": libelle, "est_annotation": is_annotation, "blocs": blocks})
    return sections


def _journal(
    found: Mapping[str, Any], requests: Sequence[ManualRequest], titles: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return who did what: events, decisions in DS, requests by hand; the last one first."""
    entries: list[dict[str, Any]] = [
        {
            "le": one["survenu_le"],
            "quoi": words.EVENEMENTS.get(one["evenement"], one["evenement"]),
            "evenement": one,
        }
        for one in found["evenements"]
    ]
    entries += [
        {"le": one["decide_le"], "quoi": words.ETATS[one["etat"]], "decision": one}
        for one in found["decisions"]
    ]
    entries += [
        {
            "le": one.demande_le.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "quoi": words.GENRES.get(one.genre, one.genre),
            "demande": one,
        }
        for one in requests
    ]
    return sorted(entries, key=lambda one: str(one["le"]), reverse=True)


def in_copy(
    visit: Visit, reader: Reader, number: DossierNumber, *, only: Sequence[str]
) -> dict[str, Any]:
    """Return a dossier of the démarche with these of its views; 404: it is not in the copy."""
    found = reader.dossiers.by_number(number, only=only)
    if found is None or found["demarche_numero"] != visit.worker.demarche:
        raise HTTPException(404, NO_DOSSIER)
    return found


def piece(visit: Visit) -> Response:
    """Send the copy of a file, if it is still the file that DS announced; else 404."""
    number = DossierNumber(visit.in_path("numero"))
    with visit.reading() as reader:
        found = in_copy(visit, reader, number, only=("pieces",))
    wanted = visit.request.path_params["empreinte"]
    for one in found["pieces"]:
        digest = md5_of(one["empreinte_md5"] or "")
        if one["copie"] and digest is not None and digest.hex() == wanted:
            body = open_copy(one["copie"], one["taille"], one["empreinte_md5"])
            if body is not None:
                return sent(body, words.visible(one["nom"]))
    raise HTTPException(
        404,
        "Il n’y a pas de copie vérifiée de ce fichier : l’équipe\u00a0technique peut la refaire.",
    )


def explain(visit: Visit) -> Response:
    """Show the individual account of a verdict, to be printed; `etabli_le`: of a former one.

    `le`: instead, all that is known of a day. 404: it had no verdict then.
    """
    number, programme = DossierNumber(visit.in_path("numero")), visit.worker.programme
    at, on = visit.instant("etabli_le"), visit.query("le")
    with visit.reading() as reader:
        if on and programme:
            found = in_copy(visit, reader, number, only=VIEWS)
            logs = visit.worker.configuration.retention.logs
            try:
                record = record_of_day(reader, programme, found, day_of("le", on), visit.now, logs)
            except ConfigurationError as exc:
                raise HTTPException(404, NOT_THAT_DAY) from exc
            paper = page_of_day(record, programme)
            return visit.page("explication.html", numero=number, paper=paper, le=on)
        found = in_copy(visit, reader, number, only=("precontroles", "controles"))
        kept = reader.verdicts.rules()
        account = programme.account(kept, found, at) if programme else None
        if account is None:
            raise HTTPException(404, "Ce dossier n’a pas d’avis à expliquer à cette date.")
        paper = account_page(account, visit.worker.configuration.applicant)
        return visit.page("explication.html", numero=number, paper=paper, le=None)


def read_again(visit: Visit) -> Response:
    """« Relire »: ask for a read of the dossier."""
    return visit.ask(ReadDossiers(_numbers(visit)))


def say_sent(visit: Visit) -> Response:
    """« J’ai envoyé ce message »: it counts as sent while DS does not show it."""
    numbers = _numbers(visit)
    with visit.reading() as whole:
        found = in_copy(visit, whole, numbers[0], only=())
        place = place_of(visit, whole, numbers[0])
    if (found["presence"], found["etat"]) not in ANSWERABLE:
        return visit.refuse(OBSTACLES[Obstacle.FINISHED], f"/dossiers/{numbers[0]}/lettre")
    work, parameters = ReadDossiers(numbers, sent=True), parameters_of(visit)
    return visit.ask(work, suite=place and place.apres, **parameters)


def send_again(visit: Visit) -> Response:
    """« Renvoyer »: ask for a push of the dossier."""
    if visit.worker.configuration.annotations is None:
        raise HTTPException(400, "Cette démarche n’inscrit rien dans Démarches Simplifiées.")
    return visit.ask(Push(_numbers(visit)))


def judge_again(visit: Visit) -> Response:
    """« Rejuger », by the present rules."""
    visit.need_judged()
    return visit.ask(Precheck(_numbers(visit)))


def answer(visit: Visit) -> Response:
    """« Répondre »: establish the result of a check, or withdraw the answer.

    400: the démarche judges nothing.
    """
    visit.need_judged()
    numbers, controle = _numbers(visit), visit.form.get("controle", "")
    work: Answering
    if visit.form.get("retirer"):
        work = WithdrawAnswer(numbers, controle)
    else:
        resultat = visit.form.get("resultat")
        if resultat not in RESULTS:
            return _refused(visit, "Choisissez « conforme » ou « non conforme ».")
        reason, shown = visit.form.get("motif", ""), visit.form.get("vu")
        produit = visit.form.get("produit", "").strip() or None
        seen = {numbers[0]: shown} if shown else None
        work = AnswerCheck(numbers, controle, resultat, reason, seen, produit)
    with visit.reading() as whole:
        why = obstacle(whole, work)
        said = why and _said(visit, whole, why, work)
        # Looked for before it is answered: afterwards, the list may not have it any more.
        place = place_of(visit, whole, numbers[0])
    if said is None:
        return visit.ask(work, suite=place and place.apres, **parameters_of(visit))
    if why is Obstacle.NO_DOSSIER:
        raise HTTPException(404, NO_DOSSIER)
    return _refused(visit, said)


def _refused(visit: Visit, said: str) -> Response:
    """Show the dossier with why an answer was not stored, and with what was typed."""
    draft = Draft.of(visit.form)
    visit.say(said, kind="warning")
    visit.page_path = f"/dossiers/{visit.in_path('numero')}"
    return _show(visit, draft if draft.motif.strip() else None)


def _said(visit: Visit, whole: Reader, why: Obstacle, work: Answering) -> str:
    """Return why nothing was stored; where a colleague answered first, who and what."""
    if isinstance(work, AnswerCheck) and why is Obstacle.UNKNOWN_PRODUCT:
        near = nearest_product(whole, work.produit or "")
        return OBSTACLES[why].format(
            produit=words.visible(work.produit or ""),
            proche=f" Le plus proche : {near}." if near else "",
        )
    found = whole.verdicts.for_judging(work.dossiers)
    due = found[0] if found else None
    given = due.answers.get(work.controle) if due else None
    made = due.current.controles if due and due.current else ()
    # Not where what the colleague saw has changed since.
    stands = any(one.controle == work.controle and is_settled(one) for one in made)
    is_theirs = given is not None and given.auteur != visit.actor.name
    if why is not Obstacle.CHANGED or given is None or not (stands and is_theirs):
        return OBSTACLES[why]
    result = words.RESULTATS[given.resultat].lower()
    return (
        f"{person(given.auteur)} a répondu à ce contrôle le {words.moment(given.repondu_le)} : "
        f"{result} ({words.visible(given.motif)}). Répondez de nouveau si vous établissez autre "
        "chose : votre texte est resté dans le formulaire."
    )


ERASED = (
    "N’en restent ici que le numéro, l’état, les dates et les avis sans leurs textes ; les copies "
    "de fichiers sont supprimées. Rien ne change dans Démarches Simplifiées. Rien n’est recopié, "
    "tant que personne n’annule l’effacement."
)
"""What follows an erasure."""


def erase(visit: Visit) -> Response:
    """« Effacer » the dossier from the copy, once that is confirmed, or undo it."""
    [number] = numbers = _numbers(visit)
    with visit.reading() as reader:
        found = in_copy(visit, reader, number, only=())
        points = _hanging(visit, reader, found)
    undo = bool(visit.form.get("annuler"))
    if not undo and not visit.form.get("confirme"):
        return visit.confirm(
            f"Effacer le dossier {number} de la copie ?",
            ERASED,
            "Effacer le dossier",
            f"/dossiers/{number}",
            points=points,
        )
    if undo:
        # Only a read brings the content back, and it is executed after what is asked for first.
        visit.ask(LiftErasure(numbers))
        return read_again(visit)
    return visit.ask(Erase(numbers))


def _hanging(
    visit: Visit, reader: Reader, found: Mapping[str, Any]
) -> list[tuple[str, str | None]]:
    """Return what hangs on a dossier that is to be erased, and what to do instead."""
    number, said = found["numero"], list[tuple[str, str | None]]()
    columns, where = ("jury_le", "rang", "nb_evaluateurs"), {"numero": number}
    juries = (
        reader.rows_of("lecture_jury_dossier", columns, where, order="numero")
        if has_stages(visit.worker)
        else ()
    )
    for one in juries:
        rank, day = one["rang"], words.day(one["jury_le"])
        grids = words.plural(one["nb_evaluateurs"], "grille")
        place = f"rang {rank}, {grids}" if rank else f"sans rang, {grids}"
        moves = ", et les rangs suivants remontent d’un" if rank else ""
        text = f"Il est au jury du {day} ({place}) : il en sort{moves}."
        said.append((text, visit.url("/jury", le=one["jury_le"])))
    if found["demande_le"]:
        day = words.day(found["demande_le"])
        said.append((f"L’équipe lui a demandé quelque chose le {day} : la lettre s’efface.", None))
    limited = (
        "Le limiter sans l’effacer : classé sans suite dans Démarches Simplifiées, il ne reçoit "
        "plus rien de dsync ; les lecteurs le voient, sans nom ni texte"
    )
    if juries:
        limited += " ; vider sa date de jury, dans ses annotations, l’ôte aux jurés"
    in_ds = visit.in_ds and f"{visit.in_ds}/{number}"
    return [
        *said,
        ("Les sauvegardes le gardent jusqu’à leur propre fin.", None),
        ("Le supprimer aussi dans Démarches Simplifiées s’y fait.", in_ds),
        (f"{limited}.", None),
        ("Refuser la demande : annulez ici ; la réponse et son motif s’écrivent ailleurs.", None),
    ]


def _numbers(visit: Visit) -> tuple[DossierNumber]:
    return (DossierNumber(visit.in_path("numero")),)


PAGES = [
    ("GET", "/dossiers/{numero}", show, Right.LIRE),
    ("GET", "/dossiers/{numero}/explication", explain, Right.LIRE),
    ("GET", "/dossiers/{numero}/effacer", erase, Right.ADMINISTRER),
    ("GET", "/dossiers/{numero}/{onglet}", show, Right.LIRE),
    ("GET", "/dossiers/{numero}/pieces/{empreinte}", piece, Right.PERSONNES),
    ("POST", "/dossiers/{numero}/relire", read_again, Right.AGIR),
    ("POST", "/dossiers/{numero}/renvoyer", send_again, Right.AGIR),
    ("POST", "/dossiers/{numero}/envoye", say_sent, Right.AGIR),
    ("POST", "/dossiers/{numero}/rejuger", judge_again, Right.AGIR),
    ("POST", "/dossiers/{numero}/repondre", answer, Right.AGIR),
    ("POST", "/dossiers/{numero}/effacer", erase, Right.ADMINISTRER),
]
