"""How a démarche, its form, its groupes and the root of a query are answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dsync.sandbox import ids, listing
from dsync.sandbox.answers import hidden, not_found
from dsync.sandbox.clock import iso
from dsync.sandbox.context import Context
from dsync.sandbox.descriptors import DESCRIPTOR_TYPES, descriptor_typename
from dsync.sandbox.form_parts import Descriptor
from dsync.sandbox.model import Demarche, Dossier, Groupe, Instructeur, Revision
from dsync.sandbox.resolving import answers, is_one_of

_RETENTION_MONTHS = 12
_ADMIN = "administration-eig@example.gouv.fr"
_CHORUS = ("centre_de_cout", "domaine_fonctionnel", "referentiel_de_programmation")
_SERVICE = {
    "id": ids.encode("Service", 1),
    "nom": "DINUM",
    "organisme": "Direction interministérielle du numérique",
    "siret": "13002526500013",
    "type_organisme": "administration_centrale",
}


def _maybe(at: datetime | None) -> str | None:
    return iso(at) if at else None


def _demarche(_: Any, context: Context, number: int) -> Demarche:
    demarche = context.world.demarches.get(number)
    if demarche is None:
        raise not_found("Demarche")
    if not context.may_see(demarche):
        raise hidden("Demarche")
    return demarche


def _descriptor_of_demarche(_: Any, context: Context, demarche: dict[str, Any]) -> Any:
    number = demarche.get("number")
    if number is None:
        number = ids.key_of(str(demarche.get("id")), "Procedure")
    found = context.world.demarches.get(number or 0)
    if found is None:
        raise not_found("DemarcheDescriptor")
    return found, found.published


def _dossier(_: Any, context: Context, number: int) -> Dossier:
    dossier = context.world.dossier(number)
    if dossier is None or dossier.presence != "present":
        raise not_found("Dossier")
    if not context.may_see(dossier.demarche):
        raise hidden("Dossier")
    return dossier


def _groupe(_: Any, context: Context, number: int) -> tuple[Demarche, Groupe]:
    found = context.world.groupe(number)
    if found is None:
        raise not_found("GroupeInstructeurWithDossiers")
    if not context.may_see(found[0]):
        raise hidden("GroupeInstructeurWithDossiers")
    return found


answers(
    "Query",
    demarche=_demarche,
    demarcheDescriptor=_descriptor_of_demarche,
    dossier=_dossier,
    groupeInstructeur=_groupe,
)


def _of_demarche(path: str) -> Any:
    def resolve(value: Demarche | tuple[Demarche, Revision], _: Context) -> Any:
        demarche = value if isinstance(value, Demarche) else value[0]
        return _DEMARCHE_FACTS[path](demarche)

    return resolve


_DEMARCHE_FACTS: dict[str, Any] = {
    "id": lambda d: ids.encode("Procedure", d.number),
    "number": lambda d: d.number,
    "title": lambda d: d.title,
    "description": lambda d: d.description,
    "state": lambda d: d.state,
    "dateCreation": lambda d: iso(d.created_at),
    "datePublication": lambda d: iso(d.published_at),
    "dateFermeture": lambda d: _maybe(d.closed_at),
    "dateDerniereModification": lambda d: iso(d.modified_at or d.published.published_at),
    "service": lambda _: _SERVICE,
}
answers("Demarche DemarcheDescriptor", **{name: _of_demarche(name) for name in _DEMARCHE_FACTS})
answers(
    "Demarche",
    activeRevision=lambda d, _: d.published,
    publishedRevision=lambda d, _: d.published,
    draftRevision=lambda d, _: d.revisions[-1],
    revisions=lambda d, _: d.revisions,
    champDescriptors=lambda d, _: d.published.champs,
    annotationDescriptors=lambda d, _: d.published.annotations,
    administrateurs=lambda _d, _: [{"id": ids.encode("Administrateur", 1), "email": _ADMIN}],
    chorusConfiguration=lambda _d, _: dict.fromkeys(_CHORUS, ""),
    groupeInstructeurs=listing.groupes,
    labels=lambda d, _: d.labels,
    dossiers=listing.dossiers,
    deletedDossiers=listing.deleted,
    pendingDeletedDossiers=listing.pending,
)
answers(
    "DemarcheDescriptor",
    revision=lambda v, _: v[1],
    demarcheURL=lambda v, c: f"{c.base_url}/commencer/{v[0].path}",
    cadreJuridiqueURL=lambda _v, _: "https://www.legifrance.gouv.fr",
    dureeConservationDossiers=lambda _v, _: _RETENTION_MONTHS,
    opendata=lambda _v, _: True,
    tags=lambda _v, _: [],
    zones=lambda _v, _: [],
)
answers(
    "Revision",
    id=lambda r, _: ids.encode("ProcedureRevision", r.key),
    dateCreation=lambda r, _: iso(r.created_at),
    datePublication=lambda r, _: _maybe(r.published_at),
    champDescriptors=lambda r, _: r.champs,
    annotationDescriptors=lambda r, _: r.annotations,
)


def _cells(descriptor: Descriptor, _: Context) -> list[Descriptor] | None:
    return descriptor["champs"] if descriptor["type"] == "repetition" else None


answers(
    " ".join(DESCRIPTOR_TYPES),
    id=lambda d, _: ids.encode("Champ", d["stable_id"]),
    champDescriptors=_cells,
)
answers("DepartementChampDescriptor RegionChampDescriptor", options=lambda _d, _: None)
answers("PaysChampDescriptor", options=lambda _d, _: None)
answers("HeaderSectionChampDescriptor", level=lambda d, _: d["level"] or 1)
is_one_of("ChampDescriptor", lambda d, _: descriptor_typename(d["type"]))
answers("Label", id=lambda label, _: ids.encode("Label", label.key))


def _agents(groupe: Groupe | tuple[Demarche, Groupe], _: Context) -> list[Instructeur]:
    return (groupe if isinstance(groupe, Groupe) else groupe[1]).instructeurs


for _type, _pick in (("GroupeInstructeur", lambda v: v), ("GroupeInstructeurWithDossiers", None)):
    _of = _pick or (lambda v: v[1])
    answers(
        _type,
        id=lambda v, _, of=_of: ids.encode("GroupeInstructeur", of(v).key),
        number=lambda v, _, of=_of: of(v).key,
        label=lambda v, _, of=_of: of(v).label,
        closed=lambda _v, _: False,
        instructeurs=_agents,
    )
answers(
    "GroupeInstructeurWithDossiers",
    dossiers=listing.dossiers,
    deletedDossiers=listing.deleted,
    pendingDeletedDossiers=listing.pending,
)
