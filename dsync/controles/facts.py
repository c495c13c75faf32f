"""The facts that declared checks use: the answers, and what DS knows of the applicant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from dsync.controles.declarations import Champ as Declared
from dsync.controles.declarations import Type
from dsync.domain.champs import (
    boolean_of,
    day_of,
    is_blank,
    is_blank_row,
    number_of,
    trimmed_of,
)
from dsync.domain.dossier import PARIS, Champ, Demandeur, Descriptor, Ligne, folded
from dsync.domain.ids import DescriptorId

FAITS: Mapping[str, Type] = {
    "depot": Type.DATE,
    "siret": Type.TEXTE,
    "siren": Type.TEXTE,
    "raison_sociale": Type.TEXTE,
    "forme_juridique": Type.TEXTE,
    "etat_administratif": Type.TEXTE,
    "naf": Type.TEXTE,
    "date_creation": Type.DATE,
    "effectif": Type.TEXTE,
    "commune": Type.TEXTE,
    "departement": Type.TEXTE,
    "region": Type.TEXTE,
    "rna": Type.TEXTE,
    "demandeur_civilite": Type.TEXTE,
    "demandeur_nom": Type.TEXTE,
    "demandeur_prenom": Type.TEXTE,
}
"""The facts of any démarche, with their types; a champ of the same name takes its place."""
LABELS = {
    "depot": "jour du dépôt",
    "siret": "SIRET",
    "siren": "SIREN",
    "etat_administratif": "état administratif",
    "naf": "code NAF",
    "date_creation": "date de création",
    "effectif": "tranche d’effectif",
    "departement": "département",
    "region": "région",
    "rna": "numéro RNA",
    "demandeur_civilite": "civilité du demandeur",
    "demandeur_nom": "nom du demandeur",
    "demandeur_prenom": "prénom du demandeur",
}
"""The French names of facts that their own name does not give."""
OF_PERSON = ("demandeur_civilite", "demandeur_nom", "demandeur_prenom")
_OF_COMPANY = frozenset(FAITS) - {"depot", "rna", *OF_PERSON}


@dataclass(frozen=True, slots=True)
class Plan:
    """Where one revision of the form has each declared champ."""

    ids: Mapping[str, DescriptorId]
    colonnes: Mapping[str, Mapping[str, DescriptorId]]
    checkboxes: frozenset[DescriptorId]

    @classmethod
    def of(
        cls, champs: Mapping[str, Declared], descriptors: Mapping[DescriptorId, Descriptor]
    ) -> Plan:
        """Find the declared champs in a revision, by id, then by label."""
        ids: dict[str, DescriptorId] = {}
        colonnes: dict[str, dict[str, DescriptorId]] = {}
        known = descriptors.values()
        top = [d for d in known if d.parent_id is None and not d.is_annotation]
        for name, champ in champs.items():
            if (found := find(top, champ.id, champ.libelles)) is None:
                continue
            ids[name] = found.id
            inner = [d for d in known if d.parent_id == found.id]
            cells = {key: find(inner, value, (value,)) for key, value in champ.colonnes.items()}
            colonnes[name] = {key: cell.id for key, cell in cells.items() if cell}
        return cls(ids, colonnes, frozenset(d.id for d in known if d.type == "checkbox"))


def find(
    descriptors: Iterable[Descriptor], id_: str | None, libelles: Iterable[str]
) -> Descriptor | None:
    """Return the descriptor of an id, else of a label."""
    known, labels = list(descriptors), set(map(folded, libelles))
    by_id = (d for d in known if d.id == id_)
    return next(by_id, None) or next((d for d in known if folded(d.libelle) in labels), None)


@dataclass(frozen=True, slots=True)
class Faits:
    """The facts of a dossier, typed."""

    valeurs: Mapping[str, Any]
    """By name; without those that are not answered."""
    impossibles: frozenset[str] = frozenset()
    """The facts of the applicant that DS could not give."""
    illisibles: Mapping[str, str | None] = field(default_factory=dict)
    """The texts of champs that are answered, but not in the declared type."""


def faits_of(
    depot: datetime,
    demandeur: Demandeur,
    champs: Iterable[Champ],
    declared: Mapping[str, Declared],
    plan: Plan,
) -> Faits:
    """Return the facts of a dossier.

    Args:
        depot: when it was deposited.
        demandeur: its applicant.
        champs: its answers.
        declared: the declared champs.
        plan: where its revision of the form has them.
    """
    by_id = {champ.descriptor_id: champ for champ in champs}
    of_applicant = _applicant(demandeur)
    values: dict[str, Any] = {"depot": depot.astimezone(PARIS).date()}
    values |= {name: value for name, value in of_applicant.items() if value is not None}
    unread: dict[str, str | None] = {}
    for name, one in declared.items():
        values.pop(name, None)
        champ = by_id.get(plan.ids[name]) if name in plan.ids else None
        if champ is None or is_blank(champ, plan.checkboxes):
            continue
        if one.type is Type.LIGNES:
            value: Any = _rows(champ.lignes, plan.colonnes[name], plan.checkboxes)
        else:
            value = _VALUES[one.type](champ)
        if value not in (None, "", []):
            values[name] = value
        else:
            unread[name] = trimmed_of(champ)
    not_given = frozenset(_not_given(demandeur, of_applicant) - declared.keys())
    return Faits(values, not_given, unread)


def _number(champ: Champ) -> Decimal | None:
    # By the text, which has all digits: 0.1 and 19 digits stay exact.
    number = number_of(champ)
    text = (trimmed_of(champ) or "").replace(",", ".")
    try:
        return Decimal(text) if number is not None else None
    except ArithmeticError:
        return Decimal(str(number))


def _choices(champ: Champ) -> list[str]:
    if isinstance(champ.valeur, list):
        return [str(one) for one in champ.valeur]
    text = trimmed_of(champ)
    return [text] if text else []


_VALUES: Mapping[Type, Callable[[Champ], Any]] = {
    Type.TEXTE: trimmed_of,
    Type.NOMBRE: _number,
    Type.DATE: day_of,
    Type.OUI_NON: boolean_of,
    Type.CHOIX: _choices,
    Type.PIECES: lambda champ: [fichier.nom for fichier in champ.fichiers],
}


def _rows(
    lignes: Iterable[Ligne],
    colonnes: Mapping[str, DescriptorId],
    checkboxes: frozenset[DescriptorId],
) -> list[dict[str, str]]:
    """Return the rows that are not blank, each with its columns that are answered."""
    rows = []
    for ligne in lignes:
        if is_blank_row(ligne, checkboxes):
            continue
        cells = {cell.descriptor_id: cell for cell in ligne.champs}
        found = {key: cells.get(id_) for key, id_ in colonnes.items()}
        rows.append({key: text for key, cell in found.items() if cell and (text := _cell(cell))})
    return rows


def _cell(cell: Champ) -> str | None:
    number = _number(cell)
    return trimmed_of(cell) if number is None else str(number)


def _inside(details: Mapping[str, Any], *path: str) -> Any:
    found: Any = details
    for part in path:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found or None


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def _applicant(demandeur: Demandeur) -> dict[str, Any]:
    """Return what DS knows of the applicant; None where it gave nothing."""
    details = demandeur.details
    return {
        "siret": demandeur.siret,
        "siren": demandeur.siren,
        "raison_sociale": demandeur.raison_sociale,
        "forme_juridique": demandeur.forme_juridique_code,
        "etat_administratif": demandeur.etat_administratif,
        "naf": _inside(details, "naf"),
        "date_creation": _day(_inside(details, "entreprise", "dateCreation")),
        "effectif": _inside(details, "entreprise", "codeEffectifEntreprise"),
        "commune": _inside(details, "address", "cityName"),
        "departement": _inside(details, "address", "departmentCode"),
        "region": _inside(details, "address", "regionName"),
        "rna": _inside(details, "association", "rna"),
        "demandeur_civilite": _inside(details, "civilite"),
        "demandeur_nom": _inside(details, "nom"),
        "demandeur_prenom": _inside(details, "prenom"),
    }


def _not_given(demandeur: Demandeur, facts: Mapping[str, Any]) -> set[str]:
    """Return the facts that this kind of applicant has and DS could not give."""
    if demandeur.genre == "personne_physique":
        return {"demandeur_nom"} if facts["demandeur_nom"] is None else set()
    missing = {name for name in _OF_COMPANY if facts[name] is None}
    if demandeur.genre == "personne_morale":
        return missing
    # Incomplete, or of a kind that this version does not know: nothing is said of what is missing.
    persons = set() if demandeur.genre == "personne_morale_incomplete" else {*OF_PERSON}
    return missing | {name for name in ("rna", *persons) if facts[name] is None}
