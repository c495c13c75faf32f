"""Conversion of a dossier's JSON to a `Dossier`.

A node that does not match the API is `Unreadable` as a whole: without its invalid part, the stored
copy would be wrong.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder

from dsync.domain.dossier import (
    NOT_RENDERED,
    Anomaly,
    Champ,
    Demandeur,
    Dossier,
    Json,
    Ligne,
    Message,
    Traitement,
    cell_key,
    in_utc,
)
from dsync.domain.ids import DemarcheNumber, DossierId, DossierNumber, RevisionId
from dsync.domain.json_bytes import is_crowded, repaired
from dsync.ds.nodes import (
    AssociationNode,
    CellNode,
    ChampNode,
    CompanyNode,
    DemandeurNode,
    DossierNode,
    MessageNode,
)
from dsync.ds.results import Unreadable
from dsync.ds.values import InvalidValueError, fichiers_of, snake_case, value_of

MAX_DOSSIER_BYTES = 6 << 20
"""JSON of the largest dossier that is read, and of a page with several.

As objects, rows and changes, texts take up to 40 times their size."""
MAX_DOSSIER_VALUES = 250_000
COUNTED_FROM = 2 << 20
"""Bytes from which values are counted: fewer cannot have too many champs."""
YEARS = range(1970, 9000)
"""Accepted years of an instant: arithmetic with them stays within the range of `datetime`."""


class _DossierHead(Struct):
    number: Any = None
    id: Any = None


_node_of = Decoder(DossierNode).decode
_head_of = Decoder(_DossierHead).decode


def read_dossier(source: bytes, asked: DossierNumber | None = None) -> Dossier | Unreadable:
    """Convert a dossier's JSON of any content; `asked`: its number, if it was requested alone."""
    try:
        return _dossier_of(_decoded(source))
    except ValidationError as exc:
        path = _path_in(str(exc))
    except InvalidValueError as exc:
        path = str(exc)
    except (ValueError, OverflowError, RecursionError):  # No JSON, no UTF-8, or too deeply nested.
        path = ""
    number, dossier_id = name_of(source)
    return Unreadable(asked or number, Anomaly.ILLISIBLE, path, dossier_id=dossier_id)


def _decoded(source: bytes) -> DossierNode:
    """Decode a node; NUL and lone surrogates, which PostgreSQL refuses, are removed."""
    is_counted = len(source) > COUNTED_FROM
    if len(source) > MAX_DOSSIER_BYTES or (is_counted and is_crowded(source, MAX_DOSSIER_VALUES)):
        raise ValueError("too large")
    if b"\\u0000" not in source:
        try:
            return _node_of(source)
        # It is a `DecodeError`, too, but a repair leaves the same invalid content.
        except ValidationError:
            raise
        except DecodeError:
            pass  # A lone surrogate or NaN.
    return _node_of(repaired(source))


_PATH = re.compile(r"`\$\.?(\S*)`$")
_MISSING = re.compile(r"missing required field `(\w+)`")


def _path_in(message: str) -> str:
    """Return the path in a message of msgspec; the rest of the message can contain the value."""
    place, missing = _PATH.search(message), _MISSING.search(message)
    path = place[1].replace("[...]", "") if place else ""
    return ".".join(part for part in (path, missing[1] if missing else "") if part)


def name_of(source: bytes | Raw) -> tuple[DossierNumber | None, DossierId | None]:
    """Return number and id of a dossier's JSON of any content, None for what is not valid."""
    try:
        head = _head_of(source)
    except (ValueError, RecursionError):
        return None, None
    return number_in(head.number), DossierId(head.id) if isinstance(head.id, str) else None


def number_in(value: object) -> DossierNumber | None:
    """Return the value if it is a dossier's number, else None."""
    # A boolean is an int too; DS's numbers are positive 32-bit integers.
    is_number = isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 1 << 31
    return DossierNumber(value) if is_number else None  # type: ignore[arg-type]


_UNREAD = re.compile(r"(champs|annotations)\[(\d+)\](?:\.rows\[(\d+)\]\.champs\[(\d+)\])?|(\w+)")
_FIELDS = {
    "prenomMandataire": "mandataire",
    "nomMandataire": "mandataire",
    "usager": "usager_email",
    "revision": "revision_id",
}
"""Fields of the API whose values are in a field of `Dossier` with another name."""
FACTS = frozenset(Dossier.__struct_fields__) - {"champs", "annotations"}
"""The fields of `Dossier` that DS renders each for itself."""
_ADDRESS = re.compile(r"demandeur\.address(\.\w+)?")
_NAME = re.compile(rf"(?:.*\.)?(?:commune|departement|region|pays|epci)\.name|{_ADDRESS.pattern}")
OBJECT_TYPES = frozenset(
    {"address", "commune", "departement", "region", "pays", "epci", "siret", "rna", "rnf", "carte"}
)
"""Types of champs whose value is an object: what `ALL` leaves out beside the applicant."""
_PLACES = {
    "withAddress": re.compile(r"\bdemandeur\.address\b"),
    "withApplicant": re.compile(r"\bdemandeur\b(?!\.address\b)"),
    "withMessages": re.compile(r"\bmessages\b"),
    "withMaps": re.compile(r"\bgeoAreas\b"),
}
"""Where the parts are that DS can fail to render, by the variable that leaves each of them out."""
MAPS = frozenset({"withMaps"})
ALL = frozenset({*_PLACES, "withObjects"})
"""All that DS can fail to render: the applicant, messages, and values that are objects."""
PATH_OF_MAPS = "champs.geoAreas"
"""Named as what DS cannot render where it answers without a path, and succeeds without maps."""
_BLOCK = re.compile(r"</?(?:p|br|div|ul|ol|li|h\d)\b[^<>]*>", re.IGNORECASE)
_LINK = re.compile(r"(?is)<a\s[^<>]*?href=[\"']([^\"'<>]+)[\"'][^<>]*>(.*?)</a>")
_ELEMENT = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)
_FACT = re.compile(r"(?!demandeur|messages|champs|annotations)\w")


def to_omit(path: str, omitted: frozenset[str] = frozenset()) -> frozenset[str] | None:
    """Return what to leave out of a dossier that DS fails on; None: it fails all the same.

    `path` has the fields that DS could not render, "" if they are not known; `omitted` is what was
    left out when it failed.
    """
    if named := {name for name, place in _PLACES.items() if place.search(path)} - omitted:
        return omitted | named
    if omitted == ALL or _FACT.match(path):
        return None
    # Nothing is named: maps are what people draw, and the rest is from registries.
    return ALL if path or omitted else MAPS


def unread_parts(dossier: Dossier, path: str) -> frozenset[str]:
    """Return the names of the parts that DS could not render, or not completely.

    They are the ids of champs and annotations, `cell_key` of those in rows, and fields of
    `Dossier`. The dossier was read from an answer with errors, or without its parts that fail;
    `path` has the fields that DS could not render, "" if they are not known.
    """
    parts: set[str] = set()
    for one in path.split(", "):
        found = _UNREAD.match(one)
        if not found:
            continue
        name, place, row, cell, field = found.groups()
        if _ADDRESS.fullmatch(one):
            continue
        if field:
            parts |= {_FIELDS.get(field) or snake_case(field)} & FACTS
            continue
        with suppress(IndexError):  # What is shown may have changed since.
            champ = getattr(dossier, name)[int(place)]
            if row is None:
                parts.add(champ.descriptor_id)
            else:
                ligne = champ.lignes[int(row)]
                parts.add(cell_key(ligne.champs[int(cell)].descriptor_id, ligne.id))
    has_all_omitted = dossier.demandeur.genre == NOT_RENDERED and dossier.messages is None
    if has_all_omitted:
        parts |= {"demandeur", "messages"}
    if has_all_omitted or _PLACES["withMaps"].search(path):
        types = OBJECT_TYPES if has_all_omitted else {"carte"}
        parts.update(_without_objects((*dossier.champs, *dossier.annotations), types))
    return frozenset(parts)


def lacks_names_only(path: str) -> bool:
    """Return whether DS could not render names of places alone, which it has from outside."""
    return all(_NAME.fullmatch(one) for one in path.split(", "))


def _without_objects(champs: Iterable[Champ], types: Set[str]) -> Iterator[str]:
    """Yield the names of the champs of some types that lack the object that is their value."""
    for champ in champs:
        if champ.type in types and champ.valeur is None:
            yield champ.descriptor_id
        for row in champ.lignes:
            for cell in row.champs:
                if cell.type in types and cell.valeur is None:
                    yield cell_key(cell.descriptor_id, row.id)


def _dossier_of(node: DossierNode) -> Dossier:
    en_construction = _utc(node.date_passage_en_construction, "datePassageEnConstruction")
    depot = _utc(node.date_depot, "dateDepot") or en_construction
    # The rules and the changes of a dossier are compared with it.
    if depot is None:
        raise InvalidValueError("dateDepot")
    modification = _utc(node.date_derniere_modification, "dateDerniereModification") or depot
    names = (node.prenom_mandataire, node.nom_mandataire)
    return Dossier(
        number=DossierNumber(node.number),
        id=DossierId(node.id),
        revision_id=RevisionId(node.revision.id),
        etat=node.state,
        archive=node.archived,
        date_depot=depot,
        date_passage_en_construction=en_construction or depot,
        date_passage_en_instruction=_utc(
            node.date_passage_en_instruction, "datePassageEnInstruction"
        ),
        date_traitement=_utc(node.date_traitement, "dateTraitement"),
        date_derniere_modification=modification,
        date_derniere_modification_champs=(
            _utc(node.date_derniere_modification_champs, "dateDerniereModificationChamps")
            or modification
        ),
        date_derniere_modification_annotations=(
            _utc(node.date_derniere_modification_annotations, "dateDerniereModificationAnnotations")
            or modification
        ),
        date_derniere_correction_en_attente=_utc(
            node.date_derniere_correction_en_attente, "dateDerniereCorrectionEnAttente"
        ),
        date_expiration=_utc(node.date_expiration, "dateExpiration"),
        date_suppression_par_usager=_utc(
            node.date_suppression_par_usager, "dateSuppressionParUsager"
        ),
        motivation=node.motivation or None,
        usager_email=node.usager.email or None,
        groupe_instructeur=node.groupe_instructeur.label or None,
        # Sorted, as the labels below: another order is no change.
        instructeurs=tuple(sorted(one.email for one in node.instructeurs if one.email)),
        depose_par_un_tiers=node.depose_par_un_tiers,
        mandataire=" ".join(filter(None, names)) or None,
        prerempli=node.prefilled is True,
        demandeur=_demandeur_of(node.demandeur) if node.demandeur else Demandeur(NOT_RENDERED),
        champs=tuple(map(_champ_of, node.champs)),
        annotations=tuple(map(_champ_of, node.annotations)),
        labels=tuple(sorted(label.name for label in node.labels if label.name)),
        traitements=tuple(
            [
                Traitement(
                    evenement=step.event,
                    date=_there(step.date_traitement, "traitements.dateTraitement"),
                    motivation=step.motivation or None,
                    email_agent=step.email_agent_traitant or None,
                    revision_id=RevisionId(step.revision.id) if step.revision else None,
                )
                for step in node.traitements
            ]
        ),
        messages=None if node.messages is UNSET else tuple(map(_message_of, node.messages)),
        demarche_number=DemarcheNumber(node.demarche.number) if node.demarche else None,
    )


def _message_of(node: MessageNode) -> Message:
    correction = node.correction
    return Message(
        node.id,
        _there(node.created_at, "messages.createdAt"),
        node.email,
        correction is not None,
        _utc(
            correction.date_resolution if correction else None,
            "messages.correction.dateResolution",
        ),
        _utc(node.discarded_at, "messages.discardedAt"),
        texte=plain_text(node.body or ""),
        pieces=tuple([one.filename for one in node.attachments]),
    )


def plain_text(text: str) -> str:
    """Return a message's text without the HTML of those that DS writes by itself."""
    if not _BLOCK.search(text):
        return text
    # The address behind a link stays: it is what the words of the link lead to.
    text = _LINK.sub(r"\2 (\1)", text)
    lines = _ELEMENT.sub("", _BLOCK.sub("\n", text)).splitlines()
    return "\n".join([one for line in lines if (one := html.unescape(line).strip())])


def utc(instant: datetime) -> datetime | None:
    """Return an instant in UTC, None when its year is not accepted."""
    return in_utc(instant) if instant.year in YEARS else None


def _there(instant: datetime, path: str) -> datetime:
    found = utc(instant)
    if found is None:
        raise InvalidValueError(path)
    return found


def _utc(instant: datetime | None, path: str) -> datetime | None:
    return None if instant is None else _there(instant, path)


def _demandeur_of(node: DemandeurNode) -> Demandeur:
    siret = "".join((node.siret or "").split()) or None
    # None when the registry of enterprises was down at the deposit.
    company, association = node.entreprise or CompanyNode(), node.association or AssociationNode()
    # The SIREN is the beginning of the SIRET; an incomplete applicant has nothing else.
    found = re.match(r"\d{9}", siret or "")
    details: dict[str, Json] = msgspec.to_builtins(node)
    del details["__typename"]
    if not node.association:
        details.pop("association", None)
    return Demandeur(
        genre=_GENRES.get(node.typename) or node.typename,
        siret=siret,
        siren=company.siren or (found[0] if found else None),
        # The registry of enterprises has no name of an association.
        raison_sociale=company.raison_sociale or association.titre or None,
        forme_juridique_code=company.forme_juridique_code or None,
        forme_juridique=company.forme_juridique or None,
        etat_administratif=company.etat_administratif or None,
        details=details,
    )


_GENRES: Mapping[str, str] = {
    "PersonneMorale": "personne_morale",
    "PersonneMoraleIncomplete": "personne_morale_incomplete",
    "PersonnePhysique": "personne_physique",
}


def _champ_of(node: CellNode) -> Champ:
    libelle, type_ = node.label or "", snake_case(node.typename)
    if isinstance(node, ChampNode) and node.typename == "RepetitionChamp":
        lignes = [Ligne(row.id, tuple(map(_champ_of, row.champs))) for row in node.rows or ()]
        return Champ(node.champ_descriptor_id, None, None, tuple(lignes), (), libelle, type_)
    texte, valeur = value_of(node)
    fichiers = fichiers_of(node) if node.files else ()
    return Champ(node.champ_descriptor_id, texte, valeur, (), fichiers, libelle, type_)
