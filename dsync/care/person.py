"""What is held of a person, and the draft of the answer that article 15 of the GDPR asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Any

from dsync.domain.documented import Declared
from dsync.domain.dossier import PARIS
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.domain.paper import Block, Paper, heading, items, paragraph, table
from dsync.domain.rights import NoticeFacts, processing
from dsync.domain.wording import french_date, unaccented
from dsync.errors import ConfigurationError, StoreError
from dsync.programme import Dictionary
from dsync.store import Reader, Store
from dsync.store.codes import Seen
from dsync.store.dictionary import DOSSIER_COLUMNS, label_of
from dsync.store.listing import applicant_of as applicant_of_row
from dsync.store.personal_data import OTHER, Act, Others, names_in, wanted_of


def look_up(
    store: Store,
    text: str,
    asked_by: str,
    clock: Callable[[], datetime],
    demarche: DemarcheNumber | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
    journaled: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the values that have the words of a text, and the dossiers whose applicant they name.

    Of a text that nothing has, similar names (`proches`). Excerpts, and the applicants of other
    dossiers, name nobody else.

    The text is as of `wanted_of`: e-mail addresses, names, numbers. The journal has that `asked_by`
    looked, when, which dossiers were found and what `journaled` says, and not the text. Without a
    démarche, all are looked through. `progress` is called with how much was looked through, and how
    much there is.

    Raises:
        ConfigurationError: the text is too short; nothing was looked for.
        StoreError: it could not be journaled.
    """
    began = clock()
    with store.reading(demarche) as reader:
        hits = reader.persons.search(text, progress)
    numbers = sorted({one.numero for one in hits if one.numero})
    with store.reading(demarche) as reader:
        files = reader.persons.copies(numbers)
        applicant_of = reader.persons.applicant_of(hits)
        dossiers = reader.persons.dossiers(numbers)
        others = reader.persons.others(numbers, wanted_of(text))
        for number in applicant_of[:MOST]:
            others[number] = _others(reader, DossierNumber(number), text)
    of_nobody = Others(wanted_of(text))
    for row in dossiers:
        if row["numero"] not in applicant_of and (who := applicant_of_row(row)):
            hidden = others[row["numero"]].hide(who)
            row |= {"raison_sociale": hidden, "demandeur_prenom": None, "demandeur_nom": None}
    close = list[str]()
    # Before anybody sees the result.
    for number in store.demarches() if demarche is None else (demarche,):
        theirs = [one._asdict() for one in hits if one.demarche_numero == number]
        found = sorted({one["numero"] for one in theirs if one["numero"]})
        options = {**({"dossiers": found} if found else {}), **(journaled or {})}
        result = {"nombre": len(distinct(theirs))}
        if not hits:
            with store.reading(number) as reader:
                close += reader.dossiers.close_to(text)
        try:
            with store.requests(number) as requests:
                requests.record(
                    Seen.PERSON, options, asked_by, since=began, now=clock(), result=result
                )
        except StoreError as exc:
            raise StoreError(
                "What was found is not shown, because that somebody looked cannot be journaled: "
                f"{exc.message}"
            ) from exc
    declared = {one.table.name: one for one in store.holdings()}
    return {
        "le": began,
        "trouve": [
            one._asdict() | {"extrait": others.get(one.numero or 0, of_nobody).excerpt(one.valeur)}
            for one in hits
        ],
        "demandeur_de": applicant_of,
        "proches": [*dict.fromkeys(close)],
        "dossiers": dossiers,
        "fichiers": files,
        "tables": {
            name: {
                "contenu": declared[name].contents,
                "duree": declared[name].until,
                "colonnes": {n: label_of(c.sentence) for n, c in declared[name].columns.items()},
            }
            for name in dict.fromkeys(one.table for one in hits)
        },
    }


def distinct(hits: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return what `look_up` found, each value of a dossier once, whichever tables have it."""
    kept: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for rank, one in enumerate(hits):
        number = one["numero"]
        # What is of no dossier, such as a line of a journal, stands for itself.
        key = (rank,) if number is None else (number, one["acte"], one["valeur"].strip())
        kept.setdefault(key, one)
    return [*kept.values()]


MOST = 100
"""Dossiers of one applicant: a text that names more is no person's."""
ACTS: Mapping[str, str] = {
    Act.CORRECT: "se corrige dans Démarches Simplifiées ; s’efface ici avec le dossier",
    Act.ERASE: "trace de ce qui était : ne se corrige pas, s’efface avec le dossier",
    Act.ANSWER: "à communiquer ; s’efface à son terme",
}
"""What fits, by act."""
_TITLES = {
    "etapes": "Étapes",
    "voeux": "Vœux",
    "evaluations": "Évaluations",
    "notes": "Notes des évaluations",
    "precontroles": "Avis du pré-contrôle",
    "controles": "Contrôles",
    "annotations": "Inscriptions dans Démarches Simplifiées",
    "pieces": "Pièces jointes",
    "changements": "Changements",
    "decisions": "Décisions",
    "reponses": "Réponses de l’équipe aux contrôles",
    "messages": "Messages",
    "evenements": "Événements",
    "anomalie": "Anomalies",
}
"""Of the lists of a dossier, by their key in its document; others have that key."""
_ORIGINS = {"champ": "Réponses au formulaire", "annotation": "Annotations de l’équipe"}
_AGENTS = frozenset(
    {"instructeurs", "instructeur_courriel", "auteur", "auteur_courriel", "finie_par", "evaluateur"}
)
"""Columns that name agents: access to one's own data is none to theirs (article 15, 4)."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

_NAMED = re.compile(
    r"prenom|\bnoms? (?:de famille|d'usage|(?:et|ou) |(?:du|de la|de l'|des) ?(?:agent|auteur|chef|"
    r"contact|correspondant|declarant|demandeur|deposant|directeur|directrice|evaluat|mandataire|"
    r"personne|point de contact|porteu|referent|representant|responsable|signataire|sponsor))"
)
"""Of the label of a champ into which the name of a person is typed."""
_WITHHELD = (
    f"Ce qui désigne d’autres personnes ({OTHER}), et le nom des agents et des membres du jury : "
    "la copie ne porte pas atteinte aux droits d’autrui (article 15, 4).",
    "Les commentaires du jury sont ci-dessus s’il y en a : à remettre, à occulter ou à retenir, au "
    "délégué d’en décider, avec le motif [à compléter].",
    "Le contenu des pièces jointes et les sauvegardes : ils ne sont pas cherchés ici. Ce que "
    "Démarches Simplifiées garde de son côté se demande à son délégué.",
)

Reading = Callable[[DemarcheNumber], AbstractContextManager[Reader]]


def access_answer(
    found: Mapping[str, Any],
    text: str,
    facts: Mapping[int, NoticeFacts],
    dictionary: Dictionary,
    reading: Reading,
    today: date,
) -> Paper:
    """Return the page for what `look_up` found by a text.

    `facts` are those of each démarche of the dossiers; `reading` opens a transaction about one.

    Raises:
        ConfigurationError: the text names the applicants of more than `MOST` dossiers.
    """
    applicant_of = found["demandeur_de"]
    if len(applicant_of) > MOST:
        raise ConfigurationError(
            f"Applicants of {len(applicant_of)} dossiers have these words, of which a person has "
            f"{MOST} at most: give the e-mail address, the whole name or the SIRET."
        )
    distinct: list[tuple[int, list[Block]]] = []
    for number, one in facts.items():
        blocks = processing(one)
        if all(blocks != known for _, known in distinct):
            distinct.append((number, blocks))
    processed, named = list[Block](), ", ".join(f"« {one} »" for one in names_in(text))
    for number, blocks in distinct:
        if len(distinct) > 1:
            processed.append(heading(f"Traitement des dossiers de la démarche {number}"))
        processed += blocks
    return Paper(
        "Données personnelles conservées (RGPD, article 15)",
        [
            paragraph(
                f"Projet de réponse établi le {french_date(today)}, d’après : {named}. Demande "
                "reçue le [à compléter] ; réponse due un mois après, le [à compléter] (article 12, "
                "3). À relire avant l’envoi : écartez les homonymes ; ôtez les noms que dsync ne "
                "connaît pas, dans les textes ; joignez les pièces demandées. Cherchez aussi les "
                "autres identifiants de la personne : ce qui n’en a aucun est tenu pour d’un autre."
            ),
            heading("Ce qui est conservé"),
            *_finds(found),
            *_files(found["fichiers"]),
            *_copies(found, text, dictionary, reading),
            heading("Ce qui n’est pas remis, et pourquoi"),
            items(_WITHHELD),
            *processed,
        ],
    )


def _finds(found: Mapping[str, Any]) -> Iterator[Block]:
    hits, declared = distinct(found["trouve"]), found["tables"]
    if not hits:
        yield paragraph("Rien de ce qui est conservé n’a ces mots.")
    for one in found["dossiers"]:
        number = one["numero"]
        yield heading(f"Dossier {number}", level=3)
        yield paragraph(f"{_context(one)} {_role(number in found['demandeur_de'])}")
        yield _table([hit for hit in hits if hit["numero"] == number], declared)
    if others := [hit for hit in hits if hit["numero"] is None]:
        yield heading("Hors des dossiers", level=3)
        yield _table(others, declared)
    if declared:
        yield heading("Où c’est conservé, et jusqu’à quand", level=3)
        rows = [(one["contenu"], one["duree"]) for one in declared.values()]
        yield table(
            ("Table", "Jusqu’à"), [[cell.replace("'", "’") for cell in row] for row in rows]
        )


def _context(dossier: Mapping[str, Any]) -> str:
    who = applicant_of_row(dossier)
    return (
        f"Démarche {dossier['demarche_numero']}, déposé le "
        f"{french_date(dossier['depose_le'].astimezone(PARIS).date())}, "
        f"{dossier['etat'].replace('_', ' ')}{f' ; demandeur : {who}' if who else ''}."
    )


def _role(is_applicant: bool) -> str:
    if is_applicant:
        return "Ces mots désignent son demandeur : la copie du dossier est plus bas."
    return "Ces mots y figurent, sans désigner son demandeur."


def field_of(hit: Mapping[str, Any], declared: Mapping[str, Any]) -> str:
    """Return the label of the value of a find; `declared` is what `look_up` says of its table."""
    column = hit["champ"].partition(".")[0]
    return str(hit["libelle"] or declared["colonnes"].get(column, column))


def _table(hits: Sequence[Mapping[str, Any]], declared: Mapping[str, Any]) -> Block:
    return table(
        ("Donnée", "Ce qui est écrit", "Ce qui convient"),
        [
            (field_of(one, declared[one["table"]]), one["extrait"], ACTS[one["acte"]])
            for one in hits
        ],
    )


def _files(files: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    if files:
        yield heading("Fichiers, dont le contenu n’a pas été cherché")
        yield items(
            f"dossier {one['numero']}, {one['libelle'] or one['champ_id']} : {one['adresse']}"
            for one in files
        )


def _copies(
    found: Mapping[str, Any], text: str, dictionary: Dictionary, reading: Reading
) -> Iterator[Block]:
    """Yield the person's own dossiers, without what names others."""
    wanted = {*found["demandeur_de"]}
    for dossier in found["dossiers"]:
        number = dossier["numero"]
        if number not in wanted:
            continue
        with reading(DemarcheNumber(dossier["demarche_numero"])) as reader:
            document = reader.dossiers.by_number(number)
            answers = reader.dossiers.answers(number)
            views = {key: one.name for key, one in reader.dossiers.views.items()}
            if document is None:
                continue
            others = _others(reader, number, text)
        for block in _copy(document, answers, views, dictionary):
            rows = [[others.hide(cell) for cell in row] for row in block.rows]
            yield block._replace(rows=rows)


def _others(reader: Reader, number: DossierNumber, text: str) -> Others:
    """Return what hides others in a dossier: those of its former answers and its jury, too."""
    keys = ("changements", "evaluations")
    document = reader.dossiers.by_number(number, only=keys) or {}
    typed = [*reader.dossiers.answers(number), *document.get("changements", ())]
    named = [
        one[name]
        for one in typed
        if _NAMED.search(unaccented(one["libelle"] or ""))
        for name in one
        if name.endswith("valeur")
    ]
    named += [one["evaluateur"] for one in document.get("evaluations", ())]
    return reader.persons.others([number], wanted_of(text), [*filter(None, named)])[number]


def _copy(
    document: Mapping[str, Any],
    answers: Sequence[Mapping[str, Any]],
    views: Mapping[str, str],
    dictionary: Dictionary,
) -> Iterator[Block]:
    yield heading(f"Copie du dossier {document['numero']}")
    own = {name: document.get(name) for name in DOSSIER_COLUMNS if name not in _AGENTS}
    yield table(
        ("Donnée", "Valeur"),
        [
            (label_of(DOSSIER_COLUMNS[name].sentence), _said(value))
            for name, value in own.items()
            if value not in (None, "", [])
        ],
    )
    for origin, title in _ORIGINS.items():
        if given := [
            (one["libelle"] or "", one["valeur"])
            for one in answers
            if one["origine"] == origin and one["valeur"]
        ]:
            yield heading(title, level=3)
            yield table(("Question", "Réponse"), given)
    for key, view in views.items():
        if rows := document.get(key):
            yield heading(_TITLES.get(key, key), level=3)
            yield _rows(rows, dictionary[view].columns)


def _rows(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Declared]) -> Block:
    shown = [
        name
        for name in rows[0]
        if name not in _AGENTS and any(row[name] not in (None, "", []) for row in rows)
    ]
    titles = [label_of(columns[name].sentence) if name in columns else name for name in shown]
    return table(titles, [[_said(row[name]) for name in shown] for row in rows])


def _said(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "oui" if value else "non"
        case str() if _INSTANT.fullmatch(value):
            at = datetime.fromisoformat(value).astimezone(PARIS)
            return f"{at:%d/%m/%Y %H:%M}"
        case list():
            return ", ".join(map(_said, value))
        case dict():
            return json.dumps(value, ensure_ascii=False)
    return str(value)
