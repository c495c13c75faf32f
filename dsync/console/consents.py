"""What waits for a person's consent: each with what changes, and the consent."""

from __future__ import annotations

from starlette.responses import Response

from dsync.care.state import waiting, work_of
from dsync.console.access import Right
from dsync.console.visit import Visit
from dsync.domain.consent import Consent
from dsync.messages.french import CONSENTS

STANDS = {
    Consent.WRITES: "Rien n’est inscrit ; ce qui est dans les dossiers y reste.",
    Consent.RULES: "Rien n’est jugé ni inscrit selon ces règles ; les avis restent.",
    Consent.FIRST: "Rien n’est encore jugé ni inscrit.",
    Consent.EVIDENCE: "La dernière bonne copie sert.",
    Consent.DELETIONS: "Vérifiez dans Démarches Simplifiées que c’est voulu.",
    Consent.ANSWERS: "Ces dossiers gardent ce qui était connu ; rien n’en est jugé.",
    Consent.CONFIG: "Ce qui en dépend n’est ni jugé ni inscrit.",
    Consent.WRITER: "Rien n’est inscrit tant qu’on ne sait pas laquelle écrit.",
}
"""What holds meanwhile."""
EFFECTS = {
    Consent.WRITES: "Les valeurs ci-dessus sont inscrites dans Démarches Simplifiées.",
    Consent.RULES: "Les dossiers ouverts sont jugés selon elles, et les avis inscrits.",
    Consent.FIRST: "Les dossiers ouverts sont jugés, et les avis inscrits.",
    Consent.EVIDENCE: "Il remplace la copie, et les dossiers ouverts sont jugés de nouveau. Les "
    "avis gardent les preuves qu’ils ont déjà.",
    Consent.DELETIONS: "Ces dossiers sont marqués comme disparus.",
    Consent.ANSWERS: "Ces réponses sont reprises et jugées.",
    Consent.CONFIG: "La configuration est prise telle qu’elle est.",
    Consent.WRITER: "Cette base prend ces valeurs pour les siennes, et continue d’écrire.",
}
"""What follows from consent."""


def show(visit: Visit) -> Response:
    """Show what waits, the oldest first."""
    visit.need_all()
    with visit.reading() as reader:
        return visit.page(
            "accords.html",
            waiting=waiting(reader, visit.worker.evidence(reader)),
            titles=CONSENTS,
            stands=STANDS,
        )


def give(visit: Visit) -> Response:
    """Have done what a person consents to, as they were shown it."""
    visit.need_all()
    version, genre = visit.form.get("version"), visit.form.get("genre")
    with visit.reading() as reader:
        found = waiting(reader, visit.worker.evidence(reader))
    one = next((one for one in found if one.proposal.kind == genre), None)
    if one is None or one.version != version:
        visit.say("Ce n’est plus ce qui attend : regardez de nouveau.", kind="warning")
        return visit.back("/accords")
    kind = one.proposal.kind
    if not visit.form.get("confirme"):
        return visit.confirm(
            f"{CONSENTS[kind]} : donner votre accord ?",
            EFFECTS[kind],
            "Donner mon accord",
            "/accords",
            genre=kind.value,
            version=one.version,
        )
    return visit.ask(work_of(one))


PAGES = [
    ("GET", "/accords", show, Right.AGIR),
    ("POST", "/accords", give, Right.ADMINISTRER),
]
