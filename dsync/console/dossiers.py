"""The list of dossiers: filters in the address, sorted and paged by the database, exported."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from starlette.responses import Response

from dsync.care.state import SILENT_DAYS
from dsync.console import words
from dsync.console.access import Right
from dsync.console.elsewhere import found_elsewhere
from dsync.console.files import Download, file_of, prepared
from dsync.console.visit import (
    UnknownValueError,
    Viewer,
    Visit,
    has_stages,
    instant_of,
    said_filters,
)
from dsync.domain.check_answers import ANSWER, COURT, TO_CONFIRM
from dsync.domain.conversation import Cote
from dsync.domain.documented import MASKED, Declared
from dsync.domain.dossier import OPEN_ETATS
from dsync.domain.ids import DossierNumber, number_of
from dsync.domain.judging import RULE, TO_DO
from dsync.domain.rights import opened
from dsync.domain.verdict import NO_VERDICT, Resultat, Verdict, best
from dsync.domain.wording import dialled, fold
from dsync.exports.export import tables_of
from dsync.exports.view_tables import BATCH, ExportTable
from dsync.programme import Programme
from dsync.store import Reader
from dsync.store.dictionary import DOSSIER_COLUMNS
from dsync.store.form_views import PREFIX
from dsync.store.listing import (
    TO_SETTLE,
    Around,
    Offered,
    Selection,
    applicant_of,
    persons_found,
)
from dsync.store.reading_views import shipped_dictionary

PER_PAGE = 50
ALL = 1_000_000_000
VERDICTS = {verdict.key: verdict.value for verdict in Verdict} | {NO_VERDICT: NO_VERDICT}
"""What the database calls verdicts, by their name in addresses."""
COLUMNS = {
    "numero": "Dossier",
    "produit_id": "Produit",
    "raison_sociale": "Demandeur",
    "verdict": "Avis",
    "points": "Motif",
    "etat": "État",
    "etape": "Étape",
    "attend": "À qui d’agir",
    "attend_depuis": "Attend depuis le",
    "verdict_etabli_le": "Avis depuis le",
    "departement_nom": "Département",
    "profils": "Profils",
    "groupe_instructeur": "Groupe instructeur",
    "note_moyenne": "Moyenne",
    "labels": "Étiquettes",
    "depose_le": "Déposé le",
    "champs_modifie_le": "Modifié le",
    "repondu_le": "A écrit ou corrigé le",
    "traite_le": "Décidé le",
}
"""The columns of the list with their headers."""
CHOSEN = (
    *("numero", "produit_id", "raison_sociale", "verdict", "etat", "attend"),
    *("groupe_instructeur", "points"),
)
"""Those of a list for which nobody chose any; of a démarche without a programme, also the first
questions of its form. The reason is a line of its own."""
FIRST_QUESTIONS = 3
QUESTION = "q."
"""What the name of a column of the form begins with in an address."""
ALWAYS = ("points", "note_moyenne", "depose_le", "champs_modifie_le")
"""The columns that a file has in any case."""
DSYNCS = "avis_dsync"
"""The column of a file with dsync's verdict, beside the one in force, which may be the team's."""
OTHERS = ("etape", "attend")
"""Names of the list that are other columns of a view."""
INSTANTS = (
    *("depose_le", "champs_modifie_le", "traite_le"),
    *("verdict_etabli_le", "repondu_le", "attend_depuis"),
)
SINCE = ("arrive_depuis", "repondu_depuis")
DAYS = ("depose_du", "depose_au")
OF_DOSSIERS = ("rattachement", "departement", "region", "profil", "groupe", "etiquette")
"""The filters whose values are those of the dossiers or of the démarche: a dossier can still have
what the démarche has no more."""
OWN = ("profil", "produit")
"""The programme's filters."""
RESULTS = {
    Resultat.A_VERIFIER.value: Resultat.A_VERIFIER.label,
    Resultat.NON_CONFORME.value: Resultat.NON_CONFORME.label,
    "indetermine": Resultat.IMPOSSIBLE.label,
    TO_CONFIRM: "Réponse à confirmer",
    TO_SETTLE: "À régler, quel qu’il soit",
    Resultat.CONFORME.value: "Conforme ou non examiné",
}
"""What a check is filtered by, as addresses name it."""
MOST, LONGEST_NAME = 30, 60
"""Maximum number of lists that a person keeps, and of the characters of a name."""
LONGEST_REASON = 200
"""Characters of a reason in the list; the file has it whole."""

_TO_CALL = re.compile(r"telephone|nom\b.*contact")
"""The questions whose answers are whom to call, and by which number."""
NTH = "\u00a0n°\u00a0"
"""Before the rank of a question that is asked in the words of another one."""
_ASKED = re.compile(r"«\s(.*?)\s»(.*?) \((?:champ|annotation),.*", re.DOTALL)


class Columns(NamedTuple):
    """What a list can show."""

    own: dict[str, str]
    """The headers of the columns that all démarches of this kind have, by name."""
    questions: dict[str, str]
    """The questions of the form as they are asked, by the names of its columns with `QUESTION`
    before."""
    form: ExportTable | None
    """The view of the form, with the columns of its questions; None: nothing was read yet."""
    chosen: list[str]
    """The names of those that are shown; of the form, with `QUESTION` before."""
    is_usual: bool
    """Whether they are those of a list for which nobody chose any."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the shown columns, by name."""
        every = self.own | self.questions
        return {name: every[name] for name in self.chosen}

    @property
    def shown_form(self) -> ExportTable | None:
        """The view of the form with the shown columns alone; None: there are none."""
        names = [one.removeprefix(QUESTION) for one in self.chosen if one.startswith(QUESTION)]
        if self.form is None or not names:
            return None
        return replace(self.form, columns={name: self.form.columns[name] for name in names})


def selection_of(visit: Visit) -> Selection:
    """Return what the address asks for; a value that is not offered selects nothing.

    400: a day or a number is none.
    """
    verdict, resultat = visit.query("verdict"), visit.query("resultat")
    sort = visit.query("tri") or "numero"
    numeros, q = visit.query("numeros"), visit.query("q")
    if q is not None and not numeros:
        q, numeros = typed(q)
    some = [number_of(one) for one in numeros.split(",")] if numeros else None
    if numeros and some and None in some:
        raise UnknownValueError("numeros", numeros, "Des numéros séparés par « , » sont attendus.")
    return Selection(
        q=q,
        etat=visit.query("etat"),
        verdict=verdict and VERDICTS.get(verdict, verdict),
        presence=visit.query("presence"),
        etape=visit.query("etape"),
        attend=visit.query("attend"),
        controle=visit.query("controle"),
        resultat=Resultat.IMPOSSIBLE.value if resultat == "indetermine" else resultat,
        seul=visit.query("seul") is not None,
        corrigible=_corrigible(visit) if visit.query("corrigible") else None,
        rattachement=visit.query("rattachement"),
        departement=visit.query("departement"),
        region=visit.query("region"),
        own={name: value for name in OWN if (value := visit.query(name)) is not None},
        depose_du=visit.day("depose_du"),
        depose_au=visit.day("depose_au"),
        numeros=None if some is None else tuple(filter(None, some)),
        groupe=visit.query("groupe"),
        suivi_par=visit.name if visit.query("suivi") is not None else None,
        etiquette=visit.query("etiquette"),
        conflit=visit.query("conflit") is not None,
        contredit=visit.query("contredit") is not None,
        repondu=visit.query("repondu") is not None,
        sans_reponse_depuis=_silent_since(visit),
        arrive_depuis=visit.instant("arrive_depuis"),
        repondu_depuis=visit.instant("repondu_depuis"),
        tri=sort if sort in COLUMNS else "numero",
        descendant=visit.query("ordre") == "desc",
    )


def _corrigible(visit: Visit) -> tuple[str, ...]:
    """Return the names of the checks that another answer of the applicant can settle."""
    configuration, programme = visit.worker.configuration, visit.worker.programme
    sections = configuration.programme or configuration.declared
    part = programme.products if programme else None
    return tuple(
        one.nom
        for one in (sections.controles if sections else ())
        if one.demande
        or (one.exige and one.exige.tous_presents)
        or (part and one.nom == part.check)
    )


_NUMBERS = re.compile(r"[\d\s.,;\u202f\xa0]+")


def typed(q: str) -> tuple[str | None, str | None]:
    """Return what is searched for, else the numbers of dossiers, of a text of digits.

    A SIREN, a SIRET or a telephone number is written with spaces; several numbers of dossiers are
    separated.
    """
    if (number := dialled(q)) != q:
        return number, None
    if not _NUMBERS.fullmatch(q):
        return q, None
    digits, parts = re.sub(r"\D", "", q), re.findall(r"\d+", q)
    if len(parts) < 2 or len(digits) in (9, 14):
        return digits or q, None
    return None, ",".join(parts)


def _close_to(visit: Visit, reader: Reader, q: str | None) -> list[str]:
    """Return names of persons, products and organisations similar to what found nothing."""
    if not q:
        return []
    programme = visit.worker.programme
    part = programme.products if programme and visit.may(Right.TEXTES) else None
    return reader.dossiers.close_to(q, part.names(reader.connection).values() if part else ())


def _silent_since(visit: Visit) -> datetime | None:
    if not visit.query("sans_reponse"):
        return None
    days = visit.number("sans_reponse", default=SILENT_DAYS, most=3650)
    return visit.now - timedelta(days=days)


def values_of(visit: Visit, reader: Reader, offered: Offered) -> dict[str, Mapping[str, str]]:
    """Return the values of the filters that have some to choose from, with their words."""
    etiquettes, groupes = reader.demarche.labels_and_groupes()
    part = reader.programme.selection
    stages = part.stages if part and has_stages(visit.worker) else ()
    judges = visit.worker.configuration.judges
    every: dict[str, Iterable[str]] = {
        "etape": stages,
        "profil": offered.own.get("profil", ()),
        "groupe": groupes,
        "etiquette": etiquettes,
    }
    return {
        "verdict": visit.verdict_names,
        "controle": {k: opened(v) for k, v in visit.check_titles(reader).items()} if judges else {},
        "resultat": RESULTS,
        "etat": words.LISTED_ETATS,
        "attend": part.waits if part and stages else {},
        "presence": words.PRESENCES,
        "rattachement": offered.rattachements,
        "departement": offered.departements,
        "region": offered.regions,
        **{name: {one: one for one in some} for name, some in every.items()},
    }


def _possible(visit: Visit, chosen: str | None) -> dict[str, str]:
    """Return the words for the verdicts that dossiers have, and for one that is chosen anyway."""
    own = visit.worker.configuration.best
    never = {one.key for one in Verdict if best(one) == best(own) and one is not own}
    names = visit.verdict_names.items()
    return {name: said for name, said in names if name not in never or name == chosen}


def parameters_of(visit: Visit) -> dict[str, Any]:
    """Return the parameters of the selection, for the addresses of its other pages."""
    names = (*words.FILTERS, "tri", "ordre")
    found = {name: value for name in names if (value := visit.query(name)) is not None}
    wanted = _wanted(visit)
    return found | ({"colonnes": ",".join(wanted)} if wanted else {})


def _wanted(visit: Visit) -> list[str]:
    """Return the columns that the address names, by one parameter or by several."""
    given = visit.request.query_params.getlist("colonnes")
    return [name for value in given for name in value.split(",") if name]


def columns_of(visit: Visit) -> Columns:
    """Return the columns of the list that the démarche has, and which are shown."""
    worker, programme = visit.worker, visit.worker.programme
    judges = worker.configuration.judges
    hidden = set() if judges else {"verdict", "points", "verdict_etabli_le"}
    if programme is None or programme.lists is None:
        hidden |= {"produit_id", "profils"}
    if not has_stages(worker):
        hidden |= {"etape", "attend", "attend_depuis", "note_moyenne"}
    if not visit.may(Right.NOTES):
        hidden.add("note_moyenne")
    own = {name: header for name, header in COLUMNS.items() if name not in hidden}
    form = form_of(visit)
    questions = _questions(form.columns if form else {})
    # Who has to act says more than a state.
    usual = [name for name in CHOSEN if name in own and (name != "etat" or "attend" not in own)]
    if programme is None and form is not None:
        asked = [name for name, one in form.columns.items() if "(champ," in one.sentence]
        usual[-2:-2] = [f"{QUESTION}{name}" for name in asked[:FIRST_QUESTIONS]]
    # The number leads to the dossier.
    chosen = ["numero", *(one for one in _wanted(visit) if one in own or one in questions)]
    is_usual = {*chosen} in ({"numero"}, {*usual})
    shown = usual if is_usual else list(dict.fromkeys(chosen))
    return Columns(own, questions, form, shown, is_usual)


def _personal(columns: Mapping[str, Declared], headers: Mapping[str, str]) -> list[str]:
    """Return the headers of the columns of a form that have personal data or free text."""
    return [headers[f"{QUESTION}{name}"] for name, one in columns.items() if one.mark in MASKED]


def _questions(columns: Mapping[str, Declared]) -> dict[str, str]:
    found: dict[str, str] = {}
    times: Counter[str] = Counter()
    for name, one in columns.items():
        asked = _ASKED.sub(r"\1\2", one.sentence)
        times[asked] += 1
        found[f"{QUESTION}{name}"] = f"{asked}{NTH}{times[asked]}" if times[asked] > 1 else asked
    return found


def form_of(visit: Visit) -> ExportTable | None:
    """Return the view of the démarche's form with its questions; None: it was not read yet.

    Questions whose answers the person does not see are not among them.
    """
    dictionary, name = visit.worker.store.dictionary(), f"{PREFIX}{visit.worker.demarche}"
    if name not in dictionary:
        return None
    is_masked = not visit.may(Right.PERSONNES)
    [table] = tables_of(dictionary, [name], without_personal_data=is_masked)
    asked = {n: one for n, one in table.columns.items() if n not in DOSSIER_COLUMNS}
    return replace(table, columns=asked)


def rows_of(
    visit: Viewer, reader: Reader, numbers: Sequence[int], columns: Iterable[str]
) -> list[dict[str, Any]]:
    """Return what the list shows of dossiers: codes in words, the reasons as documents."""
    columns = {*columns}
    rows = reader.dossiers.shown(numbers, columns)
    reasons = reader.dossiers.reasons(numbers) if "points" in columns else {}
    titles = visit.check_titles(reader) if "points" in columns else {}
    programme = visit.worker.programme
    part = programme.products if programme else None
    products = part.names(reader.connection) if part and "produit_id" in columns else {}
    for row in rows:
        number = row["numero"]
        row["raison_sociale"] = applicant_of(row)
        row["motifs"] = [
            one
            | {
                "titre": opened(titles.get(one["controle"], one["controle"])),
                "court": one["motif"] and short(one),
            }
            for one in reasons.get(number, ())
        ]
        # The product's name, and not what was typed.
        product: Any = row.get("produit_id")
        row["produit"] = products.get(product, product)
        since = words.instant_of(row["attend_depuis"])
        row["jours"] = None if since is None else max(0, (visit.now - since).days)
    return rows


def names_of(visit: Viewer, reader: Reader, numbers: Iterable[int]) -> dict[int, str]:
    """Return the product and the organisation of dossiers in the copy, as far as they have them."""
    listed = [*reader.dossiers.demarches([DossierNumber(one) for one in numbers])]
    rows = rows_of(visit, reader, listed, ["produit_id"])
    # A person is named where their data are asked for.
    names = {
        row["numero"]: (row["produit"], None if row["demandeur_nom"] else row["raison_sociale"])
        for row in rows
    }
    return {number: ", ".join(filter(None, one)) for number, one in names.items()}


def short(check: Mapping[str, Any]) -> str:
    """Return what a check found, as a list says it: without the rule and what is to be done."""
    motif, preuve = check["motif"] or "", check["preuve"] or {}
    if ANSWER not in preuve and (said := preuve.get(COURT)):
        return str(said)
    return motif.partition(RULE)[0].partition(TO_DO)[0].removesuffix(".")


def show(visit: Visit) -> Response:
    """Show a page of the list."""
    chosen = selection_of(visit)
    page = visit.part
    columns, parameters = columns_of(visit), parameters_of(visit)
    if wanted := visit.request.query_params.getlist("colonnes"):
        # Of a form with a box for each; those of every list need not be named.
        shorter = None if columns.is_usual else parameters["colonnes"]
        if [shorter] != wanted:
            parameters |= {"page": visit.query("page"), "colonnes": shorter}
            return visit.back("/dossiers", **parameters)
    others = found_elsewhere(visit, chosen)
    with visit.reading() as reader:
        first = (page - 1) * PER_PAGE
        numbers, total = reader.dossiers.page(chosen, limit=PER_PAGE, offset=first)
        # Dossiers may have left since the link was made; the total is in rows alone.
        if not numbers and page > 1:
            page, first = 1, 0
            numbers, total = reader.dossiers.page(chosen, limit=PER_PAGE)
        found_by = reader.dossiers.persons if chosen.q and visit.may(Right.PERSONNES) else ()
        rows = rows_of(visit, reader, numbers, [*columns.chosen, *found_by])
        answers: dict[int, dict[str, Any]] = {}
        if form := columns.shown_form:
            answers = _answers(reader, form, numbers)
            visit.personal = _personal(form.columns, columns.questions)
            visit.listed = numbers if visit.personal else ()
        # Of an organisation the name says nothing about a person.
        persons = [row["numero"] for row in rows if row["demandeur_nom"]]
        if persons and (header := columns.headers.get("raison_sociale")):
            visit.personal.append(header)
            visit.listed = visit.listed or persons
        sentences = sentences_of(reader.programme)
        trouve = _where(visit, chosen.q or "", rows, {name: sentences[name] for name in found_by})
        written = None
        if chosen.repondu and visit.may(Right.PERSONNES):
            written = _last_words(reader, numbers)
            visit.personal.append("Messages")
            visit.listed = numbers
        offered = reader.dossiers.offered()
        values = values_of(visit, reader, offered)
        visit.check_filters(values, but=OF_DOSSIERS if total else ())
        groupes = list(values["groupe"])
        return visit.page(
            "dossiers.html",
            kept=_kept(visit, reader),
            rows=rows,
            trouve=trouve,
            written=written,
            telephones=_telephones(columns) if chosen.corrigible is not None else [],
            OPEN=OPEN_ETATS,
            answers=answers,
            columns=[*columns.headers.items()],
            own=[*columns.own.items()],
            questions=[*columns.questions.items()],
            sorts=list(columns.own),
            total=total,
            page=page,
            pages=max(1, -(-total // PER_PAGE)),
            first=first + 1,
            parameters=parameters,
            said_filters=said_filters(words.FILTERS, _days_said(parameters), values),
            chosen=chosen,
            verdicts=_possible(visit, parameters.get("verdict")),
            etats=words.LISTED_ETATS,
            checks=values["controle"],
            results=RESULTS,
            etapes=list(values["etape"]),
            attend=values["attend"],
            profils=list(values["profil"]),
            has_products="produit_id" in columns.own,
            groupes=groupes if len(groupes) > 1 or chosen.groupe else [],
            etiquettes=list(values["etiquette"]),
            offered=offered._asdict(),
            judges=visit.worker.configuration.judges,
            instants=INSTANTS,
            longest=LONGEST_REASON,
            longest_name=LONGEST_NAME,
            close=[] if total else _close_to(visit, reader, chosen.q),
            others=others,
        )


@cache
def sentences_of(programme: type[Programme] | None) -> Mapping[str, str]:
    """Return the sentence of each column of a dossier."""
    own = (
        shipped_dictionary(programme)[programme.storage.main_view.name].columns if programme else {}
    )
    return {name: one.sentence for name, one in {**DOSSIER_COLUMNS, **own}.items()}


def _where(
    visit: Visit, q: str, rows: Sequence[Mapping[str, Any]], sentences: Mapping[str, str]
) -> dict[int, list[tuple[str, str]]]:
    """Return by which persons a search finds dossiers: the labels of columns, with their values."""
    told = {
        row["numero"]: [(words.label(name, sentences[name]), row[name]) for name in found]
        for row in rows
        if (found := persons_found(q, row, sentences))
    }
    visit.personal += dict.fromkeys(label for some in told.values() for label, _ in some)
    visit.listed = [*{*visit.listed, *told}]
    return told


def _telephones(columns: Columns) -> list[str]:
    """Return the names of the columns with those that the list shows none of, of whom to call."""
    found = [name for name, text in columns.questions.items() if _TO_CALL.search(fold(text))]
    is_shown = bool({*found} & {*columns.chosen})
    return [*columns.chosen, *found] if found and not is_shown else []


def _last_words(reader: Reader, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return the last message of the usagers of dossiers, by number."""
    rows = reader.rows_of(
        "lecture_message",
        ("numero", "envoye_le", "texte", "pieces"),
        {"numero": [*numbers], "de": [Cote.USAGER.value, Cote.AUTRE.value]},
        order="envoye_le",
    )
    for row in rows:
        pieces = row["pieces"]
        row["pieces"] = json.loads(pieces) if isinstance(pieces, str) else pieces
    return {row["numero"]: row for row in rows}


def _kept(visit: Visit, reader: Reader) -> list[tuple[str, str, bool]]:
    """Return the names of the lists that the person keeps, their addresses, which is shown."""
    theirs = {"demarche_numero": visit.worker.demarche, "qui": visit.name}
    rows = reader.rows_of("liste_gardee", ("nom", "parametres"), theirs, order="nom", limit=MOST)
    lists = [(row["nom"], dict(parse_qsl(row["parametres"]))) for row in rows]
    here = parameters_of(visit)
    return [(name, visit.url("/dossiers", **one), one == here) for name, one in lists]


def keep(visit: Visit) -> Response:
    """Keep the list of the address under a name, or keep the one of a name no more."""
    name, parameters = " ".join(visit.form.get("nom", "").split()), parameters_of(visit)
    forgets = bool(visit.form.get("oublier"))
    with visit.reading() as reader:
        names = {one for one, *_ in _kept(visit, reader)}
    if not 0 < len(name) <= LONGEST_NAME:
        said = f"Un nom a de 1 à {LONGEST_NAME} caractères."
        return visit.refuse(said, "/dossiers", **parameters)
    if not forgets and len(names | {name}) > MOST:
        said = f"{MOST} listes au plus : n’en gardez plus une, puis recommencez."
        return visit.refuse(said, "/dossiers", **parameters)
    with visit.worker.store.accesses(visit.worker.demarche) as (accesses, _):
        if forgets:
            accesses.drop_list(visit.name, name)
        else:
            accesses.keep_list(visit.name, name, urlencode(parameters))
    visit.say(f"La liste « {name} » {'n’est plus' if forgets else 'est'} gardée.")
    return visit.back("/dossiers", **parameters)


def _days_said(parameters: Mapping[str, Any]) -> dict[str, Any]:
    days = {name: words.day(parameters[name]) for name in DAYS if name in parameters}
    since = {
        name: words.moment(instant_of(name, parameters[name]))
        for name in SINCE
        if name in parameters
    }
    return {**parameters, **days, **since}


def place_of(visit: Visit, reader: Reader, number: DossierNumber) -> Around | None:
    """Return where a dossier is in the list whose parameters its page's address has.

    None: the address has none, or the dossier is not in that list any more.
    """
    return reader.dossiers.around(selection_of(visit), number) if parameters_of(visit) else None


def _answers(
    reader: Reader, form: ExportTable, numbers: Sequence[int]
) -> dict[int, dict[str, Any]]:
    """Return what a dossier answers to questions of its form, by number and column."""
    found: dict[int, dict[str, Any]] = {}
    with_number = replace(form, columns={"numero": Declared(type="integer"), **form.columns})
    for batch in with_number.rows_of(reader.connection, numbers):
        for number, *values in batch:
            found[number] = {
                # As it was answered: a name of the form is none of the programme.
                f"{QUESTION}{name}": _parsed(value) if one.type == "json" else value
                for (name, one), value in zip(form.columns.items(), values, strict=True)
            }
    return found


def export(visit: Visit) -> Response:
    """Send the whole selection, in its order, as a file."""
    return prepared(visit, lambda progress: _file(visit, progress))


def _file(visit: Visit, progress: Callable[[int, int], None]) -> Download:
    """Return the selection as a file.

    What the list shows, the reasons and the mean marks; with `complet`, then the other columns of
    the main view, or the questions of the form where there is no programme. Columns with personal
    data or free text are only for those who may see them.
    """
    worker, columns = visit.worker, columns_of(visit)
    listed = [*columns.chosen, *(name for name in ALWAYS if name in columns.own)]
    form, is_whole = columns.shown_form, visit.query("complet") is not None
    if is_whole and worker.programme is None and columns.form is not None:
        form = columns.form
        listed += columns.questions
    listed = list(dict.fromkeys(listed))
    if "verdict" in listed:
        listed.insert(listed.index("verdict") + 1, DSYNCS)
    with visit.reading() as reader:
        [main] = tables_of(
            worker.store.dictionary(),
            [reader.programme.storage.main_view.name],
            without_personal_data=not visit.may(Right.PERSONNES),
        )
        # The view's `etape` is not the list's.
        others = [name for name in main.columns if name not in listed or name in OTHERS]
        others = others if is_whole else []
        chosen = selection_of(visit)
        numbers = reader.dossiers.numbers_of(chosen)
        values = values_of(visit, reader, reader.dossiers.offered())
        visit.check_filters(values, but=OF_DOSSIERS if numbers else ())

        # A column has few codes, and the same ones in every row.
        @lru_cache(4096)
        def said(name: str, value: Any) -> Any:
            is_json = main.columns[name].type == "json" and value
            return _parsed(value) if is_json else visit.said(name, value)

        def batches() -> Iterator[list[list[Any]]]:
            for start in range(0, len(numbers), BATCH):
                progress(start, len(numbers))
                some = numbers[start : start + BATCH]
                answers = _answers(reader, form, some) if form else {}
                rows = rows_of(visit, reader, some, listed)
                # Every dossier has its row in the view, and both are read in one transaction.
                view_rows = next(main.rows_of(reader.connection, some)) if is_whole else []
                found = view_rows or [()] * len(rows)
                lines = []
                for row, values in zip(rows, found, strict=True):
                    view = {
                        name: None if value is None else said(name, value)
                        for name, value in zip(main.columns, values, strict=is_whole)
                    }
                    shown = view | answers.get(row["numero"], {})
                    shown |= {name: row[name] for name in listed if name in row}
                    shown |= {
                        name: visit.said(name, row[name]) for name in ("attend", "etat", "verdict")
                    }
                    shown[DSYNCS] = shown["verdict"]
                    if (team := row["avis_equipe"]) is not None:
                        shown["verdict"] = team or "Remplacé par l’équipe"
                    shown |= {n: ", ".join(row[n]) for n in ("labels", "profils") if n in row}
                    shown["produit_id"] = row["produit"]
                    # The page has days, the file instants.
                    shown |= {name: words.instant_of(row[name]) for name in INSTANTS}
                    shown["points"] = " ; ".join(map(_reason, row["motifs"]))
                    lines.append([*map(shown.get, listed), *map(view.get, others)])
                yield lines

        types = {name: one.type for name, one in main.columns.items()} | {"note_moyenne": "number"}
        if form:
            types |= {f"{QUESTION}{name}": one.type for name, one in form.columns.items()}
        every = {DSYNCS: "Avis de dsync"} | columns.own | columns.questions
        headers = {every[name]: types.get(name, "text") for name in listed}
        visit.personal = _personal(form.columns, every) if form else []
        for name in others:
            if main.columns[name].mark in MASKED:
                visit.personal.append(words.label(name, main.columns[name].sentence))
            header = words.label(name, main.columns[name].sentence)
            headers[f"{header} ({name})" if header in headers else header] = types[name]
        return file_of(
            visit,
            "dossiers",
            # JSON is shown in words.
            {header: one.replace("json", "text") for header, one in headers.items()},
            batches(),
        )


def _reason(reason: Mapping[str, Any]) -> str:
    title, motif = reason["titre"], reason["motif"]
    if motif and fold(motif).startswith(fold(title)):
        return str(motif)
    return f"{title} : {motif or words.RESULTATS.get(reason['resultat'], reason['resultat'])}"


def _parsed(value: str | None) -> str | None:
    return words.evidence(json.loads(value)) if value else None


PAGES = [
    ("GET", "/dossiers", show, Right.LIRE),
    ("GET", "/dossiers.{ending}", export, Right.LIRE),
    ("POST", "/dossiers/listes", keep, Right.LIRE),
]
