"""The catalogue for civil servants: each kind of message in French, for pages and letters."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple, assert_never

from dsync.domain.consent import Consent
from dsync.domain.wording import NO_BREAK, french_date
from dsync.messages import kinds as k

CONSENTS = {
    Consent.WRITES: "Beaucoup d’avis changeraient dans Démarches Simplifiées",
    Consent.RULES: "Des règles changées feraient changer beaucoup de verdicts",
    Consent.FIRST: "Des contrôles jugeraient pour la première fois",
    Consent.EVIDENCE: "Le catalogue publié n’est pas retenu",
    Consent.DELETIONS: "Beaucoup de dossiers ne sont plus montrés",
    Consent.ANSWERS: "Beaucoup de dossiers ont changé d’un coup, sans que leurs dates changent",
    Consent.CONFIG: "La configuration n’a plus ce qu’elle avait",
    Consent.WRITER: "Une autre base de dsync a écrit dans ces dossiers",
}
"""What waits for a person's consent."""
_CHECKED = {
    "configuration": "le fichier de configuration",
    "token": "le jeton",
    "démarche": "la démarche",
    "settings": "les réglages",
    "revision": "le formulaire",
    "mapping": "la correspondance avec le formulaire",
    "annotations": "les annotations",
    "labels": "les étiquettes",
    "instructeur": "les groupes de l’instructeur",
    "write access": "le droit d’écrire",
    "database": "la base de données",
    "evidence": "les preuves",
    "rules": "les règles",
    "access": "les groupes des droits d’accès",
    "mail": "l’envoi des résumés par courriel",
    "dsync": "dsync lui-même, dont un défaut est à signaler",
}
"""What `dsync check` looks at, by the name of its line."""


def number(value: Any, digits: int | None = None) -> str:
    """Return a number with French separators."""
    if value is None:
        return "–"
    if digits is None and float(value).is_integer():
        value = int(value)
    text = f"{value:,}" if digits is None else f"{value:,.{digits}f}"
    return text.replace(",", "\u202f").replace(".", ",")


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun, or with the whole clause about one or several."""
    return f"{number(count)}{NO_BREAK}{one if count < 2 else many or one + 's'}"


def duration(length: timedelta) -> str:
    """Return a duration in the largest unit that fits."""
    seconds = max(0, int(length.total_seconds()))
    for unit, size in (("j", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size}{NO_BREAK}{unit}"
    return f"{seconds}{NO_BREAK}s"


class About(NamedTuple):
    """What a sentence about a concern depends on, beside its facts."""

    now: datetime
    may_act: bool
    """Whether who reads it may ask for a run."""
    has_service: bool
    is_under_way: bool
    """Whether a run is, which may end the delay."""


def _remedy(about: About) -> str:
    """Return what to do about a read that is late."""
    if not about.may_act:
        return "Signalez-le à l’équipe technique."
    if not about.has_service:
        return "Lancez « Resynchroniser » ci-dessous. Faites démarrer le service."
    return (
        "Lancez « Resynchroniser » ci-dessous. Si l’écart se reproduit, signalez-le à l’équipe "
        "technique."
    )


def concern(one: k.Concern, about: About) -> str | None:
    """Return what the page « État » says of a concern; None: the error of the last run says it."""
    match one:
        case k.NoSuccess():
            if about.is_under_way:
                return (
                    "La première synchronisation est en cours : les chiffres ne sont pas encore "
                    "complets."
                )
            return f"Aucune synchronisation n’a encore réussi. {_remedy(about)}"
        case k.Late(since):
            then = " ; une autre est en cours." if about.is_under_way else f". {_remedy(about)}"
            age = duration(about.now - since)
            return f"La dernière synchronisation réussie remonte à {age}{then}"
        case k.NoService():
            return (
                "Aucun service ne tourne : rien n’est relu tant que personne ne le demande. La "
                "commande « dsync run » en démarre un."
            )
        case k.SilentService(holder, since):
            return (
                f"Le service {holder} ne répond plus depuis {duration(about.now - since)} : "
                "vérifiez-le, puis redémarrez-le. S’il tourne, comparez les horloges des machines "
                "(NTP)."
            )
        case k.ClockWentBack():
            return "L’horloge de cette machine a reculé : vérifiez sa synchronisation (NTP)."
        case k.RunFailed(cause=cause):
            return f"Le dernier passage n’a pas abouti : {cause or 'interrompu'}."
        case k.MassDeletion(dossiers):
            said = plural(
                dossiers,
                "dossier a été masqué ou supprimé d’un coup par Démarches Simplifiées, et l’est "
                "donc ici",
                "dossiers ont été masqués ou supprimés d’un coup par Démarches Simplifiées, et le "
                "sont donc ici",
            )
            return f"{said} : vérifiez auprès de l’administration de la démarche que c’est voulu."
        case k.Stopped(kind):
            return f"{CONSENTS[Consent.of_word(kind)]}."
        case k.Quarantined(dossiers):
            said = plural(dossiers, "dossier ne peut pas", "dossiers ne peuvent pas")
            return f"{said} être {'lu' if dossiers < 2 else 'lus'}."
        case k.Refused(dossiers):
            said = plural(dossiers, "dossier a", "dossiers ont")
            return f"{said} une annotation refusée par Démarches Simplifiées."
        case k.Conflicts(dossiers):
            said = plural(dossiers, "dossier attend", "dossiers attendent")
            return f"{said} votre choix : une personne a écrit autre chose que dsync."
        case k.Waiting(dossiers):
            said = plural(dossiers, "dossier a", "dossiers ont")
            return f"{said} une annotation à envoyer."
        case k.NoTarget():
            return (
                "La destination des copies de pièces jointes n’est pas là : rien n’y est copié, et "
                "rien de ce qui s’y trouve n’est effacé. Demandez à l’équipe technique de la "
                "remettre en place."
            )
        case k.UnfinishedErasures(files, requests):
            said = plural(
                files + requests,
                "fichier ou demande d’effacement n’est pas encore traité",
                "fichiers ou demandes d’effacement ne sont pas encore traités",
            )
            return f"{said}."
        case k.WaitingRequests(requests):
            said = plural(
                requests, "demande n’est pas encore traitée", "demandes ne sont pas encore traitées"
            )
            return f"{said}."
        case k.NotConfigured(demarches):
            names = ", ".join(map(str, demarches))
            return (
                f"Des démarches ne sont plus dans la configuration ({names}) : elles ne sont plus "
                "lues, et leurs effacements dans Démarches Simplifiées ne sont pas suivis ici. "
                "Demandez à l’équipe technique : la commande « dsync forget » les retire."
            )
        case k.OldEvidence():
            return "Le catalogue de beta.gouv.fr n’a plus été confirmé depuis longtemps."
        case k.Findings(names):
            said = ", ".join(sorted(_CHECKED.get(name, name) for name in names))
            return (
                f"La vérification quotidienne trouve à redire sur {said}. Demandez à l’équipe "
                "technique : la commande « dsync check » en donne le remède."
            )
        case k.TokenExpiry(last_day, days):
            expires = "expire" if days >= 0 else "a expiré"
            return (
                f"Le jeton d’accès à Démarches Simplifiées {expires} le {french_date(last_day)} : "
                "faites-le renouveler."
            )
        case k.TokenRefused() | k.DSAway():
            return None
    assert_never(one)
