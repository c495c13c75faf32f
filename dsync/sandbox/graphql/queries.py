"""The resolvers of queries.

A field without a resolver here has the attribute or the key of the same name in snake case, or the
one that `@from` names in ``schema.graphql``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

from dsync.sandbox.graphql import pages
from dsync.sandbox.graphql.call import Info, Resolve, ServerFailure, not_found
from dsync.sandbox.world import files, ids
from dsync.sandbox.world.champs import ASKED_TYPES, ServedChamp, champs_of
from dsync.sandbox.world.clock import iso
from dsync.sandbox.world.columns import columns_of
from dsync.sandbox.world.model import (
    ADMINISTRATEUR,
    ChampDescriptor,
    FormRevision,
    Groupe,
    Label,
    ServedDemarche,
    ServedDossier,
    Source,
)

FILES = "/files/"
"""Path of the addresses of files."""
_INCOMPLETE = "PersonneMoraleIncomplete"


def _descriptor_of(_: Any, info: Info, demarche: dict[str, Any]) -> Any:
    number = demarche.get("number") or ids.key_of(str(demarche.get("id")), "Procedure")
    found = info.context.world.demarches.get(number or 0)
    if found is None:
        raise not_found("DemarcheDescriptor")
    return _described(found, found.published, info)


def _described(demarche: ServedDemarche, revision: FormRevision, info: Info) -> ServedDemarche:
    """Return the value of a `DemarcheDescriptor`: a démarche with one of its revisions."""
    url = f"{info.context.base_url}/commencer/{demarche.path}"
    return replace(demarche, revision=revision, demarche_url=url)


def _groupe(_: Any, info: Info, number: int) -> Groupe:
    demarches = info.context.world.demarches.values()
    found = next((g for d in demarches for g in d.groupes if g.key == number), None)
    return info.context.visible("GroupeInstructeurWithDossiers", found)


def _groupes(demarche: ServedDemarche, _: Any, *, closed: bool | None = None) -> list[Groupe]:
    if closed is not None:  # DS answers 500 to this argument (recorded: groupe-closed-true).
        raise ServerFailure
    return demarche.groupes


# --- dossiers -----------------------------------------------------------------------------------


def _expires(dossier: ServedDossier, _: Any) -> str | None:
    ended = dossier.traite_at
    if ended is None:
        return None
    is_leap_day = (ended.month, ended.day) == (2, 29)
    return iso(ended + timedelta(days=365) if is_leap_day else ended.replace(year=ended.year + 1))


def _labels(dossier: ServedDossier, _: Any) -> list[Label]:
    known = {label.name: label for label in dossier.demarche.labels}
    return [known[name] for name in dossier.labels]


def _parts(kind: str, name: str) -> Resolve:
    """Return the resolver of a dossier's traitements, messages or avis, numbered from 0."""

    def resolve(dossier: ServedDossier, _: Any, id: str | None = None) -> list[dict[str, Any]]:
        parts = enumerate(getattr(dossier, name))
        found = [{**p, "id": ids.encode(kind, dossier.number * 100 + rank)} for rank, p in parts]
        return [part for part in found if id in (None, part["id"])]

    return resolve


def _profile(read: Callable[[Any], str | None]) -> Resolve:
    """Return the resolver of a person's `Profile`, whose e-mail address is read."""

    def resolve(value: Any, _: Any) -> dict[str, str] | None:
        email = read(value)
        return {"id": ids.encode("User", email), "email": email} if email else None

    return resolve


def _answers(source: Source) -> Resolve:
    def resolve(dossier: ServedDossier, _: Any, id: str | None = None) -> list[ServedChamp]:
        champs = champs_of(dossier, source)
        return [c for c in champs if id is None or ids.encode("Champ", c.stable_id) == id]

    return resolve


def _made(kind: str) -> Resolve:
    return lambda dossier, info: files.made(dossier, kind, info.context.world.now())


def _url(file: files.ServedFile, info: Info) -> str:
    return f"{info.context.base_url}{FILES}{files.signed_path(file, info.context.world.now())}"


def _demandeur_type(demandeur: dict[str, Any], info: Info, _: Any) -> str:
    if demandeur["kind"] == "physique":
        return "PersonnePhysique"
    incomplete = demandeur["kind"] == "morale_incomplete" and info.context.asks(_INCOMPLETE)
    return _INCOMPLETE if incomplete else "PersonneMorale"


# --- champs -------------------------------------------------------------------------------------


@cache
def _name_of(type_: str) -> str:
    """Return the name of a descriptor type in the names of GraphQL types."""
    if type_ in ("communes", "departements", "regions"):
        type_ = type_.removesuffix("s")
    words = [type_.upper()] if type_ in ("cojo", "rna", "rnf") else type_.split("_")
    return "".join(w if w.isupper() else w.capitalize() for w in words)


def _descriptor_type(descriptor: ChampDescriptor, info: Info, _: Any) -> str:
    """Return the GraphQL type of a descriptor; that of a text for types not in the schema."""
    name = f"{_name_of(descriptor.type)}ChampDescriptor"
    return name if name in info.schema.type_map else "TextChampDescriptor"


def _champ_type(champ: ServedChamp, info: Info, _: Any) -> str:
    """Return a champ's GraphQL type; an older client, without a fragment on it, gets another."""
    name = f"{_name_of(champ.type)}Champ"
    if champ.type in ASKED_TYPES and not info.context.asks(name):
        return ASKED_TYPES[champ.type]
    return name if name in info.schema.type_map else "TextChamp"


def _place(kind: str, code: str, name: str) -> Resolve:
    """Return the resolver of a commune or a département: the value, or a part of it."""

    def resolve(champ: ServedChamp, _: Any) -> dict[str, Any] | None:
        value: dict[str, Any] | None = champ.value
        if champ.type in (kind, f"{kind}s") or not isinstance(value, dict):
            return value
        if champ.type != "address":
            return value.get(kind)
        if not value.get(code):  # Its code is not known.
            return None
        postal_code = value.get("postal_code")
        return {"code": value[code], "name": value.get(name), "postal_code": postal_code}

    return resolve


_PLACES = {
    "commune": _place("commune", "city_code", "city_name"),
    "departement": _place("departement", "department_code", "department_name"),
}
_REGISTER = {
    name: lambda champ, _: None if champ.value is None else {"id": str(champ.value)}
    for name in ("rna", "rnf")
}


def _geo_areas(champ: ServedChamp, _: Any) -> list[dict[str, Any]]:
    areas = enumerate(champ.value or ())
    return [{"id": ids.encode("GeoArea", rank), **area} for rank, area in areas]


def _area_type(area: dict[str, Any], *_: Any) -> str:
    return "ParcelleCadastrale" if area["source"] == "cadastre" else "SelectionUtilisateur"


def _of(read: Callable[[Any], Any]) -> Resolve:
    """Return a resolver that needs the value alone."""
    return lambda value, _: read(value)


TYPENAMES: dict[str, Callable[..., str]] = {
    "Champ": _champ_type,
    "ChampDescriptor": _descriptor_type,
    "Column": lambda column, *_: column["kind"],
    "Demandeur": _demandeur_type,
    "GeoArea": _area_type,
}
"""Functions that return the concrete type of a value, by interface."""

FIELDS: dict[str, dict[str, Resolve]] = {
    "Query": {
        "demarche": lambda _, info, number: info.context.visible(
            "Demarche", info.context.world.demarches.get(number)
        ),
        "demarcheDescriptor": _descriptor_of,
        "dossier": lambda _, info, number: info.context.visible(
            "Dossier", info.context.world.shown_dossier(number)
        ),
        "groupeInstructeur": _groupe,
    },
    "Demarche": {**pages.LISTS, "groupeInstructeurs": _groupes},
    "GroupeInstructeurWithDossiers": pages.LISTS,
    "Dossier": {
        "dateExpiration": _expires,
        "dateSuppressionParUsager": _of(
            lambda d: iso(d.hidden_at) if d.presence == "masque_usager" else None
        ),
        "labels": _labels,
        "usager": _of(
            lambda d: {
                "id": "<deleted>" if d.usager_deleted else ids.encode("User", d.number),
                "email": d.usager_email,
            }
        ),
        "connectionUsager": _of(lambda d: "deleted" if d.usager_deleted else "password"),
        "demandeur": _of(lambda d: d.demandeur or None),
        "demarche": lambda d, info: _described(d.demarche, d.form, info),
        "traitements": _parts("Traitement", "traitements"),
        "champs": _answers("champs"),
        "annotations": _answers("annotations"),
        "messages": _parts("Commentaire", "messages"),
        "avis": _parts("Avis", "avis"),
        "pdf": _made("pdf"),
        "geojson": _made("geojson"),
    },
    "Avis": {
        "expert": _profile(lambda avis: avis.get("expert")),
        "claimant": _profile(lambda avis: avis.get("claimant")),
        "instructeur": _profile(lambda avis: avis.get("claimant") or ADMINISTRATEUR),
    },
    "File": {"url": _url},
    "Demandeur": {
        "id": _of(
            lambda d: (
                ids.encode("Individual", d["nom"])
                if d["kind"] == "physique"
                else ids.encode("Etablissement", d["siret"])
            )
        )
    },
    "ChampDescriptor": {
        "id": _of(lambda d: ids.encode("Champ", d.stable_id)),
        "champDescriptors": _of(lambda d: d.champs if d.type == "repetition" else None),
    },
    **{
        f"{name}ChampDescriptor": {"options": _of(lambda _: None)}
        for name in ("Departement", "Region", "Pays")
    },
    "Champ": {
        "id": _of(lambda c: ids.encode("Champ", c.key)),
        "champDescriptorId": _of(lambda c: ids.encode("Champ", c.stable_id)),
        "prefilled": _of(lambda _: False),
        "stringValue": lambda c, info: c.text(english=info.context.english),
        "columns": _of(columns_of),
    },
    "TextChamp": {"value": _of(ServedChamp.text_value)},
    "CheckboxChamp": {"value": _of(lambda c: bool(c.value))},
    "DateChamp": {"date": _of(ServedChamp.date_value), "value": _of(ServedChamp.datetime_value)},
    "DatetimeChamp": {"datetime": _of(ServedChamp.datetime_value)},
    **dict.fromkeys(("AddressChamp", "CommuneChamp", "EpciChamp"), _PLACES),
    "CarteChamp": {"geoAreas": _geo_areas},
    "SiretChamp": {"etablissement": _of(lambda c: c.value if isinstance(c.value, dict) else None)},
    "RNAChamp": _REGISTER,
    "RNFChamp": _REGISTER,
    "EngagementJuridiqueChamp": {"engagementJuridique": _of(lambda c: {} if c.value else None)},
    "DossierLinkChamp": {"dossier": lambda c, info: info.context.world.shown_dossier(c.value)},
    "PieceJustificativeChamp": {
        "files": _of(files.files_of),
        "file": _of(lambda c: next(iter(files.files_of(c)), None)),
    },
    "TitreIdentiteChamp": {
        "filled": _of(lambda c: bool(c.value)),
        "grantType": _of(lambda _: "piece_justificative"),
    },
    "RepetitionChamp": {
        "rows": _of(
            lambda c: [{"id": ids.encode("Row", r.ulid), "champs": cells} for r, cells in c.rows()]
        ),
        "champs": _of(lambda c: [cell for _row, cells in c.rows() for cell in cells]),
    },
}
"""Resolvers by type; those of an interface are used for all its types."""
