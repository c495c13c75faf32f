"""The state of a démarche: what is not well with its remedy, its figures, « Resynchroniser »."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.care.concerns import Code, concerns_of
from dsync.console import words
from dsync.console.access import Right
from dsync.console.charts import bars, curve
from dsync.console.consents import TITLES
from dsync.console.visit import Visit
from dsync.domain.consent import Consent
from dsync.store import Reader
from dsync.sync.work import Read, ReadAll, ReadChanges, ReadDossiers


class Point(NamedTuple):
    """Something that needs attention, with its remedy, and where to go."""

    text: str
    path: str | None = None
    link: str = ""
    is_error: bool = False


POINTS: Mapping[Code, Point | None] = {
    Code.NO_SUCCESS: Point(
        "Aucune synchronisation n’a encore réussi. {remede}",
        is_error=True,
    ),
    Code.LATE: Point(
        "La dernière synchronisation réussie remonte à {age}. {remede}",
        "/executions",
        "Voir les passages",
        is_error=True,
    ),
    Code.NO_SERVICE: Point(
        "Aucun service ne tourne : rien n’est relu tant que personne ne le demande. La commande "
        "« dsync run » en démarre un."
    ),
    Code.SILENT_SERVICE: Point(
        "Le service {details} ne répond plus depuis {age} : vérifiez-le, puis redémarrez-le. "
        "S’il tourne, comparez les horloges des machines (NTP).",
        is_error=True,
    ),
    Code.CLOCK_WENT_BACK: Point(
        "L’horloge de cette machine a reculé : vérifiez sa synchronisation (NTP).", is_error=True
    ),
    Code.RUN_FAILED: Point(
        "Le dernier passage n’a pas abouti : {details}.",
        "/executions/{run}",
        "Voir ce passage",
        is_error=True,
    ),
    # The error of the last run says it.
    **dict.fromkeys((Code.TOKEN_REFUSED, Code.DS_AWAY)),
    Code.MASS_DELETION: Point(
        "dossier a été masqué ou supprimé d’un coup par Démarches Simplifiées, et l’est donc ici : "
        "vérifiez auprès de l’administration de la démarche que c’est voulu|"
        "dossiers ont été masqués ou supprimés d’un coup par Démarches Simplifiées, et le sont "
        "donc ici : vérifiez auprès de l’administration de la démarche que c’est voulu",
    ),
    Code.CONSENT: Point("{accord}.", "/accords", "Voir et décider", is_error=True),
    Code.QUARANTINED: Point(
        "dossier ne peut pas être lu|dossiers ne peuvent pas être lus",
        "/anomalies",
        "Voir les anomalies",
    ),
    Code.REFUSED: Point(
        "dossier a une annotation refusée par Démarches Simplifiées|"
        "dossiers ont une annotation refusée par Démarches Simplifiées",
        "/anomalies",
        "Voir les anomalies",
    ),
    Code.CONFLICTS: Point(
        "dossier attend votre choix : une personne a écrit autre chose que dsync|"
        "dossiers attendent votre choix : une personne a écrit autre chose que dsync",
        "/conflits",
        "Régler les conflits",
    ),
    Code.WAITING: Point(
        "dossier a une annotation à envoyer|dossiers ont une annotation à envoyer",
        "/anomalies",
        "Voir ce qui attend",
    ),
    Code.TARGET: Point(
        "La destination des copies de pièces jointes n’est pas là : rien n’y est copié, et rien de "
        "ce qui s’y trouve n’est effacé. Demandez à l’équipe technique de la remettre en place.",
        "/executions",
        "Voir les passages",
        is_error=True,
    ),
    Code.ERASURES: Point(
        "fichier ou demande d’effacement n’est pas encore traité|"
        "fichiers ou demandes d’effacement ne sont pas encore traités",
        "/journal",
        "Voir les demandes",
    ),
    Code.REQUESTS: Point(
        "demande n’est pas encore traitée|demandes ne sont pas encore traitées",
        "/journal",
        "Voir les demandes",
    ),
    Code.NOT_CONFIGURED: Point(
        "Des démarches ne sont plus dans la configuration ({details}) : elles ne sont plus lues, "
        "et leurs effacements dans Démarches Simplifiées ne sont pas suivis ici. Demandez à "
        "l’équipe technique : la commande « dsync forget » les retire."
    ),
    Code.EVIDENCE: Point(
        "Le catalogue de beta.gouv.fr n’a plus été confirmé depuis longtemps.",
        "/preuves",
        "Voir les preuves",
    ),
    Code.CHECK: Point(
        "La vérification quotidienne trouve à redire sur {details}. Demandez à l’équipe "
        "technique : la commande « dsync check » en donne le remède."
    ),
    Code.TOKEN_EXPIRY: Point(
        "Le jeton d’accès à Démarches Simplifiées {expires} le {day} : faites-le renouveler."
    ),
}
"""What is said of each concern; with « | », of one dossier and of several, after their number."""
UNDER_WAY = {
    Code.NO_SUCCESS: Point(
        "La première synchronisation est en cours : les chiffres ne sont pas encore complets."
    ),
    Code.LATE: Point(
        "La dernière synchronisation réussie remonte à {age} ; une autre est en cours."
    ),
}
"""What is said instead during a run, which may end the delay."""


TO_ACT = {
    Code.MASS_DELETION,
    Code.CONSENT,
    Code.QUARANTINED,
    Code.REFUSED,
    Code.CONFLICTS,
    Code.WAITING,
    Code.TARGET,
    Code.ERASURES,
    Code.REQUESTS,
    Code.NOT_CONFIGURED,
    Code.CHECK,
    Code.TOKEN_EXPIRY,
}
"""What only those who may act see: it is theirs to settle."""


def points_of(
    visit: Visit, reader: Reader, state: Mapping[str, Any], *, without: Collection[Code] = ()
) -> Iterator[Point]:
    """Yield what is not well, as far as it is for who asks.

    Args:
        visit: who asks.
        reader: of the démarche.
        state: of `states_of`.
        without: what to leave out.
    """
    now, settings = visit.now, visit.worker.settings
    hidden = {*without} if visit.may(Right.AGIR) else {*without, *TO_ACT}
    for one in concerns_of(state, now, settings.thresholds):
        if one.code in hidden:
            continue
        point = (state["lease"] and UNDER_WAY.get(one.code)) or POINTS[one.code]
        if point is None:
            continue
        checked = set(one.details)
        if (
            one.code is Code.CHECK
            and "instructeur" in checked
            and (names := _groupes(visit, reader))
        ):
            yield Point(
                f"L’instructeur de dsync manque dans {names} : ajoutez-le dans Démarches "
                "Simplifiées, sinon rien n’y est inscrit."
            )
            checked.remove("instructeur")
            if not checked:
                continue
        details = sorted(words.VERIFICATIONS.get(detail, detail) for detail in checked)
        facts = {
            "age": words.duration(one.age(now)),
            "day": words.day(settings.ds_token_expires_on),
            "expires": "expire" if one.number >= 0 else "a expiré",
            "details": ", ".join(details) or "interrompu",
            "remede": _remedy(visit, state),
            "accord": TITLES[Consent.of_word(one.details[0])] if one.code is Code.CONSENT else "",
        }
        text = point.text.format(**facts)
        if "|" in point.text:
            text = f"{words.plural(one.number, *text.split('|'))}."
        path = point.path and visit.url(point.path.format(run=one.number))
        if not visit.may(Right.AGIR) and point.path != "/preuves":
            path = None
        if visit.grant.groupes is not None and (point.path or "").startswith("/executions"):
            path = None
        yield point._replace(text=text, path=path)


def _remedy(visit: Visit, state: Mapping[str, Any]) -> str:
    """Return what to do about a read that is late."""
    runs = any(one["is_alive"] for one in state["services"])
    again = "" if runs else " Faites démarrer le service."
    if not visit.may(Right.AGIR):
        return "Signalez-le à l’équipe technique."
    return f"Lancez « Resynchroniser » ci-dessous.{again}" + (
        " Si l’écart se reproduit, signalez-le à l’équipe technique." if runs else ""
    )


def _groupes(visit: Visit, reader: Reader) -> str:
    """Return the groupes that the configured instructeur is not in, "" if dsync knows of none."""
    missing = reader.demarche.groupes_without(visit.worker.settings.ds_instructeur)
    if not missing:
        return ""
    names = " et ".join(f"« {name} »" for name in missing)
    return f"{'les groupes' if len(missing) > 1 else 'le groupe'} {names}"


def _figures(
    visit: Visit, reader: Reader, state: Mapping[str, Any], *, with_stages: bool
) -> dict[str, dict[str, int]]:
    """Return the figures of the curves, which only runs change."""
    key, last = (visit.worker.demarche, visit.grant.groupes), state["last_run"]
    after = None if state["lease"] or last is None else (last["run"], last["ended_at"])
    known, figures = visit.site.figures.get(key, (None, None))
    if figures is None or known != after:
        figures = reader.dossiers.figures(with_stages=with_stages)
        if after is not None:
            visit.site.figures[key] = (after, figures)
    found: dict[str, dict[str, int]] = figures
    return found


def show(visit: Visit) -> Response:
    """Show the state of a démarche."""
    configuration = visit.worker.configuration
    state = visit.state()
    has_programme = configuration.programme is not None
    with visit.reading() as reader:
        figures = _figures(visit, reader, state, with_stages=has_programme)
        series = {"Dépôts": figures["depots"]}
        if configuration.judges:
            series["Verdicts"] = figures["verdicts"]
        series["Décisions"] = figures["decisions"]
        next_run = min(
            (one["next_run_at"] for one in state["services"] if one["is_alive"]), default=None
        )
        return visit.page(
            "etat.html",
            reader,
            state=state,
            successes={number: one.last_success_at for number, one in visit.titled.items()},
            points=sorted(points_of(visit, reader, state), key=lambda one: not one.is_error)
            if visit.may(Right.AGIR)
            else None,
            next_run=next_run,
            curve=curve(series),
            funnel=bars(figures["etapes"]),
            judges=configuration.judges,
            best=configuration.best,
        )


def _asked(visit: Visit) -> Read:
    """Return what the form « Resynchroniser » asks for.

    Raises:
        HTTPException: the form is wrong (400).
    """
    scope = visit.form.get("portee", "nouveau")
    if scope not in ("nouveau", "dossier", "tout"):
        raise HTTPException(400)
    numbers = visit.numbers("dossier")
    if scope == "dossier" and not numbers:
        raise HTTPException(400, "Indiquez le numéro du dossier à relire.")
    if scope == "tout" and numbers:
        raise HTTPException(400, "Indiquez un numéro, ou choisissez « Tout », pas les deux.")
    # Who types a number means it, although « Ce qui a changé » was chosen before.
    if numbers:
        return ReadDossiers(tuple(numbers))
    return ReadAll() if scope == "tout" else ReadChanges()


def resynchronise(visit: Visit) -> Response:
    """Ask for a run; « à blanc »: show what it would write."""
    work = _asked(visit)
    return visit.attempt("Essai à blanc", work) if visit.form.get("a_blanc") else visit.ask(work)


PAGES = [
    ("GET", "/etat", show, Right.LIRE),
    ("POST", "/resynchroniser", resynchronise, Right.AGIR),
]
