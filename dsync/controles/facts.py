"""The facts that declared checks use: the answers, and what DS knows of the applicant."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, NamedTuple

from dsync.controles.declarations import DeclaredChamp, Type
from dsync.controles.notations import (
    CIVILITE,
    COMMUNE,
    DEPARTEMENT,
    EFFECTIF,
    ETAT_ADMINISTRATIF,
    FORME_JURIDIQUE,
    NAF,
    NOTATIONS,
    REGION,
    RNA,
    SIREN,
    SIRET,
    Moment,
    Notation,
)
from dsync.domain.champs import (
    boolean_of,
    day_of,
    decimal_of,
    is_blank,
    is_blank_row,
    trimmed_of,
)
from dsync.domain.dossier import Champ, Demandeur, Descriptor, Ligne
from dsync.domain.ids import DescriptorId
from dsync.domain.wording import folded


class Fait(NamedTuple):
    """A fact that every démarche has."""

    type: Type
    label: str
    of: Callable[[Demandeur], Any] = lambda _: None
    """Returns it of an applicant; nothing where DS did not give it."""
    notation: Notation | None = None
    sans: str = ""
    """What a check without object says for want of it."""


def _in(*path: str) -> Callable[[Demandeur], Any]:
    """Return what reads a place in what DS gave of an applicant."""

    def read(demandeur: Demandeur) -> Any:
        found: Any = demandeur.details
        for part in path:
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    return read


def _created(demandeur: Demandeur) -> date | None:
    try:
        return date.fromisoformat(str(_in("entreprise", "dateCreation")(demandeur))[:10])
    except ValueError:
        return None


def _commune(demandeur: Demandeur) -> str | None:
    """Return the name of a commune with its code, as DS shows an answer."""
    name, code = (_in("address", key)(demandeur) for key in ("cityName", "cityCode"))
    return f"{name} ({code})" if name and code else name or (code and f"{code} (nom inconnu)")


def _region(demandeur: Demandeur) -> str | None:
    """Return the name of a region, of which DS may give the code alone."""
    name, code = (_in("address", key)(demandeur) for key in ("regionName", "regionCode"))
    return name or REGION.read().get(code)


_TEXTE = Type.TEXTE
_COMPANY: Mapping[str, Fait] = {
    "siret": Fait(_TEXTE, "SIRET", attrgetter("siret"), SIRET),
    "siren": Fait(_TEXTE, "SIREN", attrgetter("siren"), SIREN),
    "raison_sociale": Fait(_TEXTE, "raison sociale", attrgetter("raison_sociale")),
    "forme_juridique": Fait(
        _TEXTE, "forme juridique", attrgetter("forme_juridique_code"), FORME_JURIDIQUE
    ),
    "etat_administratif": Fait(
        _TEXTE, "état administratif", attrgetter("etat_administratif"), ETAT_ADMINISTRATIF
    ),
    "naf": Fait(_TEXTE, "code NAF", _in("naf"), NAF),
    "date_creation": Fait(Type.DATE, "date de création", _created),
    "effectif": Fait(
        _TEXTE, "tranche d’effectif", _in("entreprise", "codeEffectifEntreprise"), EFFECTIF
    ),
    "commune": Fait(_TEXTE, "commune", _commune, COMMUNE),
    "departement": Fait(_TEXTE, "département", _in("address", "departmentCode"), DEPARTEMENT),
    "region": Fait(_TEXTE, "région", _region, REGION),
}
_ASSOCIATION = {"rna": Fait(_TEXTE, "numéro RNA", _in("association", "rna"), RNA)}
PERSON: Mapping[str, Fait] = {
    "demandeur_civilite": Fait(_TEXTE, "civilité du demandeur", _in("civilite"), CIVILITE),
    "demandeur_nom": Fait(_TEXTE, "nom du demandeur", _in("nom")),
    "demandeur_prenom": Fait(_TEXTE, "prénom du demandeur", _in("prenom")),
}
"""Those of a natural person."""
_OF_APPLICANT = {**_COMPANY, **_ASSOCIATION, **PERSON}
FAITS: Mapping[str, Fait] = {"depot": Fait(Type.DATE, "jour du dépôt"), **_OF_APPLICANT}
"""The facts of any démarche; a champ of the same name takes its place."""
_EXPECTED: Mapping[str, Collection[str]] = {
    "personne_physique": ["demandeur_nom"],
    "personne_morale": _COMPANY,
    "personne_morale_incomplete": [*_COMPANY, *_ASSOCIATION],
}
"""What DS gives of each kind of applicant; of one that this version does not know, anything."""


def label_of(
    name: str, declared: Mapping[str, DeclaredChamp], faits: Mapping[str, Fait] = FAITS
) -> str:
    """Return how people know a champ, one of its columns or a fact."""
    base = name.partition(".")[0]
    if (champ := declared.get(base)) and champ.libelles:
        # Sentences put a colon behind it where they need one.
        return champ.libelles[0].rstrip(" \u00a0:")
    return faits[name].label if name in faits else name.replace("_", " ")


OF_DS = {
    "integer_number": Type.NOMBRE,
    "decimal_number": Type.NOMBRE,
    "number": Type.NOMBRE,
    "date": Type.DATE,
    "datetime": Type.DATE,
    "yes_no": Type.OUI_NON,
    "checkbox": Type.OUI_NON,
    "drop_down_list": Type.CHOIX,
    "multiple_drop_down_list": Type.CHOIX,
    "repetition": Type.LIGNES,
    "piece_justificative": Type.PIECES,
    "titre_identite": Type.PIECES,
}
"""The types of answers, by DS's types; any other one is a text."""
_TYPED = ("text", "textarea", "formatted")


def can_read(type_: Type, in_ds: str) -> bool:
    """Return whether answers to a question of a type in DS can be read as a type."""
    return type_ in (Type.TEXTE, Type.CHOIX, OF_DS.get(in_ds)) or (
        type_ in (Type.NOMBRE, Type.DATE) and in_ds in _TYPED
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """Where one revision of the form has each declared champ."""

    ids: Mapping[str, DescriptorId]
    colonnes: Mapping[str, Mapping[str, DescriptorId]]
    checkboxes: frozenset[DescriptorId]
    notations: Mapping[str, Notation] = field(default_factory=dict)
    """Those of the declared champs that have one."""

    @classmethod
    def of(
        cls, champs: Mapping[str, DeclaredChamp], descriptors: Mapping[DescriptorId, Descriptor]
    ) -> Plan:
        """Find the declared champs in a revision, by id, then by label."""
        ids: dict[str, DescriptorId] = {}
        colonnes: dict[str, dict[str, DescriptorId]] = {}
        notations: dict[str, Notation] = {}
        known = descriptors.values()
        top = [d for d in known if d.parent_id is None and not d.is_annotation]
        for name, champ in champs.items():
            if (found := find(top, champ.id, champ.libelles)) is None:
                continue
            ids[name] = found.id
            if notation := NOTATIONS.get(found.type):
                notations[name] = notation
            inner = [d for d in known if d.parent_id == found.id]
            cells = {key: find(inner, value, (value,)) for key, value in champ.colonnes.items()}
            colonnes[name] = {key: cell.id for key, cell in cells.items() if cell}
        checkboxes = frozenset(d.id for d in known if d.type == "checkbox")
        return cls(ids, colonnes, checkboxes, notations)


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
    notations: Mapping[str, Notation] = field(default_factory=dict)
    """Those of the champs that have one in the dossier's form."""
    absents: frozenset[str] = frozenset()
    """The champs that the dossier's form does not have."""
    non_posees: frozenset[str] = frozenset()
    """Those that its form has and did not show."""
    dossier: Any = None
    """What the programme's own functions take."""


def faits_of(
    depot: datetime,
    demandeur: Demandeur,
    champs: Iterable[Champ],
    declared: Mapping[str, DeclaredChamp],
    plan: Plan,
) -> Faits:
    """Return the facts of a dossier, whose revision of the form has the champs by `plan`."""
    by_id = {champ.descriptor_id: champ for champ in champs}
    given = {name: fait.of(demandeur) or None for name, fait in _OF_APPLICANT.items()}
    expected = _EXPECTED.get(demandeur.genre, _OF_APPLICANT)
    not_given = frozenset(n for n in expected if given[n] is None and n not in declared)
    values: dict[str, Any] = {"depot": Moment.of(depot)}
    values |= {name: value for name, value in given.items() if value is not None}
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
    absents = frozenset(name for name in declared if name not in plan.ids)
    hidden = frozenset(name for name, id_ in plan.ids.items() if id_ not in by_id)
    return Faits(values, not_given, unread, plan.notations, absents, hidden)


def _choices(champ: Champ) -> list[str]:
    if isinstance(champ.valeur, list):
        return [str(one) for one in champ.valeur]
    text = trimmed_of(champ)
    return [text] if text else []


_VALUES: Mapping[Type, Callable[[Champ], Any]] = {
    Type.TEXTE: trimmed_of,
    Type.NOMBRE: decimal_of,
    Type.DATE: day_of,
    Type.OUI_NON: boolean_of,
    Type.CHOIX: _choices,
    Type.PIECES: lambda champ: [fichier.nom for fichier in champ.fichiers],
}


def _rows(
    lignes: Iterable[Ligne],
    colonnes: Mapping[str, DescriptorId],
    checkboxes: frozenset[DescriptorId],
) -> list[dict[str, Decimal | str]]:
    """Return the rows that are not blank, each with the numbers and texts that are given."""
    rows = []
    for ligne in lignes:
        if is_blank_row(ligne, checkboxes):
            continue
        cells = {cell.descriptor_id: cell for cell in ligne.champs}
        found = {key: cells.get(id_) for key, id_ in colonnes.items()}
        given = {key: _cell(cell) for key, cell in found.items() if cell}
        rows.append({key: value for key, value in given.items() if value is not None})
    return rows


def _cell(cell: Champ) -> Decimal | str | None:
    number = decimal_of(cell)
    return trimmed_of(cell) if number is None else number
