"""What people outside read of declared checks: published rules, account, message, tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from dsync.controles.checking import Declarations
from dsync.controles.declarations import ControlesSections
from dsync.controles.declared_checks import (
    AUCUNE_REPONSE,
    EXIGENCE,
    PLACE,
    SANS_LIGNE,
    VIDES,
)
from dsync.controles.facts import FAITS, PERSON, label_of
from dsync.domain.account import (
    LONGEST_DEMAND,
    AccountRules,
    Letter,
    layout,
    letter,
    may_edit,
    open_points,
    said,
)
from dsync.domain.check_answers import DEMANDE
from dsync.domain.judging import DEJA_SIGNALE
from dsync.domain.paper import Block, heading, paragraph, table
from dsync.domain.rights import USAGER, contribution, opened
from dsync.domain.verdict import ASKED, Controle, Resultat, Verdict
from dsync.domain.wording import defused, french_date, listed

Document = Mapping[str, Any]
"""A version of the declarations, in JSON values; `sinon` is what a check really gives."""
PURPOSE = (
    "Le pré-contrôle compare chaque dossier déposé avec les règles publiées de la démarche, pour "
    "signaler aux instructeurs ce qui est établi, ce qui reste à vérifier et ce qui manque."
)
OPERATIONS = (
    "Le dossier est lu dans Démarches Simplifiées, avec ce qu’il donne du demandeur.",
    "Chaque contrôle compare les réponses qu’il nomme avec la règle publiée. Une réponse absente "
    "n’est tenue ni pour conforme ni pour non conforme.",
    "Une personne lit l’avis, fait les contrôles qui lui reviennent, et décide.",
)
_WORST = "Le résultat le plus sévère donne l’avis."
OTHERS = (Verdict.A_VERIFIER, Verdict.INELIGIBLE, Verdict.INDETERMINE)
"""The verdicts beside the best one."""


def document_of(
    sections: ControlesSections, version: str, words: Mapping[Verdict, str]
) -> dict[str, Any]:
    """Return a version of the declarations, with the configuration's words for verdicts."""
    found: dict[str, Any] = sections.model_dump(
        mode="json", include={"precontrole", "champs", "tables", "controles"}
    )
    for one, declared in zip(found["controles"], sections.controles, strict=True):
        one["sinon"] = declared.sinon_effectif.value
    possible = (sections.best_verdict, *OTHERS)
    return {**found, "version": version, "avis": [words.get(one, one.value) for one in possible]}


def public_of(sections: ControlesSections) -> dict[str, frozenset[str]]:
    """Return by check what is public of its evidence, and « motif » if its sentences say no more.

    That is what registers say of an organisation, the day of the deposit and tables: no answer, and
    no other dossier of the applicant.
    """
    facts = frozenset(FAITS) - {*PERSON, *sections.champs}
    found = {}
    for one in sections.controles:
        known = facts | {f"{b.table}.{b.valeur}" for b in one.cellules} | {EXIGENCE}
        said = {*one.champs, *PLACE.findall(f"{one.motif} {one.conforme}")}
        is_of_others = any(p.autre_demarche or p.pas_autre_demarche for p in one.parts)
        found[one.nom] = known if is_of_others or not said <= facts else known | {"motif"}
    return found


def _operations(rules: Document) -> list[str]:
    has_people = any(one["humain"] for one in rules["controles"])
    best = rules["avis"][0]
    left = (
        f"{_WORST} Tant qu’un contrôle revient à une personne, le meilleur avis est « {best} »."
        if has_people
        else _WORST
    )
    return [*OPERATIONS[:-1], left, OPERATIONS[-1]]


def _said_of(one: Mapping[str, Any]) -> str:
    if one["humain"]:
        return f"Contrôle à faire par une personne : {one['a_faire']}"
    worst, unanswered = (Resultat(one[key]).label.lower() for key in ("sinon", "sans_reponse"))
    if not one["a_faire"]:
        return f"Au plus sévère : {worst}."
    return (
        f"Si la règle n’est pas remplie : {worst} ; sans réponse : {unanswered}. "
        f"À faire : {one['a_faire']}"
    )


def _parameters(one: Mapping[str, Any], words: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the parameters of a check with their values, in French."""
    for key, value in sorted(one["parametres"].items()):
        rows = value if isinstance(value, list) and isinstance(value[0], dict) else [value]
        if name := words.get(key, key):
            yield f"{one['titre']} : {name}", " ; ".join(said(_worded(row, words)) for row in rows)
    exige = one["exige"] or {}
    if exige.get("colonne") and exige.get("parmi"):
        offered = []
        for option in exige["parmi"]:
            given = option if isinstance(option, Mapping) else {"libelles": [str(option)]}
            days: Any = (("à partir du", given.get("du")), ("jusqu’au", given.get("au")))
            named = [f"{word} {french_date(date.fromisoformat(d))}" for word, d in days if d]
            offered.append(" ".join([f"« {given['libelles'][0]} »", *named]))
        most = exige.get("au_plus")
        limit = f" ; {most} au plus" if most is not None else ""
        yield f"{one['titre']} : réponses admises", f"{' ; '.join(offered)}{limit}"


def _worded(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        # The database keeps the keys sorted.
        return {words.get(key, key): _worded(value[key], words) for key in sorted(value)}
    if isinstance(value, list):
        return [_worded(one, words) for one in value]
    return words.get(value, value) if isinstance(value, str) else value


def _sentences(rules: Document, name: str) -> Iterator[Block]:
    """Yield the sentences of a check, where its version has them."""
    if said_so := [p for p in rules.get("phrases", ()) if name in p["controles"]]:
        yield table(
            ("Résultat", "Situation", "Phrase, variables entre accolades"),
            [(Resultat(p["resultat"]).label, p["quand"], p["texte"]) for p in said_so],
        )


def tables_shown(declarations: Declarations, version: str) -> dict[str, Any]:
    """Return the tables, as the programme's lists are shown."""
    sections = declarations.sections
    return {
        "rules_version": version,
        "catalogue": None,
        "registry_enabled": False,
        "lists": [
            {"list": f"{n} {t.annee}", "source": t.source, "entries": len(declarations.tables[n])}
            for n, t in sections.tables.items()
        ],
    }


def published(
    rules: Document | None,
    instruction: str,
    *,
    applicant: str = USAGER,
    words: Mapping[str, str] = {},
    **facts: str,
) -> AccountRules:
    """Return what is published of a version of the checks; each reason has its rule.

    `rules` is None if the version was not kept; `instruction` is who decides then; `words` are for
    codes and names of parameters, blank for one that is not shown; `facts` are as of `layout`.
    """
    if rules is None:
        who = contribution(instruction, applicant=applicant)
        return AccountRules(PURPOSE, who, instruction, OPERATIONS, applicant=applicant)
    sender, controles = rules["precontrole"], rules["controles"]
    instruction = sender["instruction"]
    values = [row for one in controles for row in _parameters(one, words)]
    blocks = [heading("Contrôles")]
    for one in controles:
        blocks += [heading(opened(one["titre"]), 3), paragraph(one["regle"])]
        blocks.append(paragraph(_said_of(one)))
        blocks += _sentences(rules, one["nom"])
    if values:
        blocks = [heading("Paramètres"), table(("Paramètre", "Valeur"), values), *blocks]
    has_people = any(one["humain"] for one in controles)
    length, url = sender["max_detail_length"], sender["publication_url"]
    return AccountRules(
        PURPOSE,
        contribution(instruction, rules["avis"], applicant=applicant),
        instruction,
        _operations(rules),
        parametres=[*((one["titre"], one["regle"]) for one in controles), *values],
        sources=[(f"{n} ({t['annee']})", t["source"]) for n, t in rules["tables"].items()],
        most_severe={
            one["nom"]: Resultat(one["sinon"]).label for one in controles if not one["humain"]
        },
        document=rules,
        version=rules["version"],
        controles=blocks,
        annotation=layout(instruction, length, url, has_people=has_people, **facts),
        applicant=applicant,
    )


def expected(sections: ControlesSections) -> list[str]:
    """Return the questions that have to be answered, once each."""
    names = (
        name
        for one in sections.controles
        if one.exige and one.exige.tous_presents
        for name in one.exige.tous_presents
    )
    return list(dict.fromkeys(names))


def phrases(sections: ControlesSections) -> list[dict[str, Any]]:
    """Return the sentences of declared checks, with the situation of each."""
    found = []
    for one in sections.controles:
        if one.humain or one.exige is None:
            continue
        left = [(Resultat.CONFORME, "règle remplie", one.conforme or one.titre)]
        rest = f"{one.regle} À faire : {one.a_faire}"
        if one.exige.tous_presents is not None:
            said = AUCUNE_REPONSE.format(questions="{vides}")
            left.append((one.sinon_effectif, "réponses attendues vides", f"{said} {rest}"))
            left.append((one.sinon_effectif, "réponses vides, déjà signalées", DEJA_SIGNALE))
        elif one.motif:
            left.append((one.sinon_effectif, "règle non remplie", f"{one.motif} {rest}"))
        if one.trop:
            left.append((one.sinon_effectif, "trop de réponses", f"{one.trop} {rest}"))
        found += [
            {"controles": [one.nom], "resultat": result.value, "quand": when, "texte": text}
            for result, when, text in left
        ]
    return found


def demande(
    sections: ControlesSections,
    one: Controle,
    field: str | None,
    begun: Callable[[str], str] = str,
) -> list[str]:
    """Return what is asked of the applicant for one check, and the question to correct; or nothing.

    That is what its function asked for, or else the file: the fullest wording that is short.
    `field` is the champ that a function asks for; `begun` gives each wording another beginning.
    """
    declared = next((d for d in sections.controles if d.nom == one.controle), None)
    if one.resultat not in ASKED or declared is None:
        return []
    wordings: Any = one.preuve.get(DEMANDE)
    if wordings is None:
        # What a table lacks is the office's to repair; what is blank is asked question by question.
        is_asked = declared.demande and SANS_LIGNE not in one.preuve and VIDES not in one.preuve
        wordings = [declared.demande] if is_asked else []
    if not wordings:
        return []
    used = (*(declared.exige.names if declared.exige else ()), *declared.faits)
    names = dict.fromkeys(name.partition(".")[0] for name in used)
    labels = (label_of(name, sections.champs) for name in names if name in sections.champs)
    named = [label_of(field, sections.champs)] if field else labels
    shown = [f"« {defused(label, LONGEST_DEMAND)} »" for label in named if label not in wordings[0]]
    more = f" Question{'s' if shown[1:] else ''} : {listed(shown)}." if shown else ""
    texts = [f"{begun(wording)}{more}" for wording in wordings]
    return [next((text for text in texts if len(text) <= LONGEST_DEMAND), texts[-1])]


def asked(
    sections: ControlesSections, controles: Sequence[Controle], questions: Mapping[str, str] = {}
) -> tuple[list[str], Collection[str]]:
    """Return what the applicant is asked for, and which blank questions are asked with that.

    `controles` are those that no person answered; `questions` has, by check, the champ that a
    function of the programme asks for.
    """
    # Their questions are asked with the blank ones: these were not examined, say.
    silent = {
        one.controle
        for one in controles
        if one.resultat not in ASKED or (one.controle in questions and DEMANDE not in one.preuve)
    }
    found, blanks = list[str](), list[str]()
    for one in controles:
        # What another check asks for, or a person settled, is left out.
        own = {
            name
            for other in sections.controles
            if other.nom not in silent and other.nom != one.controle
            for name in (*other.champs, questions.get(other.nom))
        }
        vides: Any = one.preuve.get(VIDES, ()) if one.resultat in ASKED else ()
        left = [name for name in vides if name not in own]
        labels = [defused(label_of(name, sections.champs), LONGEST_DEMAND) for name in left]
        found += [f"Merci de répondre à « {label} »." for label in labels]
        found += demande(sections, one, questions.get(one.controle))
        blanks += left
    return found, blanks


def message_of(
    sections: ControlesSections, found: Mapping[str, Any], checks: Iterable[Mapping[str, Any]]
) -> Letter:
    """Return what the applicant of an open dossier has to send.

    A check without `demande` asks nothing of them.
    """
    demands, _ = asked(sections, open_points(found, checks))
    return sent(sections, found["numero"], demands, may_edit=may_edit(found))


def sent(
    sections: ControlesSections, numero: int, demands: Sequence[str], *, may_edit: bool
) -> Letter:
    """Return the message that asks for something, from who decides."""
    sender = sections.precontrole
    who, url, days = sender.instruction, sender.publication_url, sender.answer_days
    return letter(numero, demands, who, url, days=days, may_edit=may_edit)
