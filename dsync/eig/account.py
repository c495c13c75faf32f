"""The individual account of a verdict, for the person it concerns (CRPA, art. R. 311-3-1-2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from dsync.domain.dossier import PARIS
from dsync.domain.verdict import Resultat, Verdict, verdict_of
from dsync.eig.paper import Block, Page, heading, items, paragraph, table
from dsync.eig.precheck.sentences import LEVELS
from dsync.eig.precheck.wording import french_date, listed
from dsync.eig.publication import (
    PURPOSE,
    Rules,
    contribution,
    data_and_sources,
    operations,
    parameters,
    rights,
    severity_in_words,
)

Row = Mapping[str, Any]
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_DECISIONS = {"accepte": "accepté", "refuse": "refusé", "sans_suite": "classé sans suite"}
_OTHERS = "dossiers"
"""The evidence of `doublon`, which may be dossiers of other applicants."""
_ERASED = "Texte effacé, ou réservé aux opérateurs."


def account_of(
    found: Row,
    verdict: Row,
    controles: Sequence[Row],
    rules: Rules | None,
    *,
    titles: Mapping[str, str],
    in_words: Callable[[Mapping[str, Any]], Sequence[tuple[str, str, Any]]],
    instruction: str,
) -> dict[str, Any]:
    """Return the account of a verdict in JSON values, all texts in French.

    Args:
        found: the dossier's row of the main view.
        verdict: its row of `lecture_precontrole`.
        controles: the verdict's rows of `lecture_precontrole_controle`.
        rules: the version that gave the verdict; None: it was not kept.
        titles: of the checks, by name.
        in_words: returns the evidence of a check in French.
        instruction: who decides, where the version was not kept.
    """
    regles = rules["regles"] if rules else {}
    instruction = regles.get("instruction", instruction)
    given = Verdict(verdict["verdict"])
    severity = regles.get("severity", {})
    return {
        "numero": found["numero"],
        "organisme": found["raison_sociale"],
        "depose_le": found["depose_le"],
        "verdict": given.value,
        "etabli_le": verdict["etabli_le"],
        "courant": verdict["courant"],
        "version_regles": verdict["version_regles"],
        "finalite": PURPOSE,
        "contribution": [*contribution(instruction), *_use(found, verdict)],
        "controles": [
            {
                "controle": one["controle"],
                "titre": titles.get(one["controle"], one["controle"]),
                "resultat": LEVELS[Resultat(one["resultat"])],
                "motif": _without_others(one),
                "plus_severe_possible": severity_in_words(severity.get(one["controle"])),
                "poids": _weight(Resultat(one["resultat"]), given),
                "donnees": [
                    {"nom": label, "valeur": _said(value)}
                    for key, label, value in in_words(one["preuve"] or {})
                    if key != _OTHERS
                ],
            }
            for one in controles
        ],
        "operations": operations(),
        "parametres": [
            {"nom": name, "valeur": value} for name, value in (parameters(rules) if rules else ())
        ],
        "sources": [
            {"nom": name, "source": source}
            for name, source in (data_and_sources(rules) if rules else ())
        ],
        "regles": None if rules is None else {**rules, "derogations": len(rules["derogations"])},
        "instruction": instruction,
    }


def _without_others(controle: Row) -> str | None:
    """Return the reason of a check without the numbers of others' dossiers."""
    motif: str | None = controle["motif"]
    for other in (controle["preuve"] or {}).get(_OTHERS, ()):
        motif = motif and motif.replace(str(other), "(numéro non communiqué)")
    return motif


def account_page(account: Mapping[str, Any]) -> Page:
    """Return an account as a page."""
    name = f", déposé par {account['organisme']}" if account["organisme"] else ""
    state = "en vigueur" if account["courant"] else "remplacé depuis"
    data = [
        f"{one['titre']} – {datum['nom']} : {datum['valeur']}"
        for one in account["controles"]
        for datum in one["donnees"]
    ]
    kept = account["regles"] is not None
    return Page(
        f"Dossier {account['numero']} : compte rendu individuel du pré-contrôle",
        [
            paragraph(
                f"Dossier {account['numero']}{name}. Avis « {account['verdict']} », établi le "
                f"{_said(account['etabli_le'])} par la version {account['version_regles']} des "
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
            *rights(account["instruction"]),
        ],
    )


def _sources(sources: Sequence[Row]) -> list[Block]:
    rows = [(one["nom"], one["source"]) for one in sources]
    return [table(("Donnée", "Source"), rows)] if rows else []


def _results(controles: Iterable[Row]) -> list[Block]:
    blocks = []
    for one in controles:
        title = one["titre"]
        blocks.append(heading(f"{title[:1].upper()}{title[1:]} : {one['resultat']}", 3))
        blocks.append(paragraph(one["motif"] or _ERASED))
        most = one["plus_severe_possible"]
        limit = f" Résultat le plus sévère possible : {most}." if most else ""
        blocks.append(paragraph(f"Poids : {one['poids']}.{limit}"))
    return blocks


def _use(found: Row, verdict: Row) -> list[str]:
    """Return what became of the advice, as far as the copy of the dossier tells."""
    said = []
    if verdict["courant"] and found["valide_par_instructeur"]:
        said.append("Un instructeur a coché cet avis comme validé.")
    if decision := _DECISIONS.get(found["etat"]):
        on = f" le {_said(found['traite_le'])}" if found["traite_le"] else ""
        said.append(f"Le dossier a été {decision}{on}, par une personne.")
    else:
        said.append("À la dernière lecture du dossier, aucune décision n’était prise.")
    return said


def _weight(resultat: Resultat, given: Verdict) -> str:
    alone = verdict_of([resultat])
    if resultat is Resultat.SANS_OBJET:
        return "aucun"
    if given is Verdict.ELIGIBLE:
        return "nécessaire, comme chaque contrôle conforme, à l’avis « Éligible »"
    if alone is given:
        return f"suffit à donner l’avis « {given.value} »"
    if resultat is Resultat.CONFORME:
        return "aucun, car un autre contrôle décide"
    return f"aucun, car un contrôle plus sévère décide ; seul, il donnerait « {alone.value} »"


def _said(value: Any) -> str:
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
            return listed(map(_said, value))
        case dict():
            return ", ".join(f"{key} : {_said(one)}" for key, one in value.items())
    return str(value)
