"""A GraphQL dossier, as `ds/queries` selects it, → `Dossier`.

Only the number, the id, the state and a date of deposit cannot be done without: all the rest
may be missing or odd, and is then empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

from dsync.domain.dossier import Champ, Demandeur, Dossier, Etat, Json, Traitement
from dsync.domain.ids import DemarcheNumber, DossierId, DossierNumber, RevisionId
from dsync.errors import MappingError
from dsync.mapping.values import snake_case
from dsync.mapping.wire import DossierNode

T = TypeVar("T")

Record = Mapping[str, Any]
_NOTHING: Record = {}
_ETATS = {etat.value: etat for etat in Etat}


def read_dossier(
    node: DossierNode,
    demarche_number: DemarcheNumber,
    champs: tuple[Champ, ...],
    annotations: tuple[Champ, ...],
) -> Dossier:
    """Return the dossier of a node whose champs and annotations are read already.

    Raises:
        MappingError: when its number, id, state or date of deposit cannot be used.
    """
    number = node.number
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number < 1 << 63:
        raise MappingError("A dossier came without its number: see DS.", code="numero")
    id_ = _needed(number, "id", _text(node.id))
    etat = _needed(number, "state", _ETATS.get(str(node.state)))
    en_construction = _instant(node.date_passage_en_construction)
    depot = _needed(number, "dateDepot", _instant(node.date_depot) or en_construction)
    modification = _instant(node.date_derniere_modification) or depot
    return Dossier(
        number=DossierNumber(number),
        id=DossierId(id_),
        demarche_number=demarche_number,
        revision_id=RevisionId(_text(_record(node.revision).get("id")) or ""),
        etat=etat,
        archive=node.archived is True,
        date_depot=depot,
        date_passage_en_construction=en_construction or depot,
        date_passage_en_instruction=_instant(node.date_passage_en_instruction),
        date_traitement=_instant(node.date_traitement),
        date_derniere_modification=modification,
        date_derniere_modification_champs=(
            _instant(node.date_derniere_modification_champs) or modification
        ),
        date_derniere_modification_annotations=(
            _instant(node.date_derniere_modification_annotations) or modification
        ),
        date_derniere_correction_en_attente=_instant(node.date_derniere_correction_en_attente),
        date_expiration=_instant(node.date_expiration),
        date_suppression_par_usager=_instant(node.date_suppression_par_usager),
        motivation=_text(node.motivation),
        usager_email=_text(_record(node.usager).get("email")),
        groupe_instructeur=_text(_record(node.groupe_instructeur).get("label")),
        instructeurs=_texts(node.instructeurs, "email"),
        depose_par_un_tiers=_boolean(node.depose_par_un_tiers),
        mandataire=_mandataire(node),
        prerempli=node.prefilled is True,
        demandeur=_read_demandeur(_record(node.demandeur)),
        champs=champs,
        annotations=annotations,
        labels=_texts(node.labels, "name"),
        traitements=_read_traitements(node.traitements),
    )


def _needed(number: int, what: str, value: T | None) -> T:
    if value is None:
        raise MappingError(
            f"Dossier {number}: DS gave no usable {what}; it is tried again at the next run.",
            code=what,
            numero=number,
        )
    return value


def _read_demandeur(node: Record) -> Demandeur:
    siret = "".join((_text(node.get("siret")) or "").split()) or None
    entreprise = _record(node.get("entreprise"))
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
    return _GENRES.get(typename) or typename or "inconnu"


_GENRES = {
    typename: snake_case(typename)
    for typename in ("PersonneMorale", "PersonneMoraleIncomplete", "PersonnePhysique")
}


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


def _mandataire(node: DossierNode) -> str | None:
    names = (_text(node.prenom_mandataire), _text(node.nom_mandataire))
    return " ".join(filter(None, names)) or None


def _instant(value: Any) -> datetime | None:
    return _instant_in(value) if isinstance(value, str) else None


@lru_cache(maxsize=64)
def _instant_in(text: str) -> datetime | None:
    """Read an instant. A dossier has few, and gives each of them several times."""
    try:
        instant = datetime.fromisoformat(text)
        # DS always gives the offset; an instant without one could only be UTC.
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def _record(value: Any) -> Record:
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
