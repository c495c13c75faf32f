"""What people outside read of declared checks: published rules, account, message, tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from dsync.controles.checking import Declarations
from dsync.controles.declarations import Controle, ControlesSections
from dsync.controles.declared_checks import HORS_TABLE
from dsync.domain.account import Rules
from dsync.domain.check_answers import ANSWER
from dsync.domain.detail_frame import ADVICE, LEVELS
from dsync.domain.dossier import OPEN_ETATS, Etat
from dsync.domain.letter import Message, letter
from dsync.domain.paper import Page, heading, items, paragraph, table
from dsync.domain.rights import contribution, rights
from dsync.domain.verdict import Resultat, Verdict
from dsync.domain.wording import french_date

Words = Mapping[Verdict, str]
"""The configuration's words for verdicts."""
PURPOSE = (
    "Le pré-contrôle compare chaque dossier déposé avec les règles publiées de la démarche, pour "
    "signaler aux instructeurs ce qui est établi, ce qui reste à vérifier et ce qui manque."
)
OPERATIONS = (
    "Le dossier est lu dans Démarches Simplifiées, avec ce qu’il donne du demandeur.",
    "Chaque contrôle compare les réponses qu’il nomme avec la règle publiée. Une réponse absente "
    "n’est tenue ni pour conforme ni pour non conforme.",
    "Le résultat le plus sévère donne l’avis. Tant qu’un contrôle revient à une personne, le "
    "meilleur avis est « {best} », jamais « {eligible} ».",
    "Une personne lit l’avis, fait les contrôles qui lui reviennent, et décide.",
)
ASKED = (Resultat.NON_CONFORME, Resultat.A_VERIFIER)


def rules_page(sections: ControlesSections, version: str, today: date | None, words: Words) -> Page:
    """Return the page that publishes the checks."""
    instruction = sections.precontrole.instruction
    made = f" Page établie le {french_date(today)}." if today else ""
    tables = [(f"{n} ({t.annee})", t.source) for n, t in sections.tables.items()]
    blocks = [
        paragraph(f"Version {version} des règles.{made} {PURPOSE}"),
        heading("Degré et mode de contribution à la décision"),
        items(contribution(instruction, _verdicts(words))),
        heading("Opérations"),
        items(_operations(words), are_steps=True),
        *([heading("Tables"), table(("Table", "Source"), tables)] if tables else []),
        heading("Contrôles"),
    ]
    for one in sections.controles:
        blocks += [heading(f"{one.titre[:1].upper()}{one.titre[1:]}", 3), paragraph(one.regle)]
        blocks.append(paragraph(_said_of(one)))
    first = f"Premiers mots : « … – {ADVICE}{instruction} instruit le dossier. »"
    blocks += [heading("Texte inscrit dans l’annotation"), paragraph(first), *rights(instruction)]
    return Page("Règles du pré-contrôle", blocks)


def _verdicts(words: Words) -> list[str]:
    return [words.get(one, one.value) for one in Verdict]


def _operations(words: Words) -> list[str]:
    best, eligible = (
        words.get(one, one.value) for one in (Verdict.RIEN_A_SIGNALER, Verdict.ELIGIBLE)
    )
    return [one.format(best=best, eligible=eligible) for one in OPERATIONS]


def _said_of(one: Controle) -> str:
    if one.humain:
        return f"Contrôle à faire par une personne : {one.a_faire}"
    worst, unanswered = (LEVELS[r].lower() for r in (one.sinon_effectif, one.sans_reponse))
    return (
        f"Si la règle n’est pas remplie : {worst} ; sans réponse : {unanswered}. "
        f"À faire : {one.a_faire}"
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


def account_rules(sections: ControlesSections, document: Mapping[str, Any], words: Words) -> Rules:
    """Return what an account says of the rules; each reason has its rule."""
    instruction = sections.precontrole.instruction
    return Rules(
        PURPOSE,
        contribution(instruction, _verdicts(words)),
        instruction,
        _operations(words),
        parametres=[(one.titre, one.regle) for one in sections.controles],
        sources=[(f"{n} ({t.annee})", t.source) for n, t in sections.tables.items()],
        most_severe={
            one.nom: LEVELS[one.sinon_effectif] for one in sections.controles if not one.humain
        },
        document=document,
    )


def message_of(
    sections: ControlesSections, found: Mapping[str, Any], checks: Iterable[Mapping[str, Any]]
) -> Message:
    """Return what the applicant of an open dossier has to send.

    A check without `demande` asks nothing of them, nor does one whose table lacks their row: that
    is the office's to repair.
    """
    known, etat = {one.nom: one for one in sections.controles}, Etat(found["etat"])
    asked = [
        demande
        for one in checks
        if etat in OPEN_ETATS
        and one["controle"] in known
        and Resultat(one["resultat"]) in ASKED
        and not (one["motif"] or "").startswith(HORS_TABLE.partition("{")[0])
        # The applicant is asked for nothing that a person established or has to confirm.
        and ANSWER not in (one["preuve"] or {})
        if (demande := known[one["controle"]].demande)
    ]
    may_edit = etat is Etat.EN_CONSTRUCTION
    return letter(found["numero"], asked, sections.precontrole, days=None, may_edit=may_edit)
