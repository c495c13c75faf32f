"""A GraphQL dossier, as `ds/queries` selects it, → `Dossier`.

Only the number, the id, the state and a date of deposit cannot be done without: all the rest
may be missing or odd, and is then empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from dsync.domain.dossier import Champ, Demandeur, Dossier, Etat, Json, Traitement
from dsync.domain.ids import DemarcheNumber, DossierId, DossierNumber, RevisionId
from dsync.errors import MappingError
from dsync.mapping.values import Node, snake_case

T = TypeVar("T")

_NOTHING: Node = {}
_ETATS = {etat.value: etat for etat in Etat}


def read_dossier(
    node: Node,
    demarche_number: DemarcheNumber,
    champs: tuple[Champ, ...],
    annotations: tuple[Champ, ...],
) -> Dossier:
    """Return the dossier of a node whose champs and annotations are read already.

    Raises:
        MappingError: when its number, id, state or date of deposit cannot be used.
    """
    number = node.get("number")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise MappingError("A dossier came without its number: see DS.", code="numero")
    id_ = _needed(number, "id", _text(node.get("id")))
    etat = _needed(number, "state", _ETATS.get(str(node.get("state"))))
    en_construction = _instant(node.get("datePassageEnConstruction"))
    depot = _needed(number, "dateDepot", _instant(node.get("dateDepot")) or en_construction)
    modification = _instant(node.get("dateDerniereModification")) or depot
    return Dossier(
        number=DossierNumber(number),
        id=DossierId(id_),
        demarche_number=demarche_number,
        revision_id=RevisionId(_text(_record(node, "revision").get("id")) or ""),
        etat=etat,
        archive=node.get("archived") is True,
        date_depot=depot,
        date_passage_en_construction=en_construction or depot,
        date_passage_en_instruction=_instant(node.get("datePassageEnInstruction")),
        date_traitement=_instant(node.get("dateTraitement")),
        date_derniere_modification=modification,
        date_derniere_modification_champs=(
            _instant(node.get("dateDerniereModificationChamps")) or modification
        ),
        date_derniere_modification_annotations=(
            _instant(node.get("dateDerniereModificationAnnotations")) or modification
        ),
        date_expiration=_instant(node.get("dateExpiration")),
        date_suppression_par_usager=_instant(node.get("dateSuppressionParUsager")),
        motivation=_text(node.get("motivation")),
        usager_email=_text(_record(node, "usager").get("email")),
        groupe_instructeur=_text(_record(node, "groupeInstructeur").get("label")),
        instructeurs=_texts(node.get("instructeurs"), "email"),
        depose_par_un_tiers=_boolean(node.get("deposeParUnTiers")),
        mandataire=_mandataire(node),
        prerempli=node.get("prefilled") is True,
        demandeur=_read_demandeur(_record(node, "demandeur")),
        champs=champs,
        annotations=annotations,
        labels=_texts(node.get("labels"), "name"),
        traitements=_read_traitements(node.get("traitements")),
    )


def _needed(number: int, what: str, value: T | None) -> T:
    if value is None:
        raise MappingError(
            f"Dossier {number}: DS gave no usable {what}; it is tried again at the next run.",
            code=what,
            numero=number,
        )
    return value


def _read_demandeur(node: Node) -> Demandeur:
    siret = "".join((_text(node.get("siret")) or "").split()) or None
    entreprise = _record(node, "entreprise")
    siren = _text(entreprise.get("siren")) or _siren_of(siret)
    details: Mapping[str, Json] = {key: value for key, value in node.items() if key != "__typename"}
    return Demandeur(
        genre=_genre(_text(node.get("__typename")) or ""),
        siret=siret,
        siren=siren,
        raison_sociale=_text(entreprise.get("raisonSociale")),
        forme_juridique_code=_text(entreprise.get("formeJuridiqueCode")),
        forme_juridique=_text(entreprise.get("formeJuridique")),
        etat_administratif=_text(entreprise.get("etatAdministratif")),
        details=details,
    )


def _siren_of(siret: str | None) -> str | None:
    found = re.match(r"\d{9}", siret or "")
    return found[0] if found else None


def _genre(typename: str) -> str:
    return snake_case(typename) if typename in _DEMANDEURS else typename or "inconnu"


_DEMANDEURS = frozenset({"PersonneMorale", "PersonneMoraleIncomplete", "PersonnePhysique"})


def _read_traitements(nodes: Any) -> tuple[Traitement, ...]:
    if not isinstance(nodes, list):
        return ()
    traitements = []
    for node in nodes:
        date = _instant(node.get("dateTraitement")) if isinstance(node, dict) else None
        if date:
            traitements.append(
                Traitement(
                    evenement=_text(node.get("event")) or "",
                    date=date,
                    motivation=_text(node.get("motivation")),
                    email_agent=_text(node.get("emailAgentTraitant")),
                )
            )
    return tuple(traitements)


def _mandataire(node: Node) -> str | None:
    names = (_text(node.get("prenomMandataire")), _text(node.get("nomMandataire")))
    return " ".join(filter(None, names)) or None


def _instant(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        instant = datetime.fromisoformat(value)
        # DS always gives the offset; an instant without one could only be UTC.
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def _record(node: Node, key: str) -> Node:
    value = node.get(key)
    return value if isinstance(value, dict) else _NOTHING


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(nodes: Any, key: str) -> tuple[str, ...]:
    if not isinstance(nodes, list):
        return ()
    texts = (_text(node.get(key)) for node in nodes if isinstance(node, dict))
    return tuple(sorted(filter(None, texts)))


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None
