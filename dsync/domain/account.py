"""What the person concerned by a verdict gets: its account, and a message for a person to transmit.

The account is that of the CRPA, article R. 311-3-1-2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from dsync.domain.check_answers import ANSWER, TWINS
from dsync.domain.dossier import OPEN_ETATS, PARIS, Etat
from dsync.domain.judging import ADVICE, TO_DO, USUAL_LENGTH
from dsync.domain.paper import Block, Paper, heading, items, paragraph, table
from dsync.domain.rights import USAGER, opened, rights
from dsync.domain.verdict import Controle, Resultat, Verdict, verdict_of
from dsync.domain.wording import french_date, inside, listed, with_no_break_spaces

Row = Mapping[str, Any]
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_DECISIONS = {"accepte": "accepté", "refuse": "refusé", "sans_suite": "classé sans suite"}
_ERASED = "Texte effacé, ou réservé aux opérateurs."
_PREPARATORY = (
    "Pour l’équipe : document préparatoire, à ne pas remettre avant la décision. À la dernière "
    "lecture, le dossier n’était pas décidé ; tant que la décision est en cours d’élaboration, le "
    "droit à communication ne concerne pas les documents qui la préparent (CRPA, article "
    "L. 311-2)."
)
_CONTEST = (
    "C’est la décision qui peut être contestée, dans les deux mois de sa notification : par un "
    "recours gracieux auprès de l’autorité qui l’a prise, ou devant le tribunal administratif. La "
    "notification indique les voies et délais de recours (code de justice administrative, articles "
    "R. 421-1 et R. 421-5). Une donnée personnelle inexacte est rectifiée à votre demande (RGPD, "
    "article 16)."
)


class AccountRules(NamedTuple):
    """What an account and the published page say of a version of the rules, if it was kept."""

    finalite: str
    contribution: Sequence[str]
    instruction: str
    """Who decides."""
    operations: Sequence[str]
    parametres: Sequence[tuple[str, str]] = ()
    sources: Sequence[tuple[str, str]] = ()
    most_severe: Mapping[str, str] = {}
    """The most severe result that a check may give, in French."""
    document: Any = None
    """The rules whole; None: they were not kept."""
    version: str = ""
    note: str = ""
    """What is to be known of the data beside their sources."""
    controles: Sequence[Block] = ()
    """What the page of the rules says of parameters and checks."""
    annotation: Sequence[str] = ()
    """How the text in the annotation is made."""
    applicant: str = USAGER
    """What who deposits a dossier is called."""


def rules_page(rules: AccountRules, today: date | None) -> Paper:
    """Return the page of a version of the rules; with `today`, it says when it was made.

    An administration can put it online as it is (CRPA, art. L. 312-1-3).
    """
    made = f" Page établie le {french_date(today)}." if today else ""
    return Paper(
        "Règles du pré-contrôle des dossiers",
        [
            paragraph(
                "Cette page publie les règles du traitement algorithmique qui aide à instruire les "
                "dossiers, avec leurs valeurs en vigueur (CRPA, article L. 312-1-3). Version "
                f"{rules.version}.{made}"
            ),
            heading("Finalité"),
            paragraph(rules.finalite),
            heading("Degré et mode de contribution à la décision"),
            items(rules.contribution),
            *([heading("Données traitées et sources")] if rules.sources else []),
            *([table(("Donnée", "Source"), rules.sources)] if rules.sources else []),
            *([paragraph(rules.note)] if rules.note else []),
            heading("Opérations"),
            items(rules.operations, are_steps=True),
            *rules.controles,
            heading("Texte inscrit dans l’annotation"),
            items(rules.annotation),
            *rights(rules.instruction, applicant=rules.applicant),
        ],
    )


def layout(
    instruction: str,
    length: int,
    url: str | None,
    *,
    fact: str = "le fait",
    note: str = "",
    has_people: bool = False,
) -> list[str]:
    """Return how `domain.judging.Wording` makes a text; `fact`: what a line says of one."""
    people = " ceux qui reviennent à une personne," if has_people else ""
    last = "puis l’adresse de cette page" if url else "et rien d’autre"
    return [
        f"Première ligne : « <Avis> – {ADVICE}{instruction} instruit le dossier. »",
        f"Une ligne par contrôle qui n’est pas conforme, les plus sévères d’abord : {fact}, la "
        "règle, ce qui est à faire. Les contrôles de même phrase partagent une ligne."
        f"{note and f' {note}'}",
        f"Les contrôles conformes avec leurs faits,{people} ceux qui n’ont pas été examinés, "
        f"{last}.",
        "Une règle ou une source commune à plusieurs constats est citée avec le premier ; les "
        "suivants y renvoient.",
        f"Au-delà de {USUAL_LENGTH} caractères, les faits des contrôles conformes sont remplacés "
        "par leur titre, les plus longs d’abord, puis les sources des listes sont omises. Au-delà "
        f"de {length}, le sont aussi les raisons données par des personnes, puis des constats "
        "entiers, les moins graves d’abord : le texte dit alors combien, et dsync les a tous.",
    ]


def account_of(
    found: Row,
    at: datetime | None,
    rules_of: Callable[[str], AccountRules],
    titles: Mapping[str, str],
    in_words: Callable[[Mapping[str, Any]], Sequence[tuple[str, str, Any]]],
    words: Mapping[Verdict, str] = {},
) -> dict[str, Any] | None:
    """Return the account of a verdict in JSON values, all texts in French; None: there was none.

    It begins with what a person reads who has no use for the rest. `found` is the dossier with its
    verdicts and checks, as `DossierReads.by_number` returns it; `at` is the instant at which the
    verdict stood (None: the current one); `titles` are those of the checks, in their order;
    `in_words` returns the evidence of a check in French.
    """
    standing = [
        one
        for one in found["precontroles"]
        if (one["courant"] if at is None else datetime.fromisoformat(one["etabli_le"]) <= at)
    ]
    if not standing:
        return None
    verdict, which = standing[-1], ("etabli_le", "courant")
    controles = [c for c in found["controles"] if all(c[one] == verdict[one] for one in which)]
    ranks = {name: rank for rank, name in enumerate(titles)}
    controles.sort(key=lambda one: ranks.get(one["controle"], len(ranks)))
    rules, given = rules_of(verdict["version_regles"]), Verdict(verdict["verdict"])
    shown = [
        {
            "controle": one["controle"],
            "titre": titles.get(one["controle"], one["controle"]),
            "resultat": Resultat(one["resultat"]).label,
            "motif": _without_others(one),
            "plus_severe_possible": rules.most_severe.get(one["controle"]),
            "poids": _weight(Resultat(one["resultat"]), given, words),
            "decide": verdict_of([Resultat(one["resultat"])]) is given,
            "donnees": [
                {"nom": label, "valeur": said(value)}
                for key, label, value in in_words(one["preuve"] or {})
                if key != TWINS
            ],
        }
        for one in controles
    ]
    return {
        "avertissement": _PREPARATORY if found["etat"] in OPEN_ETATS else None,
        "en_bref": _in_brief(found, verdict, words.get(given, given.value), rules, shown),
        "numero": found["numero"],
        "organisme": found["raison_sociale"],
        "depose_le": found["depose_le"],
        "verdict": given.value,
        "avis": words.get(given, given.value),
        "etabli_le": verdict["etabli_le"],
        "courant": verdict["courant"],
        "version_regles": verdict["version_regles"],
        "finalite": rules.finalite,
        "contribution": [*rules.contribution, *_use(found, verdict)],
        "controles": shown,
        "operations": rules.operations,
        "parametres": [{"nom": name, "valeur": value} for name, value in rules.parametres],
        "sources": [{"nom": name, "source": source} for name, source in rules.sources],
        "regles": rules.document,
        "instruction": rules.instruction,
    }


def _in_brief(
    found: Row, verdict: Row, avis: str, rules: AccountRules, controles: Sequence[Row]
) -> list[str]:
    """Return half a page for whom it concerns: what was asked, found, decides, who, how."""
    on = found["depose_le"]
    deposited = f", déposé le {said(on[:10])}," if on else ""
    by_level: dict[str, list[str]] = {}
    for one in controles:
        by_level.setdefault(one["resultat"], []).append(one["titre"])
    found_so = "".join(
        f" {level} : {listed(by_level[level])}."
        for level in Resultat.labels().values()
        if level in by_level
    )
    conforming = Resultat.CONFORME.label
    reasons = [
        f"{opened(one['titre'])} : {inside(one['motif'].partition(TO_DO)[0])}"
        for one in controles
        if one["decide"] and one["motif"] and one["resultat"] != conforming
    ]
    return [
        f"Votre dossier n° {found['numero']}{deposited} a passé un pré-contrôle, fait par un "
        f"logiciel, qui porte sur ces points : {listed(one['titre'] for one in controles)}.",
        f"Le {said(verdict['etabli_le'][:10])}, son avis a été « {avis} ».{found_so}",
        *reasons,
        "Le résultat le plus sévère donne l’avis, qui ne vaut pas décision. "
        f"{opened(rules.instruction)} instruit le dossier et décide. "
        f"{' '.join(_use(found, verdict))}",
        _CONTEST,
    ]


def _without_others(controle: Row) -> str | None:
    """Return the reason of a check without the numbers of others' dossiers."""
    motif: str | None = controle["motif"]
    for other in (controle["preuve"] or {}).get(TWINS, ()):
        motif = motif and motif.replace(str(other), "(numéro non communiqué)")
    return motif


def account_page(account: Mapping[str, Any], applicant: str) -> Paper:
    """Return an account as a page; `applicant`: what who deposits a dossier is called."""
    name = f", déposé par {account['organisme']}" if account["organisme"] else ""
    state = "en vigueur" if account["courant"] else "remplacé depuis"
    data = [
        f"{one['titre']} – {datum['nom']} : {datum['valeur']}"
        for one in account["controles"]
        for datum in one["donnees"]
    ]
    kept = account["regles"] is not None
    warning = account["avertissement"]
    return Paper(
        f"Dossier {account['numero']} : compte rendu individuel du pré-contrôle",
        [
            *([paragraph(warning)] if warning else []),
            heading("En bref"),
            *map(paragraph, account["en_bref"]),
            heading("Avis"),
            paragraph(
                f"Dossier {account['numero']}{name}. Avis « {account['avis']} », établi le "
                f"{said(account['etabli_le'])} par la version {account['version_regles']} des "
                f"règles, {state}."
            ),
            heading("Finalité"),
            paragraph(account["finalite"]),
            heading("Degré et mode de contribution à la décision"),
            items(account["contribution"]),
            heading("Données traitées et leurs sources"),
            items(data) if data else paragraph(_ERASED),
            *_sources(account["sources"]),
            heading("Opérations effectuées"),
            items(account["operations"], are_steps=True),
            heading("Résultats et poids dans cet avis"),
            *_results(account["controles"]),
            heading("Paramètres de la version appliquée"),
            table(
                ("Paramètre", "Valeur"),
                [(one["nom"], one["valeur"]) for one in account["parametres"]],
            )
            if kept
            else paragraph("Les paramètres de cette version n’ont pas été conservés."),
            *rights(account["instruction"], applicant=applicant),
        ],
    )


def _sources(sources: Sequence[Row]) -> list[Block]:
    rows = [(one["nom"], one["source"]) for one in sources]
    return [table(("Donnée", "Source"), rows)] if rows else []


def _results(controles: Iterable[Row]) -> list[Block]:
    blocks = []
    for one in controles:
        blocks.append(heading(f"{opened(one['titre'])} : {one['resultat']}", 3))
        blocks.append(paragraph(one["motif"] or _ERASED))
        most = one["plus_severe_possible"]
        limit = f" Résultat le plus sévère possible : {most}." if most else ""
        blocks.append(paragraph(f"Poids : {one['poids']}.{limit}"))
    return blocks


def _use(found: Row, verdict: Row) -> list[str]:
    """Return what became of the advice, as far as the copy of the dossier tells."""
    use = []
    if verdict["courant"] and found.get("valide_par_instructeur"):
        use.append("Un instructeur a coché cet avis comme validé.")
    if decision := _DECISIONS.get(found["etat"]):
        on = f" le {said(found['traite_le'])}" if found["traite_le"] else ""
        use.append(f"Le dossier a été {decision}{on}, par une personne.")
        decided = found["traite_le"] and datetime.fromisoformat(found["traite_le"])
        if decided and datetime.fromisoformat(verdict["etabli_le"]) > decided:
            use.append("Cet avis a été établi après la décision : il n’y a pas contribué.")
    else:
        use.append("À la dernière lecture du dossier, aucune décision n’était prise.")
    return use


def _weight(resultat: Resultat, given: Verdict, words: Mapping[Verdict, str]) -> str:
    alone = verdict_of([resultat])
    avis, other = words.get(given, given.value), words.get(alone, alone.value)
    if resultat is Resultat.SANS_OBJET:
        return "aucun"
    if given in (Verdict.ELIGIBLE, Verdict.RIEN_A_SIGNALER):
        return f"nécessaire, comme chaque contrôle conforme, à l’avis « {avis} »"
    if alone is given:
        return f"suffit à donner l’avis « {avis} »"
    if resultat is Resultat.CONFORME:
        return "aucun, car un autre contrôle décide"
    return f"aucun, car un contrôle plus sévère décide ; seul, il donnerait « {other} »"


def said(value: Any) -> str:
    """Return a value of the evidence in French."""
    match value:
        case bool():
            return "oui" if value else "non"
        case str() if _DAY.fullmatch(value):
            return french_date(date.fromisoformat(value))
        case str() if _INSTANT.fullmatch(value):
            at = datetime.fromisoformat(value).astimezone(PARIS)
            return f"{french_date(at.date())} à {at:%H:%M} (heure de Paris)"
        case list() | tuple():
            return listed(map(said, value))
        case dict():
            return ", ".join(f"{key} : {said(one)}" for key, one in value.items())
    return str(value)


LONGEST_DEMAND = 500
"""Characters of a demand; only names, which are never cut, make one longer."""


class Letter(NamedTuple):
    """A message to an applicant; `demandes` is empty if there is nothing to ask."""

    objet: str
    texte: str
    demandes: Sequence[str]


def open_points(found: Mapping[str, Any], checks: Iterable[Mapping[str, Any]]) -> list[Controle]:
    """Return the checks of an open dossier about which its applicant may be asked; else none.

    They are asked for nothing that a person established or has to confirm. `found` is a row of the
    main view, `checks` those of `lecture_precontrole_controle` of its current verdict.
    """
    if found["etat"] not in OPEN_ETATS:
        return []
    given = [
        Controle(
            one["controle"], Resultat(one["resultat"]), one["motif"] or "", one["preuve"] or {}
        )
        for one in checks
    ]
    return [one for one in given if ANSWER not in one.preuve]


def may_edit(found: Mapping[str, Any]) -> bool:
    """Return whether the applicant can still change the dossier."""
    return bool(found["etat"] == Etat.EN_CONSTRUCTION)


def letter(
    numero: int,
    asked: Sequence[str],
    instruction: str,
    url: str | None,
    *,
    days: int,
    may_edit: bool,
) -> Letter:
    """Return the message that asks for something, each thing once.

    `instruction` is who decides on the dossiers, with its article, `url` where the rules are
    published. `days` is in how many days an answer is expected; `may_edit`: the applicant can still
    change the dossier.
    """
    asked = list(dict.fromkeys(asked))
    until = f"dans les {days} jours qui suivent" if days > 1 else "dans le jour qui suit"
    parts = [
        "Madame, Monsieur,",
        f"Nous avons bien reçu votre dossier n° {numero}. Pour poursuivre son instruction, nous "
        f"avons besoin des précisions suivantes {until} ce message :",
        "\n".join(f"- {one}" for one in asked),
        f"{'Vous pouvez corriger votre dossier, ou répondre' if may_edit else 'Merci de répondre'} "
        "par la messagerie de Démarches Simplifiées, en y joignant vos pièces. Sans réponse de "
        "votre part dans ce délai, votre dossier sera instruit en l’état.",
        "Cette demande a été préparée à l’aide d’un pré-contrôle automatique. Elle ne préjuge pas "
        "de la décision, que l’administration prendra."
        + (f" Règles appliquées : {url}" if url else ""),
        "Nous vous remercions et restons à votre disposition.",
        opened(instruction),
    ]
    text = with_no_break_spaces("\n\n".join(parts)) if asked else ""
    return Letter(f"Dossier n° {numero} : précisions attendues", text, asked)
