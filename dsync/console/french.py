"""The engine's sentences about a run, in French, for the pages that show them.

The engine speaks English, to those who operate it. Who reads a page is told the same in French,
with what they can do. A sentence that is not known here is not shown in English: the page then says
where the technical team finds it.
"""

from __future__ import annotations

import re

_SUPPORT = "Si cela persiste, signalez-le au support de Démarches Simplifiées."
_BY_ITSELF = "dsync réessaie de lui-même."
_TECHNICAL = "À corriger par l’équipe technique"
UNKNOWN = (
    "Une précision technique est dans le journal du service : l’équipe technique la lit par la "
    "commande « dsync runs »."
)
_SENTENCES = [
    (re.compile(english, re.DOTALL), french)
    for english, french in (
        # What is read from DS.
        (
            r"Dossier (\d+): DS does not show it",
            r"Dossier \1 : Démarches Simplifiées ne le montre pas (corbeille, suppression, autre "
            "démarche ou numéro inexact). Cherchez-le dans Démarches Simplifiées.",
        ),
        (
            r"Dossier (\d+) is not in the copy",
            r"Dossier \1 : il n’est pas dans la copie, ou plus visible dans Démarches "
            "Simplifiées : il n’y a rien à faire ici. « Resynchroniser » le relit.",
        ),
        (
            r"Dossier (\d+) was erased here on request",
            r"Dossier \1 : il a été effacé ici sur demande, et n’est pas copié de nouveau. Sa page "
            "permet d’annuler l’effacement.",
        ),
        (
            r"Dossier (\d+) was not erased on request",
            r"Dossier \1 : il n’a pas été effacé sur demande ; il n’y a rien à annuler.",
        ),
        (
            r"Some dossiers cannot be read",
            "Des dossiers ne peuvent pas être lus ; ils sont en quarantaine : voyez les anomalies.",
        ),
        (
            r"A rule failed on some dossiers",
            "Une règle a échoué sur des dossiers, qui gardent leur dernier verdict : voyez les "
            "anomalies, et signalez-les.",
        ),
        (
            r"DS cannot render a part of some dossiers",
            "Démarches Simplifiées ne rend pas une partie de certains dossiers ; les dernières "
            "valeurs connues restent : voyez les anomalies.",
        ),
        (
            r"DS lacks the names of some places",
            "Il manque à Démarches Simplifiées les noms de certains lieux : leurs codes sont "
            "gardés, et la prochaine lecture complète les redemande. Rien à faire.",
        ),
        (
            r"DS's answer about the démarche has fields",
            "Une partie de ce que Démarches Simplifiées dit de la démarche est illisible ; dsync "
            f"s’en passe. {_SUPPORT}",
        ),
        (
            r"DS returned a dossier without its number",
            "Démarches Simplifiées a rendu un dossier sans son numéro : il manque à la copie, ou y "
            f"est ancien. {_SUPPORT}",
        ),
        (
            r"The watermark was ahead",
            "L’horloge de Démarches Simplifiées avait de l’avance : tous les dossiers ont été "
            "relus. Rien à faire.",
        ),
        (
            r"DS fails on its list of|DS's lists? of deletions|DS's answer lacks a list",
            "Démarches Simplifiées ne rend pas, ou pas entièrement, la liste des dossiers "
            f"supprimés : la prochaine lecture la redemande. {_SUPPORT}",
        ),
        (
            r"DS returned dossiers out of order",
            "Démarches Simplifiées a rendu les dossiers dans le désordre : la prochaine lecture "
            f"les relit. {_SUPPORT}",
        ),
        (
            r"Safety brake: DS neither shows nor lists as deleted (\d+) of (\d+) dossiers",
            r"Frein de sécurité : \1 dossiers sur \2 ont disparu sans être dans la liste des "
            "suppressions. Aucun n’est marqué. Vérifiez la démarche dans Démarches Simplifiées ; "
            "si c’est voulu, l’équipe technique le confirme.",
        ),
        (
            r"Safety brake: the annotations of (\d+) of (\d+) open dossiers would change",
            r"Frein de sécurité : les annotations de \1 dossiers ouverts sur \2 changeraient d’un "
            "coup, sans que personne ait modifié ces dossiers. Rien n’est inscrit dans Démarches "
            "Simplifiées tant que la cause reste, ou que personne ne donne son accord.",
        ),
        (
            r"Safety brake: DS shows other answers, states or applicants for (\d+) dossiers",
            r"Frein de sécurité : Démarches Simplifiées montre d’autres réponses, états ou "
            r"demandeurs pour \1 dossiers, alors qu’aucune de leurs dates n’a bougé, ou une "
            "question a quitté le formulaire. Ce qui était connu reste, les avis aussi. La "
            "prochaine lecture complète y met fin si tout est redevenu comme avant ; sinon "
            "quelqu’un donne son accord.",
        ),
        (
            r"DS gives other answers each time for (\d+) dossiers",
            r"Démarches Simplifiées donne chaque fois d’autres réponses pour \1 dossiers : leurs "
            f"copies restent. {_SUPPORT}",
        ),
        (
            r"This machine's clock and DS's",
            "L’horloge de cette machine et celle de Démarches Simplifiées diffèrent de plus de dix "
            "minutes : les dossiers sont lus, rien n’est jugé. L’équipe technique règle l’horloge.",
        ),
        # What is written.
        (
            r"Another database of dsync wrote into (\d+) dossiers",
            r"Une autre base de données de dsync a inscrit des valeurs dans \1 dossiers : rien "
            "n’est inscrit tant que personne ne dit laquelle inscrit. Si c’est celle-ci, arrêtez "
            "l’autre, puis donnez votre accord.",
        ),
        (
            r"Dossiers whose annotations are waiting: (\d+)",
            r"Dossiers dont les annotations attendent : \1. Elles sont envoyées dans l’heure.",
        ),
        (
            r"Nothing is pushed, because",
            "Rien n’est inscrit : l’instructeur au nom duquel dsync écrit n’est pas configuré, ou "
            f"n’est dans aucun groupe. {_TECHNICAL}, ou par l’administration de la démarche.",
        ),
        (
            r"Annotations refused: “?(.*?)”?\.? Correct the form",
            r"Annotations refusées par Démarches Simplifiées : « \1 ». Le formulaire ou la "
            "configuration est à corriger ; elles sont alors envoyées de nouveau.",
        ),
        (
            r"DS refuses to write: the token is read-only",
            "Le jeton de dsync ne permet que de lire : faites-en un qui permet d’écrire.",
        ),
        (
            r"DS refuses to write: the instructeur",
            "L’instructeur de dsync n’a pas de droit sur certains dossiers : ajoutez-le à leur "
            "groupe instructeur dans Démarches Simplifiées.",
        ),
        (
            r"DS did not answer a write|The outcome of a write|DS's answer to a write",
            "Démarches Simplifiées n’a pas confirmé une écriture : dsync la relit avant la "
            "prochaine. Rien à faire.",
        ),
        (
            r"DS cannot return the annotations",
            "Démarches Simplifiées ne rend pas les annotations de certains dossiers pour "
            "l’instant ; dsync réessaie dans l’heure.",
        ),
        # Configuration, rules, evidence, files.
        (
            r"Dossiers whose validation box cannot be read: (\d+), validated ones .+?: (\d+)",
            r"Dossiers dont la case de validation ne peut plus être lue : \1, dont validés : \2. "
            "« Validé » reste, et rien n’y est inscrit. "
            f"{_TECHNICAL}, dans le formulaire ou la configuration : « dsync check » la nomme.",
        ),
        (
            r"Nothing is judged, because .+ does not fit the form",
            "Le formulaire n’est pas celui de la configuration : rien n’est jugé, et les verdicts "
            f"restent. {_TECHNICAL} : « dsync check » nomme ce qui manque.",
        ),
        (
            r".+ is the shipped file of another call",
            "dsync est configuré pour un autre appel : les dossiers sont copiés, et rien n’est "
            f"inscrit. {_TECHNICAL} : « dsync config init » écrit le fichier de cette démarche.",
        ),
        (
            r".+: no champ of the form matches",
            "Une question dont les contrôles ont besoin n’est plus dans le formulaire : les "
            f"nouveaux dossiers n’y répondent pas. {_TECHNICAL} : « dsync check » la nomme.",
        ),
        (
            r"\[\[controles\]\]: (.+): no answer can equal it",
            rf"\1 : aucune réponse ne peut l’être. {_TECHNICAL} : « dsync check » la nomme.",
        ),
        (
            r".+ lacks \[|\[mapping\]|\[annotations|The eligibility rules"
            r"|DS has no dém",
            "La configuration ne correspond pas à la démarche ou à ce qui est stocké. "
            f"{_TECHNICAL} : « dsync check » en donne le remède.",
        ),
        (
            r"The rules here are version",
            "D’autres règles que celles qui ont été acceptées sont en place : rien n’a été jugé. "
            "Faites redémarrer le service, ou regardez de nouveau ce qui changerait.",
        ),
        (
            r"The views formulaire_",
            "Des vues du formulaire ne sont pas encore à jour, car elles sont en cours de lecture "
            ": le prochain passage réessaie.",
        ),
        (
            r"Recherche d'entreprises cannot be reached",
            "La recherche d’entreprises ne répond pas : les prochains passages jugent ces dossiers "
            "de nouveau.",
        ),
        (
            r"The catalogue of",
            "Le catalogue de beta.gouv.fr ne peut pas être lu : la dernière bonne copie sert, s’il "
            "y en a une ; sinon ces contrôles attendent.",
        ),
        (
            r"The redirects of",
            "Les anciennes adresses de fiches (redirections de beta.gouv.fr) n’ont pas pu être "
            "relues : celles qui étaient connues servent, et aucune adresse inconnue n’exclut un "
            "dossier jusque-là.",
        ),
        (
            r"(\S+): the answer|(\S+): HTTP \d|HTTP \d|the answer|no answer|an HTML page|the file",
            "La source n’a pas donné de réponse lisible.",
        ),
        (
            r"Démarche (\d+) is not in this database",
            r"La démarche \1, à laquelle un contrôle se réfère, n’est pas dans cette base : "
            "l’équipe technique l’ajoute.",
        ),
        (
            r"(\d+) files could not be copied",
            r"Fichiers qui n’ont pas pu être copiés : \1. La prochaine copie réessaie.",
        ),
        (
            r"\S+: \d+ of \d+ entries are gone",
            "Frein de sécurité : trop d’entrées d’une liste ont disparu ; rien n’est changé.",
        ),
        (
            r"The target of the copies|Copies of erased|\[pieces\] target|Nothing but copies",
            "La destination des copies de pièces jointes n’est pas là, ou ne peut pas être "
            f"modifiée. {_TECHNICAL}.",
        ),
        (
            r"The copying of files is off",
            "La copie des pièces jointes n’est pas configurée.",
        ),
        # DS, the database, the process.
        (
            r"DS cannot be reached|The connection to DS|DS did not answer|DS timed out"
            r"|DS is unavailable|DS answered (?:something|without)"
            r"|Asked to stop while waiting to ask",
            f"Démarches Simplifiées ne répond pas. {_BY_ITSELF}",
        ),
        (r"DS is under maintenance", f"Démarches Simplifiées est en maintenance. {_BY_ITSELF}"),
        (
            r"This token has reached DS's rate limit",
            f"Le nombre de requêtes permis par Démarches Simplifiées est atteint. {_BY_ITSELF}",
        ),
        (
            r"No token for DS|There is no DS token",
            "dsync n’a pas de jeton pour Démarches Simplifiées : l’équipe technique le met en "
            "place (DSYNC_DS_TOKEN).",
        ),
        (
            r"DS does not know this token|The DS token|The scope of the DS"
            r"|DS does not accept this token",
            "Démarches Simplifiées refuse le jeton : faites-le renouveler, ou étendre à cette "
            "démarche.",
        ),
        (
            r"DS's answer about|DS cannot render|DS answered the request|DS returns? |DS returned"
            r"|DS says|DS refuses|The form has more",
            f"Une réponse de Démarches Simplifiées ne peut pas être lue. {_SUPPORT}",
        ),
        (
            r"DS has no ",
            "Démarches Simplifiées n’a pas ce dossier ou cette démarche, ou ne le montre pas.",
        ),
        (
            r"Interrupted|Asked to stop|The console was stopped|The request was taken back",
            "Interrompu avant la fin : ce qui était fait reste, et le reste est à demander de "
            "nouveau.",
        ),
        (
            r"Another process|A dry run works|The service \S+ still|The lease|Another service",
            "Un autre processus travaille sur la démarche : réessayez quand il a fini.",
        ),
        (
            r"dsync failed by a bug",
            "dsync s’est arrêté sur un défaut : signalez-le à l’équipe technique, avec l’heure.",
        ),
        (
            r"\S+ has moved|\S+ is not DS's",
            f"L’adresse de Démarches Simplifiées n’est plus la bonne (DSYNC_DS_URL). {_TECHNICAL}.",
        ),
        (
            r"Another version of dsync",
            "Une autre version de dsync l’avait demandé : demandez-le de nouveau.",
        ),
        (
            r"(?:sqlite|postgresql|/|The database|\S+ (?:was deleted|is in use|is not|cannot))",
            f"La base de données n’est pas disponible. {_TECHNICAL}.",
        ),
    )
]


def in_french(message: str) -> str:
    """Return what a sentence of the engine says, in French."""
    for english, french in _SENTENCES:
        if found := english.match(message):
            return found.expand(french)
    return UNKNOWN


def all_in_french(messages: list[str] | None) -> list[str]:
    """Return what sentences of the engine say, each once."""
    return list(dict.fromkeys(map(in_french, messages or ())))
