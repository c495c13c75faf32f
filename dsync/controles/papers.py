"""What people outside read of declared checks: published rules, account, message, tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from dsync.controles.checking import Declarations
from dsync.controles.declarations import ControlesSections
from dsync.controles.declared_checks import EXIGENCE, PLACE, SANS_LIGNE
from dsync.controles.facts import FAITS, PERSON
from dsync.domain.account import ASKED, AccountRules, Letter, letter, may_edit, open_points
from dsync.domain.judging import ADVICE
from dsync.domain.paper import Paper, heading, items, paragraph, table
from dsync.domain.rights import contribution, opened, rights
from dsync.domain.verdict import LEVELS, Resultat, Verdict
from dsync.domain.wording import french_date

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


def rules_page(rules: Document, today: date | None) -> Paper:
    """Return the page that publishes a version of the checks."""
    instruction = rules["precontrole"]["instruction"]
    made = f" Page établie le {french_date(today)}." if today else ""
    sources = _sources(rules)
    blocks = [
        paragraph(f"Version {rules['version']} des règles.{made} {PURPOSE}"),
        heading("Degré et mode de contribution à la décision"),
        items(contribution(instruction, rules["avis"])),
        heading("Opérations"),
        items(_operations(rules), are_steps=True),
        *([heading("Tables"), table(("Table", "Source"), sources)] if sources else []),
        heading("Contrôles"),
    ]
    for one in rules["controles"]:
        blocks += [heading(opened(one["titre"]), 3), paragraph(one["regle"])]
        blocks.append(paragraph(_said_of(one)))
    first = f"Premiers mots : « … – {ADVICE}{instruction} instruit le dossier. »"
    blocks += [heading("Texte inscrit dans l’annotation"), paragraph(first), *rights(instruction)]
    return Paper("Règles du pré-contrôle", blocks)


def _sources(rules: Document) -> list[tuple[str, str]]:
    return [(f"{n} ({t['annee']})", t["source"]) for n, t in rules["tables"].items()]


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
    worst, unanswered = (LEVELS[Resultat(one[key])].lower() for key in ("sinon", "sans_reponse"))
    return (
        f"Si la règle n’est pas remplie : {worst} ; sans réponse : {unanswered}. "
        f"À faire : {one['a_faire']}"
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


def account_rules(rules: Document | None, instruction: str) -> AccountRules:
    """Return what an account says of a version of the checks; each reason has its rule.

    `rules` is None if the version was not kept; `instruction` is who decides then.
    """
    if rules is None:
        return AccountRules(PURPOSE, contribution(instruction), instruction, OPERATIONS)
    instruction = rules["precontrole"]["instruction"]
    return AccountRules(
        PURPOSE,
        contribution(instruction, rules["avis"]),
        instruction,
        _operations(rules),
        parametres=[(one["titre"], one["regle"]) for one in rules["controles"]],
        sources=_sources(rules),
        most_severe={
            one["nom"]: LEVELS[Resultat(one["sinon"])]
            for one in rules["controles"]
            if not one["humain"]
        },
        document=rules,
    )


def message_of(
    sections: ControlesSections, found: Mapping[str, Any], checks: Iterable[Mapping[str, Any]]
) -> Letter:
    """Return what the applicant of an open dossier has to send.

    A check without `demande` asks nothing of them, nor does one whose table lacks their row: that
    is the office's to repair.
    """
    demandes = {one.nom: one.demande for one in sections.controles}
    asked = [
        demande
        for one in open_points(found, checks)
        if one.resultat in ASKED and SANS_LIGNE not in one.preuve
        if (demande := demandes.get(one.controle))
    ]
    sender = sections.precontrole
    who, url = sender.instruction, sender.publication_url
    return letter(found["numero"], asked, who, url, may_edit=may_edit(found))
