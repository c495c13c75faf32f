"""The page on which a person asks for the digest, and the one that ends it without a session."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.console.access import Right, granted
from dsync.console.digest import FREQUENCES, is_signed, periods_at
from dsync.console.visit import Visit
from dsync.store import Store


def _obstacle(visit: Visit) -> str:
    """Return why nothing can be sent to this person, "" if it can."""
    if visit.site.origin is None:
        return (
            "Le résumé est envoyé à qui s’identifie par son courriel ; cette console n’est ouverte "
            "que sur ce poste."
        )
    if visit.worker.settings.mail_url is None:
        return (
            "Aucun serveur de courriel n’est configuré (mailtos://… dans DSYNC_ALERT_URLS). "
            "Demandez à l’équipe technique d’en indiquer un."
        )
    if granted(visit.worker.configuration.acces, visit.actor.name, {}) is None:
        return (
            "Votre rôle vient d’un groupe de votre fournisseur d’identité : dsync ne sait pas "
            "quand il finit, et n’envoie donc rien. Demandez que votre adresse figure dans la "
            "configuration de la démarche."
        )
    return ""


def show(visit: Visit) -> Response:
    """Show how often the person is told."""
    with visit.site.store.subscriptions() as subscriptions:
        found = subscriptions.of(visit.actor.name, visit.worker.demarche)
    return visit.page(
        "abonnement.html",
        obstacle=_obstacle(visit),
        chosen=found.frequence if found else "",
        last=found.envoye_le if found else None,
        frequences=FREQUENCES,
    )


def change(visit: Visit) -> Response:
    """Store how often the person is told, or that they no longer are."""
    frequence, name, number = (
        visit.form.get("frequence", ""),
        visit.actor.name,
        visit.worker.demarche,
    )
    if frequence not in ("", *FREQUENCES):
        raise HTTPException(400)
    if frequence and (obstacle := _obstacle(visit)):
        raise HTTPException(400, obstacle)
    with visit.site.store.subscriptions() as subscriptions:
        if frequence:
            period = periods_at(visit.now)[frequence]
            subscriptions.subscribe(name, number, frequence, period=period, now=visit.now)
        else:
            subscriptions.end(name, number)
    visit.say(
        f"Vous recevrez le résumé : {FREQUENCES[frequence].lower()}."
        if frequence
        else "Vous ne recevrez plus le résumé de cette démarche."
    )
    return visit.back("/abonnement")


def end_by_link(store: Store, id_: str, signature: str, *, confirmed: bool) -> bool:
    """Return whether a link is that of a subscription; if `confirmed`, all of its person's end."""
    if not id_.isdecimal() or len(id_) > 15:
        return False
    with store.subscriptions() as subscriptions:
        found = subscriptions.by_id(int(id_))
        if found is None or not is_signed(found, signature):
            return False
        if confirmed:
            subscriptions.end(found.courriel)
    return True


PAGES = [
    ("GET", "/abonnement", show, Right.TEXTES),
    ("POST", "/abonnement", change, Right.TEXTES),
]
