"""The French words of the pages for codes, instants and numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time
from html import escape
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from dsync import errors
from dsync.annotations.wish import Annotation, WishStatus
from dsync.domain.consent import Consent
from dsync.domain.dossier import PARIS, Anomaly, DemandeurType, Etat, Presence, in_utc
from dsync.domain.pieces import CopyState
from dsync.domain.rights import CANDIDAT, USAGER
from dsync.domain.verdict import Resultat, Verdict
from dsync.domain.wording import cut as shortened_to
from dsync.domain.wording import with_no_break_spaces
from dsync.messages.french import duration as duration
from dsync.messages.french import number as number
from dsync.messages.french import plural as plural
from dsync.store.codes import ASKS_DS, READS, Author, EventName, Kind, Seen, Status
from dsync.store.dictionary import label_of
from dsync.store.listing import CLOSED, UNDER_WAY
from dsync.sync.report import CAUSES

NB = "\u00a0"
ETATS = Etat.labels()
PRESENCES = Presence.labels()


class Applicant(NamedTuple):
    """Who deposits a dossier, in the words of sentences about it."""

    le: str
    au: str
    son: str
    """Of a dossier."""
    leur: str
    """Of several ones."""


APPLICANTS = {
    USAGER: Applicant("L’usager", "à l’usager", "l’usager", "l’usager"),
    CANDIDAT: Applicant("Le candidat", "au candidat", "son candidat", "leur candidat"),
}
OF_COLUMN = {
    "etat": ETATS,
    "presence": PRESENCES,
    "demandeur_type": DemandeurType.labels(),
}
"""The words of a column's codes, by its name; the programme has those of its own columns."""
FILTERS = {
    "q": "« {} »",
    "verdict": "{}",
    "controle": "{}",
    "resultat": "{}",
    "seul": "un seul point à régler",
    "corrigible": "que le déposant peut encore corriger",
    "etat": "{}",
    "etape": "{}",
    "attend": "attend : {}",
    "rattachement": "{}",
    "departement": "{}",
    "region": "{}",
    "profil": "{}",
    "produit": "produit {}",
    "groupe": "groupe {}",
    "suivi": "suivis par moi",
    "etiquette": "étiquette {}",
    "depose_du": "déposés depuis le {}",
    "depose_au": "déposés jusqu’au {} compris",
    "presence": "{}",
    "conflit": "en conflit",
    "contredit": "inéligibles que le catalogue d’aujourd’hui contredit",
    "repondu": "message ou correction reçus",
    "sans_reponse": "sans réponse depuis {} jours",
    "arrive_depuis": "arrivés depuis le {}",
    "repondu_depuis": "réponse lue depuis le {}",
    "numeros": "choisis un par un",
}
"""The filters of the list of dossiers by their names in addresses, as titles say them; in this
order."""
CHANGE_FILTERS = {
    "par": "par : {}",
    "champ": "{}",
    "etat": "{}",
    "groupe": "groupe {}",
    "depuis": "lus depuis le {}",
    "du": "du {}",
    "au": "jusqu’au {}",
}
"""The same of the list of changes."""
LISTED_ETATS = {UNDER_WAY: "En cours", CLOSED: "Clos", **ETATS}
"""The states by which a list is filtered."""
LABELS = {"etape": "Avancement noté par l’équipe"}
"""The labels of columns that cannot be taken from the views: on all pages, « Étape » is that of
`lecture_suivi`, which dsync works out, and not what the team typed."""
VERDICTS = {verdict.value: verdict.key for verdict in Verdict}
RESULTATS = Resultat.labels()
ANNOTATIONS = Annotation.labels()
ENVOIS = WishStatus.labels()
GENRES = {
    **Kind.labels(),
    **Seen.labels(),
    "conflit": "Conflit réglé",
    "liste": "Liste remplacée",
    "role": "Accès",
    "deport": "Déport",
    "jury": "Jury composé",
    "classement": "Classement arrêté",
}
STATUTS = Status.labels()
EVENEMENTS = EventName.labels()
VERDICT_CAUSES = {
    "regles": "les règles ont changé",
    "dossier": "le dossier a changé",
    "preuves": "les preuves ont changé",
    "doublons": "d’autres dossiers ont changé",
    "reponses": "une personne a répondu à un contrôle, ou retiré sa réponse",
}
"""Of a new verdict, by the code in its event."""
UNAUTHORIZED = errors.DSUnauthorizedError.exit_code
REMEDIES = {
    errors.DsyncError.exit_code: "Signalez-la à l’équipe\u00a0technique.",
    errors.ConfigurationError.exit_code: (
        "L’équipe\u00a0technique trouve par « dsync check » ce qui est à corriger."
    ),
    UNAUTHORIZED: "Faites renouveler le jeton, puis recommencez.",
    errors.SafetyBrakeError.exit_code: (
        "« Accords à donner » montre ce qui changerait : corrigez la cause, ou donnez votre accord."
    ),
    errors.StoreError.exit_code: (
        "Réessayez ; si cela se reproduit, signalez-le à l’équipe\u00a0technique."
    ),
    errors.LeaseHeldError.exit_code: "Réessayez dans un instant.",
    errors.PARTIAL: "Les anomalies en donnent le détail.",
    errors.DSError.exit_code: "Réessayez plus tard.",
    errors.InterruptedRunError.exit_code: "Ce qui n’est pas fait est à demander de nouveau.",
}
"""What to do, by exit code, after the sentence of `CAUSES`."""
CHOIX = {"accepte": "saisie gardée", "adopte": "valeur reconnue comme celle de dsync"}
OPTIONS = {
    "force": "remplace la saisie",
    "undo": "annulé",
    "accept_evidence": "nouveau catalogue accepté",
    "accept_deletions": "disparitions acceptées",
    "refresh": "preuves relues",
    "answer": "réponse à un contrôle",
    "unanswer": "réponse à un contrôle retirée",
    "sent": "message envoyé, dit cette personne",
    "aside": "réponse lue, sans réponse à y faire",
}
"""Of requests, by option."""
ASKERS = {
    "service": "Service, à l’heure prévue",
    "webhook": "Démarches Simplifiées, par un signal",
    "cli": "Ligne de commande",
    "demo": "Démonstration",
}
"""Who asked for a run, where it was no person."""
PAR = Author.labels()
OLD = "rien de nouveau"
COPIES = CopyState.labels()
"""The state of the copy of a file."""
SECTIONS = {
    "Applicant": "Demandeur",
    "Project": "Projet",
    "Scheme": "Dispositif",
    "Selection and recruitment": "Sélection et recrutement",
}
COLOURS = {
    "eligible": "success",
    "rien_a_signaler": "success",
    "a_verifier": "warning",
    "ineligible": "error",
    "indetermine": "info",
    "conforme": "success",
    "non_conforme": "error",
    "impossible": "info",
    "sans_objet": "none",
    "success": "success",
    "partial": "warning",
    "failed": "error",
    "interrupted": "warning",
    "running": "info",
    "confirmee": "success",
    "conflit": "warning",
    "refusee": "error",
}
"""The kind of a badge, by code. Its text says the same: nothing is told by colour alone."""
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
"""Control characters but tabs and ends of lines, and those that turn the direction of writing."""
_MARKUP = re.compile(
    r"(<(script|style|pre|code|textarea)\b.*?</\2>|<[^>]*>)", re.DOTALL | re.IGNORECASE
)
"""What is not read as a sentence: tags with their attributes, and texts to take as they are."""
_TEAM = f"équipe{NB}technique"
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_MONTHS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[\d.:+Z-]*")


def instant_of(value: Any) -> datetime | None:
    """Return an instant of the database, as stored or as text."""
    if value is None or value == "":
        return None
    return in_utc(value if isinstance(value, datetime) else datetime.fromisoformat(str(value)))


def _in_paris(value: Any, form: str) -> str:
    instant = instant_of(value)
    return "–" if instant is None else instant.astimezone(PARIS).strftime(form)


def moment(value: Any) -> str:
    """Return an instant as date and time of Paris."""
    return _in_paris(value, f"%d/%m/%Y{NB}%H:%M")


def second(value: Any) -> str:
    """Return an instant as date and time of Paris, to the second."""
    return _in_paris(value, f"%d/%m/%Y{NB}%H:%M:%S")


def hour(value: Any) -> str:
    """Return the time of an instant in Paris, to the second."""
    return _in_paris(value, "%H:%M:%S")


def clock(value: datetime, now: datetime) -> str:
    """Return the time of Paris of an instant, with its day if it is another one than today."""
    at = value.astimezone(PARIS)
    is_today = at.date() == now.astimezone(PARIS).date()
    return at.strftime("%H:%M" if is_today else f"%H:%M le{NB}%d/%m")


def minute(value: Any) -> str:
    """Return the time of an instant in Paris, to the minute."""
    return _in_paris(value, "%H:%M")


def day(value: Any) -> str:
    """Return a date, or the day in Paris of an instant."""
    if isinstance(value, str) and len(value) == 10:
        value = date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.strftime("%d/%m/%Y")
    return _in_paris(value, "%d/%m/%Y")


def written(value: str, annotation: str) -> str:
    """Return the value of an annotation as it is read: that of the date, as day and time."""
    with suppress(ValueError):
        if annotation == "date":
            return moment(value) if len(value) > len("2024-06-01") else day(value)
    return value


def long_day(day: str) -> str:
    """Return a day, such as `2024-06-01`, as « samedi 1er juin 2024 »."""
    one = date.fromisoformat(day)
    rank = "1er" if one.day == 1 else str(one.day)
    return f"{_DAYS[one.weekday()]} {rank} {_MONTHS.split()[one.month - 1]} {one.year}"


def first_instant(day: str) -> datetime:
    """Return the instant at which a day, such as `2024-06-01`, begins in Paris; else ValueError."""
    return datetime.combine(date.fromisoformat(day), time(), PARIS).astimezone(UTC)


def paris_day(instant: datetime) -> str:
    """Return the day in Paris of an instant, as `2024-06-01`."""
    return instant.astimezone(PARIS).date().isoformat()


def since(value: Any, now: datetime) -> str:
    """Return how long ago an instant was."""
    instant = instant_of(value)
    if instant is None:
        return "jamais"
    return f"il y a {duration(now - instant)}"


def text(value: Any) -> str:
    """Return any value as text, a missing one as a dash."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "Oui" if value else "Non"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return visible(str(value))


def evidence(value: Any) -> str:
    """Return a value of a check's evidence: instants and days in French, lists in one line."""
    match value:
        case str():
            # People type what only looks like a day, such as « 2024-02-30 ».
            with suppress(ValueError, OverflowError):
                if _INSTANT.fullmatch(value):
                    return moment(value)
                if _DAY.fullmatch(value):
                    return day(value)
            return text(value)
        case list():
            return " ; ".join(map(evidence, value))
        case dict():
            return ", ".join(f"{key} : {evidence(v)}" for key, v in value.items())
        case _:
            return text(value)


def changed(one: Mapping[str, Any], which: str) -> str:
    """Return a value of a change: `ancienne_valeur` or `nouvelle_valeur`; empty: there is none."""
    value = one[which]
    if value is None or value == "":
        return ""
    return ETATS.get(value, value) if one["champ_id"] == "etat" else evidence(value)


def cut(value: str, most: int) -> tuple[str, str]:
    """Return the beginning of a text, at most so long and of whole words if it can, and the rest.

    A text that is not much longer is not cut.
    """
    if len(value) <= most + most // 4:
        return value, ""
    at = value.rfind(" ", most // 2, most)
    at = most if at < 0 else at
    return value[:at], value[at:]


def size(count: int | None) -> str:
    """Return a number of bytes in the unit that fits."""
    if count is None:
        return "–"
    for unit, bytes_ in (("Mo", 1_000_000), ("Ko", 1_000)):
        if count >= bytes_:
            return f"{number(count / bytes_, 1)}{NB}{unit}"
    return plural(count, "octet")


def cause(code: int) -> str:
    """Return what an exit code says, and what to do then, in French."""
    known = code if code in REMEDIES else 1
    return f"{CAUSES[known]}. {REMEDIES[known]}"


def label(column: str, sentence: str) -> str:
    """Return the label of a column of the views, from the sentence that documents it."""
    return LABELS.get(column) or label_of(sentence)


def outcome(genre: str, result: Mapping[str, Any]) -> str:
    """Return in a sentence what a request came to, from the counts of its run; "" without any."""
    said = list[str]()
    if (read := result.get("read", 0)) or genre in READS:
        changed = result.get("changed", 0)
        news = plural(changed, "nouveau ou modifié", "nouveaux ou modifiés")
        said.append(f"{plural(read, 'dossier lu', 'dossiers lus')}, {news if changed else OLD}")
    counts = (
        ("deleted", "dossier parti", "dossiers partis"),
        ("evaluated", "dossier jugé", "dossiers jugés"),
        ("conflicts", "conflit à régler", "conflits à régler"),
        ("quarantined", "dossier en quarantaine", "dossiers en quarantaine"),
    )
    said += [plural(n, one, many) for name, one, many in counts if (n := result.get(name))]
    pushed = result.get("pushed")
    if pushed:
        changed_in = plural(pushed, "dossier", "dossiers")
        said.append(f"ce qui a changé est inscrit dans Démarches Simplifiées ({changed_in})")
    elif pushed == 0 and genre in ASKS_DS:
        said.append("rien n’était à inscrire dans Démarches Simplifiées")
    return f"{' ; '.join(said)}." if said else ""


def opinion(verdict: str | None, team: str | None) -> str | None:
    """Return a verdict in words, with the team's result that stands in its place.

    Empty: it is not to be seen.
    """
    if team is None:
        return verdict
    said = team or "remplacé par l’équipe"
    return f"{said} (avis de l’équipe ; celui de dsync était « {verdict} »)"


def status(run: Mapping[str, Any]) -> str:
    """Return the status of a run; one that was asked to stop has failed in the views alone."""
    is_interrupted = run["code"] == errors.InterruptedRunError.exit_code
    return "interrupted" if is_interrupted else str(run["statut"])


def asker(name: str | None) -> str:
    """Return who asked for a run: a person as stored, else in French."""
    return ASKERS.get(name or "", text(name))


def asked(options: Mapping[str, Any]) -> str:
    """Return what a request asks for beside its kind and its dossiers."""
    said = [sentence for name, sentence in OPTIONS.items() if options.get(name)]
    if "accord" in options:
        said.append(Consent(options["genre"]).french)
    others = [CHOIX.get(options.get("choix", "")), options.get("liste"), options.get("acces")]
    return ", ".join([*said, *filter(None, others)])


def selection(options: Mapping[str, Any]) -> str:
    """Return what somebody chose to see beside dossiers, as it was given."""
    given = {name: value for name, value in options.items() if name not in ("dossiers", "role")}
    given |= given.pop("filtres", {})
    return ", ".join(
        f"{name} : {', '.join(map(str, value)) if isinstance(value, list) else text(value)}"
        for name, value in given.items()
    )


def details(
    event: Mapping[str, Any], checks: Mapping[str, str], verdicts: Mapping[str, str]
) -> str:
    """Return what an event's details say, in one line of French.

    `checks` are the titles of the programme's checks, `verdicts` the words for verdicts.
    """
    given: Mapping[str, Any] | None = event["details"]
    if not given:
        return ""
    match event["evenement"]:
        case "etat":
            said = [f"{ETATS.get(given['de'], '–')} → {ETATS.get(given['a'], '–')}"]
        case "verdict":
            before, after = (
                verdicts.get(one or "") for one in (given.get("avant"), given["verdict"])
            )
            said = [after or "" if before in (None, after) else f"{before} → {after}"]
            said += [
                f"{checks.get(name, name)} : {_result(one['avant'])} → {_result(one['apres'])}"
                for name, one in (given.get("controles") or {}).items()
            ]
            if causes := [VERDICT_CAUSES[one] for one in given.get("causes", ())]:
                said.append(f"car {', '.join(causes)}")
        case "reponse":
            name, result = given["controle"], given["resultat"]
            said = [f"{checks.get(name, name)} : {_result(result) if result else 'retirée'}"]
            said += [f"produit {product}"] if (product := given.get("produit")) else []
        case "quarantaine":
            said = [Anomaly(given["code"]).french]
        case _:
            said = [
                ", ".join(map(str, given.get("champs", ()))),
                ", ".join(ANNOTATIONS.get(name, name) for name in given.get("annotations", ())),
                CHOIX.get(given.get("choix", ""), ""),
                *(
                    f"à la place de « {value} »" if value else "à la place d’une valeur vide"
                    for value in (given.get("remplace") or {}).values()
                ),
                given.get("motif") or "",
            ]
    if asked_by := given.get("demande_par"):
        said.append(f"demandé par {asker(asked_by)}")
    return visible(" ; ".join(filter(None, said)))


def _result(result: str | None) -> str:
    return RESULTATS.get(result or "", "–").lower()


def short_address(address: str | None) -> str:
    """Return what tells an address from others of its kind: its last part, without its ending."""
    if address is None or not address.startswith(("https://", "http://")):
        return text(address)
    last = urlsplit(address).path.rstrip("/").rpartition("/")[2]
    return text(last.removesuffix(".html") or address.partition("://")[2])


def shortened(value: str, length: int) -> str:
    """Return the beginning, on one line, of a text that is longer than so many characters."""
    return shortened_to(visible(" ".join(value.splitlines())), length)


def visible(value: str) -> str:
    """Return a text with its control and direction characters replaced by visible signs."""
    return _INVISIBLE.sub("\ufffd", value)


def typeset(page: str, contact: str | None = None) -> str:
    """Return a page with no-break spaces in its sentences, as French typography requires.

    `contact` is how the technical team is reached: it follows where dsync's own sentences name it,
    which a no-break space tells from what people write.
    """
    if contact:
        page = page.replace(_TEAM, f"{_TEAM} ({escape(contact)})")
    parts = _MARKUP.split(page)
    # Text, markup, the name of its element, again and again.
    parts[::3] = map(with_no_break_spaces, parts[::3])
    parts[2::3] = [""] * len(parts[2::3])
    return "".join(parts)
