"""The first page: whether all is well, what is not with its remedy, and « Resynchroniser »."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.console import words
from dsync.console.charts import bars, curve
from dsync.console.visit import Visit
from dsync.domain.check_line import CheckStatus, expiry_lines
from dsync.errors import ConfigurationError
from dsync.store.alerts import CHECK
from dsync.sync.report import SyncOptions
from dsync.sync.state import state_of

ALERTS = {
    "brake": (
        "La dernière lecture complète a été arrêtée : trop de dossiers ont disparu à la fois ; "
        "aucun n’est marqué.",
        "/executions",
        "Voir les passages",
    ),
    "evidence": (
        "Le catalogue de beta.gouv.fr n’a plus été confirmé depuis longtemps.",
        "/preuves",
        "Voir les preuves",
    ),
}
"""What the service's alerts say that the state does not, where to go, and the link's text."""
OF_STATE = frozenset(
    {"no_success", "token_refused", "token_expiry", "refused", "conflicts", "quarantine"}
)
"""The alerts that the state itself shows."""


class Point(NamedTuple):
    """Something that needs attention, with its remedy, and where to go."""

    text: str
    path: str | None = None
    link: str = ""
    is_error: bool = False


def points_of(visit: Visit, state: Mapping[str, Any]) -> Iterator[Point]:
    """Yield what is not well; the same facts as the warnings of `dsync status`."""
    now = visit.now
    last = state["last_success_at"]
    if last is None:
        yield Point(
            "Aucune synchronisation n’a encore réussi. Lancez « Resynchroniser » ci-dessous.",
            is_error=True,
        )
    elif now - last > visit.app.configuration.late_after and not state["lease"]:
        yield Point(
            f"La dernière synchronisation réussie date d’{words.since(last, now)}. Lancez "
            "« Resynchroniser » ci-dessous ; si l’écart se reproduit, faites démarrer le service.",
            visit.url("/executions"),
            "Voir les passages",
            is_error=True,
        )
    if not any(service["is_alive"] for service in state["services"]):
        yield Point(
            "Aucun service ne tourne : rien n’est relu tant que personne ne le demande. La "
            "commande « dsync run » en démarre un.",
        )
    for service in state["services"]:
        if not service["is_alive"]:
            yield Point(
                f"Le service {service['holder']} ne répond plus depuis "
                f"{words.duration(now - service['seen_at'])} : vérifiez-le, puis redémarrez-le.",
                is_error=True,
            )
    if state["clock_ahead_s"] is not None:
        yield Point(
            "L’horloge de cette machine a reculé : vérifiez sa synchronisation (NTP).",
            is_error=True,
        )
    run = state["last_run"]
    if run and run["status"] in ("failed", "interrupted"):
        yield Point(
            f"Le dernier passage n’a pas abouti : {run['error'] or 'interrompu'}.",
            visit.url(f"/executions/{run['run']}"),
            "Voir ce passage",
            is_error=True,
        )
    for name, one, many, path, link in (
        ("quarantined", "dossier ne peut pas être lu", "dossiers ne peuvent pas être lus",
         "/anomalies", "Voir les anomalies"),
        ("refused", "dossier a une annotation refusée par Démarches Simplifiées",
         "dossiers ont une annotation refusée par Démarches Simplifiées",
         "/anomalies", "Voir les anomalies"),
        ("conflicts", "dossier attend votre choix : une personne a écrit autre chose que dsync",
         "dossiers attendent votre choix : une personne a écrit autre chose que dsync",
         "/conflits", "Régler les conflits"),
        ("waiting", "dossier a une annotation à envoyer", "dossiers ont une annotation à envoyer",
         "/anomalies", "Voir ce qui attend"),
    ):  # fmt: skip
        if count := state[name]:
            yield Point(f"{words.plural(count, one, many)}.", visit.url(path), link)
    alerts = {alert["name"] for alert in state["alerts"]}
    for name, (text, path, link) in ALERTS.items():
        if name in alerts:
            yield Point(text, visit.url(path), link)
    checked = sorted(
        words.VERIFICATIONS.get(check, check)
        for name in alerts
        if (check := name.removeprefix(CHECK)) != name
    )
    if checked:
        yield Point(
            f"La vérification quotidienne trouve à redire sur {', '.join(checked)}. Demandez à "
            "l’équipe technique : la commande « dsync check » en donne le remède."
        )
    for name in sorted(alerts - ALERTS.keys() - OF_STATE):
        if not name.startswith(CHECK):
            yield Point(f"Le service signale une alerte : {name}.")
    for line in expiry_lines(visit.app.settings.ds_token_expires_on, now.date()):
        if line.status is CheckStatus.WARNING:
            yield Point(
                f"Le jeton d’accès à Démarches Simplifiées expire le "
                f"{words.day(visit.app.settings.ds_token_expires_on)} : faites-le renouveler."
            )


def show(visit: Visit) -> Response:
    """Show the state of a démarche."""
    app = visit.app
    configuration = app.configuration
    state = state_of(app.store, app.demarche, visit.now, judges=configuration.judges)
    has_programme = configuration.programme is not None
    with app.store.reading(app.demarche) as reader:
        found = reader.figures(with_stages=has_programme)
        figures = found.counts
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
            successes=found.successes,
            points=sorted(points_of(visit, state), key=lambda one: not one.is_error),
            next_run=next_run,
            curve=curve(series),
            funnel=bars(figures["etapes"]),
            judges=configuration.judges,
        )


def options_of(visit: Visit) -> SyncOptions:
    """Return what the form « Resynchroniser » asks for.

    Raises:
        HTTPException: the form is wrong (400).
    """
    scope = visit.form.get("portee", "nouveau")
    numbers = visit.numbers("dossier") if scope == "dossier" else []
    if scope == "dossier" and not numbers:
        raise HTTPException(400, "Indiquez le numéro du dossier à relire.")
    if scope not in ("nouveau", "dossier", "tout"):
        raise HTTPException(400)
    return SyncOptions(
        full=scope == "tout", dossiers=tuple(numbers), started_by=visit.actor.name, pieces=True
    )


def resynchronise(visit: Visit) -> Response:
    """Ask for a run; « à blanc »: show what it would write."""
    options = options_of(visit)
    app = visit.app
    if visit.form.get("a_blanc"):
        dry = replace(options, dry_run=True, pieces=False)
        trial = visit.site.desk.attempt(app, "Essai à blanc", dry)
        return visit.back(f"/essais/{trial.id}")
    try:
        id_ = visit.site.desk.ask(app, options)
    except ConfigurationError as exc:
        return visit.told(exc, "/")
    return visit.back(f"/demandes/{id_}")


PAGES = [("GET", "/", show), ("POST", "/resynchroniser", resynchronise)]
