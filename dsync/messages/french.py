"""The catalogue for civil servants: each kind of message in French, for pages and letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, NamedTuple, assert_never

from dsync.domain.consent import Consent
from dsync.domain.dossier import PARIS
from dsync.domain.wording import NO_BREAK, french_date, listed
from dsync.errors import FRENCH_MARKS, quotation
from dsync.messages import kinds as k

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
    "dsync": "dsync lui-même, dont un défaut est à signaler",
}
"""What `dsync check` looks at, by the name of its line."""

_SUPPORT = "Si cela persiste, signalez-le au support de Démarches Simplifiées."
_TECHNICAL = "À corriger par l’équipe\u00a0technique"
_AGAIN = "Ce qui était fait reste, et le reste est à demander de nouveau."
_RENEW = (
    "Un administrateur de la démarche en crée un autre dans son profil de Démarches Simplifiées : "
    "lecture et écriture, cette démarche seule, le réseau du serveur. L’équipe\u00a0technique le "
    "met sur le serveur avec sa fin (DSYNC_DS_TOKEN_EXPIRES_ON), jamais dans une page."
)
_AWAY = "Démarches Simplifiées ne répond pas."
_ADDRESS = f"L’adresse de Démarches Simplifiées n’est plus la bonne (DSYNC_DS_URL). {_TECHNICAL}."
_UNREADABLE = f"Une réponse de Démarches Simplifiées {{about}} ne peut pas être lue. {_SUPPORT}"
_UPGRADE = f"Démarches Simplifiées refuse une requête de dsync. {_TECHNICAL} : mettre dsync à jour."
FAULTS: Mapping[k.Fault, str] = {
    k.Fault.UNREACHABLE: _AWAY,
    k.Fault.CONNECTION_LOST: _AWAY,
    k.Fault.DEADLINE: _AWAY,
    k.Fault.TOO_LONG: _UNREADABLE,
    k.Fault.TOO_MANY: _UNREADABLE,
    k.Fault.TOO_MANY_ERRORS: _UNREADABLE,
    k.Fault.TOO_MANY_NODES: _UNREADABLE,
    k.Fault.RATE_LIMITED: "Le nombre de requêtes permis par Démarches Simplifiées est atteint.",
    k.Fault.TOKEN_MISSING: (
        "dsync n’a pas de jeton pour Démarches Simplifiées : l’équipe\u00a0technique le met en "
        "place (DSYNC_DS_TOKEN)."
    ),
    k.Fault.TOKEN_UNKNOWN: f"Démarches Simplifiées ne connaît pas ce jeton. {_RENEW}",
    k.Fault.TOKEN_EXPIRED: f"Le jeton de Démarches Simplifiées a expiré. {_RENEW}",
    k.Fault.NETWORK: (
        "Démarches Simplifiées n’accepte pas ce jeton depuis ce réseau. Ajoutez le réseau au jeton."
    ),
    k.Fault.OUT_OF_SCOPE: (
        "Le jeton de Démarches Simplifiées ne donne pas accès {at} : faites-le étendre à cette "
        "démarche."
    ),
    k.Fault.NOT_FOUND: "Démarches Simplifiées n’a pas {the}, ou ne le montre pas.",
    k.Fault.TIMEOUT: _AWAY,
    k.Fault.TOO_LARGE: _UPGRADE,
    k.Fault.BAD_DATA: f"Démarches Simplifiées ne rend pas une partie {{of}}. {_SUPPORT}",
    k.Fault.SERVER_ERROR: (
        f"Démarches Simplifiées répond par une erreur interne {{about}}. {_SUPPORT}"
    ),
    k.Fault.MAINTENANCE: "Démarches Simplifiées est en maintenance.",
    k.Fault.GATEWAY: _AWAY,
    k.Fault.NOT_GRAPHQL: _AWAY,
    k.Fault.NO_DATA: _AWAY,
    k.Fault.MOVED: _ADDRESS,
    k.Fault.WRONG_ADDRESS: _ADDRESS,
    k.Fault.INVALID_CURSOR: (
        f"Démarches Simplifiées refuse un repère qu’il avait donné. {_TECHNICAL} : une lecture "
        "complète y remédie."
    ),
    k.Fault.QUERY_REFUSED: _UPGRADE,
}
"""Of `DSFailed`, with the forms of its subject."""


class Noun(NamedTuple):
    """A noun with its article, alone and behind « à » and « de »."""

    le: str
    au: str
    du: str


THINGS: Mapping[k.Thing, Noun] = {
    k.Thing.IT: Noun("cela", "à cela", "de cela"),
    k.Thing.DEMARCHE: Noun("la démarche", "à la démarche", "de la démarche"),
    k.Thing.DOSSIER: Noun("le dossier", "au dossier", "du dossier"),
    k.Thing.DOSSIERS: Noun("les dossiers", "aux dossiers", "des dossiers"),
    k.Thing.ONE: Noun("un dossier", "à un dossier", "d’un dossier"),
    k.Thing.ONE_OF_DEMARCHE: Noun(
        "un dossier de la démarche", "à un dossier de la démarche", "d’un dossier de la démarche"
    ),
    k.Thing.PAGE: Noun("une page de dossiers", "à une page de dossiers", "d’une page de dossiers"),
    k.Thing.WRITE: Noun("l’écriture", "à l’écriture", "de l’écriture"),
    k.Thing.LISTS: Noun(
        "les listes des dossiers supprimés",
        "aux listes des dossiers supprimés",
        "des listes des dossiers supprimés",
    ),
}
_NO_LIST = (
    "Démarches Simplifiées ne rend pas, ou pas entièrement, la liste des dossiers supprimés : la "
    f"prochaine lecture la redemande. {_SUPPORT}"
)
_PAGES = f"Démarches Simplifiées ne rend pas la suite des dossiers. {_SUPPORT}"
_NOT_CONFIRMED = (
    "Démarches Simplifiées n’a pas confirmé une écriture : dsync la relit avant la prochaine. Rien "
    "à faire."
)
NOTES: Mapping[k.Note, str] = {
    k.Note.UNREADABLE_DOSSIERS: (
        "Des dossiers ne peuvent pas être lus ; ils sont en quarantaine : voyez les anomalies."
    ),
    k.Note.RULE_FAILED: (
        "Une règle a échoué sur des dossiers, qui gardent leur dernier avis : voyez les "
        "anomalies, et signalez-les."
    ),
    k.Note.NOT_RENDERED: (
        "Démarches Simplifiées ne rend pas une partie de certains dossiers ; les dernières valeurs "
        "connues restent : voyez les anomalies."
    ),
    k.Note.PLACES_WITHOUT_NAME: (
        "Il manque à Démarches Simplifiées les noms de certains lieux : leurs codes sont gardés, "
        "et la prochaine lecture complète les redemande. Rien à faire."
    ),
    k.Note.WATERMARK_AHEAD: (
        "L’horloge de Démarches Simplifiées avait de l’avance : tous les dossiers ont été relus. "
        "Rien à faire."
    ),
    k.Note.OUT_OF_ORDER: (
        "Démarches Simplifiées a rendu les dossiers dans le désordre : la prochaine lecture les "
        f"relit. {_SUPPORT}"
    ),
    k.Note.UNREADABLE_DELETIONS: (
        "La liste des dossiers supprimés de Démarches Simplifiées est en partie illisible : seule "
        f"une lecture complète apprend ces suppressions. {_SUPPORT}"
    ),
    k.Note.NO_LIST: _NO_LIST,
    k.Note.LIST_WITHOUT_END: _NO_LIST,
    k.Note.EMPTY_PAGE: _PAGES,
    k.Note.NO_CURSOR: _PAGES,
    k.Note.SAME_CURSOR: _PAGES,
    k.Note.NO_INSTRUCTEUR: (
        "Rien n’est inscrit : l’instructeur au nom duquel dsync écrit n’est pas configuré. "
        f"{_TECHNICAL}."
    ),
    k.Note.INSTRUCTEUR_WITHOUT_GROUPE: (
        "Rien n’est inscrit : l’instructeur au nom duquel dsync écrit n’est dans aucun groupe de "
        "la démarche. Ajoutez-le à un groupe, ou faites configurer un autre instructeur."
    ),
    k.Note.READ_ONLY: (
        "Le jeton de dsync ne permet que de lire : faites-en un qui permet d’écrire."
    ),
    k.Note.NO_RIGHT: (
        "L’instructeur de dsync n’a pas de droit sur certains dossiers : ajoutez-le à leur groupe "
        "instructeur dans Démarches Simplifiées."
    ),
    k.Note.WAITED_TOO_LONG: (
        "Une écriture a attendu trop longtemps et n’a pas été envoyée : la prochaine "
        "synchronisation l’envoie."
    ),
    k.Note.UNANSWERED: _NOT_CONFIRMED,
    k.Note.OUTCOME_UNKNOWN: _NOT_CONFIRMED,
    k.Note.OUTCOME_UNREADABLE: _NOT_CONFIRMED,
    k.Note.ANNOTATIONS_NOT_RENDERED: (
        "Démarches Simplifiées ne rend pas les annotations de certains dossiers pour l’instant ; "
        "dsync réessaie dans l’heure."
    ),
    k.Note.NO_REGISTRY: (
        "La recherche d’entreprises ne répond pas : ces dossiers sont jugés de nouveau aux "
        "prochaines synchronisations."
    ),
    k.Note.NO_COPYING: "La copie des pièces jointes n’est pas configurée.",
    k.Note.ANOTHER_VERSION: (
        "Une autre version de dsync l’avait demandé : demandez-le de nouveau."
    ),
    k.Note.DONE_ELSEWHERE: "Un autre service a exécuté cette demande : il n’y a rien à faire.",
    k.Note.STOPPED: f"Interrompu avant la fin. {_AGAIN}",
    k.Note.STOPPED_BEFORE_LEASE: (
        "Interrompu avant le début, car un autre processus travaillait sur la démarche. "
        "Demandez-le de nouveau."
    ),
    k.Note.STOPPED_BEFORE_ASKING: f"Interrompu avant la fin. {_AGAIN}",
    k.Note.STOPPED_CONSOLE: "Interrompu avant le début : demandez-le de nouveau.",
    k.Note.TAKEN_BACK: "La demande a été retirée : rien n’est fait.",
    k.Note.NOT_BEGUN: "Interrompu avant le début : demandez-le de nouveau.",
    k.Note.GOES_ON: "L’attente est interrompue ; le service poursuit la synchronisation.",
}
_NOT_IN_COPY = (
    "Dossier {number} : il n’est pas dans la copie, ou plus visible dans Démarches Simplifiées : "
    "il n’y a rien à faire ici. « Synchroniser » le relit."
)
NUMBER_NOTES: Mapping[k.NumberNote, str] = {
    k.NumberNote.NOT_SHOWN: (
        "Dossier {number} : Démarches Simplifiées ne le montre pas (corbeille, suppression, autre "
        "démarche ou numéro inexact). Cherchez-le dans Démarches Simplifiées."
    ),
    k.NumberNote.NOTHING_TO_SEND: _NOT_IN_COPY,
    k.NumberNote.NOTHING_TO_JUDGE: _NOT_IN_COPY,
    k.NumberNote.NOTHING_TO_COPY: _NOT_IN_COPY,
    k.NumberNote.NOTHING_TO_ERASE: (
        "Dossier {number} : il n’est pas dans la copie ; il n’y a rien à effacer."
    ),
    k.NumberNote.ERASED_HERE: (
        "Dossier {number} : il a été effacé ici sur demande, et n’est pas copié de nouveau. Sa "
        "page permet d’annuler l’effacement."
    ),
    k.NumberNote.NOT_ERASED: (
        "Dossier {number} : il n’a pas été effacé sur demande ; il n’y a rien à annuler."
    ),
    k.NumberNote.NOT_ANSWERED: (
        "Dossier {number} : la réponse n’est pas enregistrée, car ce que trouve le contrôle a "
        "changé entre-temps, ou n’attend plus de réponse."
    ),
    k.NumberNote.CLOCKS_APART: (
        "L’horloge de cette machine et celle de Démarches Simplifiées diffèrent de plus de "
        "{number} minutes : les dossiers sont lus, rien n’est jugé. L’équipe\u00a0technique règle "
        "l’horloge."
    ),
    k.NumberNote.ANSWERS_STOPPED: (
        "Frein de sécurité : Démarches Simplifiées montre d’autres réponses, états ou demandeurs, "
        "alors qu’aucune des dates de ces dossiers n’a bougé, ou sans beaucoup de réponses, ou une "
        "question a quitté le formulaire (dossiers : {count}). Ce qui était connu reste, les avis "
        "aussi. La prochaine lecture complète y met fin si tout est redevenu comme avant ; sinon "
        "quelqu’un donne son accord."
    ),
    k.NumberNote.FLAPPING: (
        "Démarches Simplifiées donne chaque fois d’autres réponses pour certains dossiers "
        f"({{count}}) : ce qui était connu reste. {_SUPPORT}"
    ),
    k.NumberNote.TOO_MANY_CHAMPS: (
        "Le formulaire a plus de {count} champs : dsync ne le lit pas. Vérifiez-le dans Démarches "
        f"Simplifiées. {_SUPPORT}"
    ),
    k.NumberNote.VIEWS_BEHIND: (
        "Des vues du formulaire ne sont pas encore à jour, car elles sont en cours de lecture : la "
        "prochaine synchronisation réessaie."
    ),
    k.NumberNote.NOT_CONFIGURED: (
        "La démarche {number}, à laquelle un contrôle se réfère, n’est pas dans cette base : "
        "l’équipe\u00a0technique l’ajoute."
    ),
    k.NumberNote.NO_SUCH_DEMARCHE: (
        f"Démarches Simplifiées n’a pas de démarche {{number}}. {_TECHNICAL} : son numéro dans la "
        "configuration."
    ),
    k.NumberNote.HELD_BY_DRY_RUN: (
        "Un essai à blanc travaille sur la démarche {number}, ou une synchronisation ne finit pas "
        ": réessayez plus tard."
    ),
    k.NumberNote.TAKEN_OVER: (
        "Un autre processus a repris la démarche {number} : cette synchronisation n’enregistre "
        "plus rien."
    ),
}


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
    awaits_consent: bool = False
    """Whether runs stop until somebody consents."""
    is_away: bool = False
    """Whether DS did not answer the last run."""
    next_at: str = ""
    """When the service reads next."""


def _remedy(about: About) -> str:
    """Return what to do about a read that is late."""
    if not about.may_act:
        return "Signalez-le à l’équipe\u00a0technique."
    if about.awaits_consent:
        return "Décidez de l’accord qui est attendu."
    if about.is_away:
        tried = f"Rien à faire : dsync réessaie à {about.next_at}."
        return tried if about.has_service else "Réessayez plus tard."
    if not about.has_service:
        return "Lancez « Synchroniser » ci-dessous. Faites démarrer le service."
    return (
        "Lancez « Synchroniser » ci-dessous. Si l’écart se reproduit, signalez-le à l’équipe "
        "technique."
    )


def concern(one: k.Concern, about: About) -> str | None:
    """Return what the page « Suivi » says of a concern; None: the error of the last run says it."""
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
            return f"La dernière synchronisation n’a pas abouti : {cause or 'interrompue'}."
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
            return f"{Consent.of_word(kind).french}."
        case k.InQuarantine(dossiers):
            said = plural(dossiers, "dossier ne peut pas", "dossiers ne peuvent pas")
            return f"{said} être {'lu' if dossiers < 2 else 'lus'}."
        case k.Refused(dossiers):
            said = plural(dossiers, "dossier a", "dossiers ont")
            return f"{said} une annotation refusée par Démarches Simplifiées."
        case k.Conflicts(dossiers):
            said = plural(dossiers, "dossier attend", "dossiers attendent")
            return f"{said} votre choix : une personne a écrit autre chose que dsync."
        case k.Contradicted(dossiers):
            said = plural(dossiers, "dossier est inéligible", "dossiers sont inéligibles")
            return (
                f"{said} d’après le catalogue du dépôt, et ne le "
                f"{'serait' if dossiers < 2 else 'seraient'} pas d’après celui d’aujourd’hui."
            )
        case k.WaitingWrites(dossiers):
            said = plural(dossiers, "dossier a", "dossiers ont")
            return f"{said} une annotation à envoyer."
        case k.NoTarget():
            return (
                "La destination des copies de pièces jointes n’est pas là : rien n’y est copié, et "
                "rien de ce qui s’y trouve n’est effacé. Demandez à l’équipe\u00a0technique de la "
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
                "Demandez à l’équipe\u00a0technique : la commande « dsync forget » les retire."
            )
        case k.GristLeft(views):
            return (
                f"Des tables de Grist ne sont plus tenues à jour ({', '.join(views)}) : elles y "
                "ont été supprimées ou modifiées. Demandez à l’équipe\u00a0technique."
            )
        case k.OldEvidence():
            return "Le catalogue de beta.gouv.fr n’a plus été confirmé depuis longtemps."
        case k.Findings(names):
            said = ", ".join(sorted(_CHECKED.get(name, name) for name in names))
            return (
                f"La vérification quotidienne signale un défaut : {said}. Demandez à "
                "l’équipe\u00a0technique : la commande « dsync check » en donne le remède."
            )
        case k.TokenExpiry(last_day, days):
            expires = "expire" if days >= 0 else "a expiré"
            return (
                f"Le jeton d’accès à Démarches Simplifiées {expires} le {french_date(last_day)}. "
                f"{_RENEW}"
            )
        case k.TokenRefused() | k.DSAway():
            return None
    assert_never(one)


def _failed(one: k.DSFailed) -> str:
    noun, number_ = THINGS[one.subject.thing], one.subject.number
    le, au, du = (form if number_ is None else f"{form} {number_}" for form in noun)
    return FAULTS[one.fault].format(the=le, at=au, of=du, about=f"au sujet {du}")


def problem(one: k.Problem) -> str:
    """Return a problem of a run, with what who reads it can do."""
    if isinstance(one, k.OfReading):
        return _of_reading(one)
    if isinstance(one, k.OfWriting):
        return _of_writing(one)
    if isinstance(one, k.OfForm):
        return _of_form(one)
    if isinstance(one, k.OfEvidence):
        return _of_evidence(one)
    match one:
        case k.Noted(note):
            return NOTES[note]
        case k.Numbered(note_, count):
            return NUMBER_NOTES[note_].format(number=count, count=number(count))
        case k.ConsentGone():
            return (
                "Ce qui était montré n’attend plus : c’est fait, ou a changé depuis. Rien n’a été "
                "fait ; regardez de nouveau ce qui attend."
            )
        case k.FilesFailed(files):
            return (
                f"Fichiers qui n’ont pas pu être copiés : {number(files)}. La prochaine copie "
                "réessaie."
            )
        case k.TargetGone() | k.TargetUnusable():
            return (
                "La destination des copies de pièces jointes n’est pas là, ou ne peut pas être "
                f"modifiée. {_TECHNICAL}."
            )
        case k.CopiesLeft(because):
            why = "" if isinstance(because, str) else problem(because)
            return f"Des copies de fichiers effacés restent à supprimer. {why}".strip()
        case k.LeaseHeld(demarche, holder, since):
            at = since.astimezone(PARIS)
            return (
                f"La démarche {demarche} est traitée par {holder or 'un autre processus'} depuis "
                f"le {at:%d/%m/%Y} à {at:%H:%M} : réessayez quand il a fini."
            )
        case k.DatabaseFailed(is_locked=is_locked):
            if is_locked:
                return "La base de données est occupée par un autre processus. Réessayez."
            return f"La base de données n’est pas disponible. {_TECHNICAL}."
        case k.Crashed():
            return (
                "dsync s’est arrêté sur un défaut : signalez-le, avec l’heure, à "
                "l’équipe\u00a0technique."
            )
    assert_never(one)


def _of_reading(one: k.OfReading) -> str:
    match one:
        case k.DSFailed():
            return _failed(one)
        case k.Mismatch(subject):
            return _failed(k.DSFailed(k.Fault.TOO_MANY, subject))
        case k.Looping():
            return (
                "Démarches Simplifiées rend sans fin les mêmes dossiers : la lecture s’arrête, et "
                f"aucun n’est tenu pour disparu. {_SUPPORT}"
            )
        case k.WithoutNumber(after, before):
            places = (("après", after), ("avant", before))
            place = " et ".join(f"{where} le {numero}" for where, numero in places if numero)
            said = f" (à sa place, {place} dans l’ordre des modifications)" if place else ""
            return (
                f"Démarches Simplifiées a rendu un dossier sans son numéro{said} : il manque à la "
                f"copie, ou y est ancien. {_SUPPORT}"
            )
        case k.ListFails():
            return _NO_LIST
        case k.Disappeared(gone, of):
            return (
                f"Frein de sécurité : {plural(gone, 'dossier')} sur {number(of)} "
                f"{'a' if gone < 2 else 'ont'} disparu sans être dans la liste des suppressions. "
                "Aucun n’est marqué. Vérifiez la démarche dans Démarches Simplifiées ; si c’est "
                "voulu, donnez votre accord."
            )
    assert_never(one)


def _of_writing(one: k.OfWriting) -> str:
    match one:
        case k.WritesStopped(dossiers, of):
            return (
                "Frein de sécurité : les annotations de "
                f"{plural(dossiers, 'dossier ouvert', 'dossiers ouverts')} sur {number(of)} "
                "changeraient d’un coup, sans que personne ait modifié ces dossiers. Rien n’est "
                "inscrit dans Démarches Simplifiées tant que la cause reste, ou que personne ne "
                "donne son accord."
            )
        case k.RulesStopped(moved=moved, of=of, checks=checks, lists=lists):
            said = f", et ce que dit {listed(checks)} de la plupart des dossiers" if checks else ""
            gone = plural(lists, "liste a perdu", "listes ont perdu")
            said += f", et {gone} beaucoup de lignes" if lists else ""
            return (
                f"Frein de sécurité : les règles changées feraient changer "
                f"{plural(moved, 'avis', 'avis')} sur {number(of)}{said}. Rien n’est jugé ni "
                "inscrit selon elles tant que personne ne donne son accord."
            )
        case k.FirstStopped():
            return (
                "Frein de sécurité : les contrôles sont nouveaux. Rien n’est jugé ni inscrit selon "
                "eux tant que personne ne donne son accord."
            )
        case k.FirstWrite(dossiers):
            return (
                "Première inscription dans cette démarche : "
                f"{plural(dossiers, 'dossier')}. Rien n’est inscrit tant que personne n’a regardé "
                "et donné son accord."
            )
        case k.AnotherWrites(dossiers):
            return (
                "Une autre base de données de dsync a inscrit des valeurs dans "
                f"{plural(dossiers, 'dossier')} : rien n’est inscrit tant que personne ne dit "
                "laquelle inscrit. Si c’est celle-ci, arrêtez l’autre, puis donnez votre accord."
            )
        case k.WritesWait(dossiers, reasons):
            why = listed(_quoted(one) for one in reasons)
            return (
                f"Dossiers dont les annotations attendent : {number(dossiers)}"
                f"{f' ({why})' if why else ''}. dsync réessaie chaque heure tant "
                "que la cause dure."
            )
        case k.WriteRefused(reason):
            return (
                f"Annotations refusées par Démarches Simplifiées : {_quoted(reason)}. Le "
                "formulaire ou la configuration est à corriger ; elles sont alors envoyées de "
                "nouveau."
            )
        case k.BoxLost(dossiers, validated):
            return (
                "Dossiers dont la case de validation ne peut plus être lue, ou a été vidée avec un "
                f"changement du formulaire : {number(dossiers)}, dont validés : "
                f"{number(validated)}. « Validé » reste, et rien n’y est inscrit. {_TECHNICAL}, "
                "dans le formulaire ou la configuration, ou cochez la case de nouveau."
            )
    assert_never(one)


def _of_form(one: k.OfForm) -> str:
    match one:
        case k.OtherForm():
            return (
                "Le formulaire n’est pas celui de la configuration : rien n’est jugé, et les "
                f"avis restent. {_TECHNICAL} : « dsync check » nomme ce qui manque."
            )
        case k.OtherCall():
            return (
                "dsync est configuré pour un autre appel : les dossiers sont copiés, et rien n’est "
                f"inscrit. {_TECHNICAL} : « dsync config init » écrit le fichier de cette démarche."
            )
        case k.SectionsLost():
            return (
                "Il manque à la configuration des sections selon lesquelles la copie est faite : "
                f"rien n’est changé. {_TECHNICAL} ; si c’est voulu, donnez votre accord."
            )
        case k.LabelsMissing(names):
            said = listed(f"« {name} »" for name in names)
            which = "l’étiquette" if len(names) < 2 else "les étiquettes"
            return (
                f"La démarche n’a pas {which} {said} : à créer dans Démarches Simplifiées sous ce "
                "nom exact, ou à corriger dans la configuration."
            )
        case k.ImpossibleValue(value):
            return f"{value} : aucune réponse ne peut l’être. {_TECHNICAL} (« dsync check »)."
        case k.FieldsMissing():
            return (
                "Une question dont les contrôles ou le jury ont besoin n’est plus dans le "
                f"formulaire : sa réponse manque. {_TECHNICAL} : « dsync check » la nomme."
            )
        case k.UnreadableFields():
            return (
                "Une partie de ce que Démarches Simplifiées dit de la démarche est illisible ; "
                f"dsync s’en passe. {_SUPPORT}"
            )
    assert_never(one)


def _of_evidence(one: k.OfEvidence) -> str:
    match one:
        case k.CatalogueUnusable():
            return (
                "Le catalogue de beta.gouv.fr ne peut pas être lu : la dernière bonne copie sert, "
                "s’il y en a une ; sinon ces contrôles attendent."
            )
        case k.RedirectsUnread():
            return (
                "Les anciennes adresses de fiches (redirections de beta.gouv.fr) n’ont pas pu être "
                "relues : celles qui étaient connues servent, et aucune adresse inconnue n’exclut "
                "un dossier jusque-là."
            )
        case k.FirstCatalogue(products=products):
            return (
                f"Le premier catalogue lu de beta.gouv.fr ne contient que {products} produits : il "
                "n’est pas retenu, et les contrôles qui en dépendent attendent."
            )
        case k.CatalogueRefused(_, products, known, moved, is_missing):
            said = (
                f"ne contient plus {moved} des {known} produits"
                if is_missing
                else f"donne d’autres phases ou un autre nom à {moved} des {known} produits"
            )
            return (
                f"Le catalogue publié par beta.gouv.fr ({products} produits) {said} de la dernière "
                "bonne copie : il n’est pas retenu et cette copie continue de servir."
            )
    assert_never(one)


def _quoted(text: str) -> str:
    return quotation(text.removesuffix("."), marks=FRENCH_MARKS)


class SaidSentence(NamedTuple):
    """What a page shows, and its language."""

    text: str
    lang: str = "fr"


def said(one: k.Problem | str) -> SaidSentence:
    """Return a problem in French; a sentence without facts is quoted as operators read it."""
    if isinstance(one, str):
        return SaidSentence(_quoted(one), "en")
    return SaidSentence(problem(one))


def all_said(messages: Sequence[str], facts: Sequence[object] | None) -> list[SaidSentence]:
    """Return what a run reported, each once: by its stored facts, else in operators' words."""
    found = zip_longest(messages, map(k.of_stored, facts or ()))
    return list(dict.fromkeys(said(one or text) for text, one in found))
