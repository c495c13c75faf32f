"""The resolvers of queries.

A field without a resolver here returns the attribute or the key of the same name in snake case.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dsync.sandbox.graphql import pages
from dsync.sandbox.graphql.call import Info, Resolve, ServerFailure, at, not_found
from dsync.sandbox.world import files, ids
from dsync.sandbox.world.champs import ASKED_TYPES, OWN_TYPES, ServedChamp, champs_of
from dsync.sandbox.world.clock import iso
from dsync.sandbox.world.columns import columns_of
from dsync.sandbox.world.model import (
    DescriptorSeed,
    FormRevision,
    Groupe,
    Label,
    ServedDemarche,
    ServedDossier,
    Source,
)

FILES = "/files/"
"""Path of the addresses of files."""

_ADMIN = "administration-eig@example.gouv.fr"
_SERVICE = {
    "id": ids.encode("Service", 1),
    "nom": "DINUM",
    "organisme": "Direction interministérielle du numérique",
    "siret": "13002526500013",
    "type_organisme": "administration_centrale",
}
_ADMINISTRATEUR = {"id": ids.encode("Administrateur", 1), "email": _ADMIN}
_CHORUS = dict.fromkeys(
    ("centre_de_cout", "domaine_fonctionnel", "referentiel_de_programmation"), ""
)
_INCOMPLETE = "PersonneMoraleIncomplete"

# --- the root of a query ------------------------------------------------------------------------


def _demarche(_: Any, info: Info, number: int) -> ServedDemarche:
    return info.context.visible("Demarche", info.context.world.demarches.get(number))


def _dossier(_: Any, info: Info, number: int) -> ServedDossier:
    return info.context.visible("Dossier", info.context.world.shown_dossier(number))


def _groupe(_: Any, info: Info, number: int) -> Groupe:
    demarches = info.context.world.demarches.values()
    found = next((g for d in demarches for g in d.groupes if g.key == number), None)
    return info.context.visible("GroupeInstructeurWithDossiers", found)


def _descriptor_of(_: Any, info: Info, demarche: dict[str, Any]) -> Any:
    number = demarche.get("number") or ids.key_of(str(demarche.get("id")), "Procedure")
    found = info.context.world.demarches.get(number or 0)
    if found is None:
        raise not_found("DemarcheDescriptor")
    return _described(found, found.published, info)


# --- démarches ----------------------------------------------------------------------------------


def _groupes(demarche: ServedDemarche, _: Any, *, closed: bool | None = None) -> list[Groupe]:
    if closed is not None:  # DS answers 500 to this argument (recorded: groupe-closed-true).
        raise ServerFailure
    return demarche.groupes


def _cells(descriptor: DescriptorSeed, _: Any) -> list[DescriptorSeed] | None:
    return descriptor["champs"] if descriptor["type"] == "repetition" else None


def _descriptor_type(descriptor: DescriptorSeed, info: Info, _: Any) -> str:
    """Return the GraphQL type of a descriptor; that of a text for types not in the schema."""
    type_ = descriptor["type"]
    if type_ in ("communes", "departements", "regions"):
        type_ = type_.removesuffix("s")
    words = [type_.upper()] if type_ in ("cojo", "rna", "rnf") else type_.split("_")
    name = "".join(w if w.isupper() else w.capitalize() for w in words) + "ChampDescriptor"
    return name if name in info.schema.type_map else "TextChampDescriptor"


_LISTS: dict[str, Resolve] = {
    "dossiers": pages.dossiers,
    "deletedDossiers": pages.deleted,
    "pendingDeletedDossiers": pages.pending,
}


def _described(demarche: ServedDemarche, revision: FormRevision, info: Info) -> dict[str, Any]:
    """Return the value of a `DemarcheDescriptor`: a démarche with one of its revisions."""
    return {
        **vars(demarche),
        "id": demarche.id,
        "date_derniere_modification": demarche.date_derniere_modification,
        "service": _SERVICE,
        "revision": revision,
        "demarche_url": f"{info.context.base_url}/commencer/{demarche.path}",
        "cadre_juridique_url": "https://www.legifrance.gouv.fr",
        "duree_conservation_dossiers": 12,
        "opendata": True,
        "tags": [],
        "zones": [],
    }


# --- dossiers -----------------------------------------------------------------------------------


def _expires(dossier: ServedDossier, _: Any) -> str | None:
    ended = dossier.traite_at
    if ended is None:
        return None
    try:
        return iso(ended.replace(year=ended.year + 1))
    except ValueError:  # 29 February
        return iso(ended + timedelta(days=365))


def _usager(dossier: ServedDossier, _: Any) -> dict[str, Any]:
    key = "<deleted>" if dossier.usager_deleted else ids.encode("User", dossier.number)
    return {"id": key, "email": dossier.usager_email}


def _labels(dossier: ServedDossier, _: Any) -> list[Label]:
    known = {label.name: label for label in dossier.demarche.labels}
    return [known[name] for name in dossier.labels]


def _part(kind: str, dossier: ServedDossier, rank: int) -> str:
    """Return the id of the n-th traitement, message or avis of a dossier."""
    return ids.encode(kind, dossier.number * 100 + rank)


def _traitements(dossier: ServedDossier, _: Any) -> list[dict[str, Any]]:
    return [
        {**step, "id": _part("Traitement", dossier, rank)}
        for rank, step in enumerate(dossier.traitements)
    ]


def _messages(dossier: ServedDossier, _: Any, id: str | None = None) -> list[dict[str, Any]]:
    found = [
        {"id": _part("Commentaire", dossier, rank), "attachments": [], **message}
        for rank, message in enumerate(dossier.messages)
    ]
    return [message for message in found if id in (None, message["id"])]


def _avis(dossier: ServedDossier, _: Any, id: str | None = None) -> list[dict[str, Any]]:
    found = [
        {
            **avis,
            "id": _part("Avis", dossier, rank),
            "expert": _profile(avis.get("expert")),
            "claimant": _profile(avis.get("claimant")),
            "instructeur": _profile(avis.get("claimant") or _ADMIN),
            "attachments": [],
        }
        for rank, avis in enumerate(dossier.avis)
    ]
    return [avis for avis in found if id in (None, avis["id"])]


def _profile(email: str | None) -> dict[str, str] | None:
    return {"id": ids.encode("User", email), "email": email} if email else None


def _answers(source: Source) -> Resolve:
    def resolve(dossier: ServedDossier, _: Any, id: str | None = None) -> list[ServedChamp]:
        champs = champs_of(dossier, source)
        return [c for c in champs if id is None or ids.encode("Champ", c.stable_id) == id]

    return resolve


def _made(kind: str) -> Resolve:
    return lambda dossier, info: files.made(dossier, kind, info.context.world.now())


def _url(file: files.ServedFile, info: Info) -> str:
    return f"{info.context.base_url}{FILES}{file.signed_path(info.context.world.now())}"


# --- applicants ---------------------------------------------------------------------------------


def _demandeur_type(demandeur: dict[str, Any], info: Info, _: Any) -> str:
    if demandeur["kind"] == "physique":
        return "PersonnePhysique"
    incomplete = demandeur["kind"] == "morale_incomplete" and info.context.asks(_INCOMPLETE)
    return _INCOMPLETE if incomplete else "PersonneMorale"


def _of_address(name: str) -> Resolve:
    return lambda demandeur, _: (demandeur.get("address") or {}).get(name)


def _capital(entreprise: dict[str, Any], _: Any) -> str | None:
    value = entreprise.get("capital_social")
    return None if value is None else str(value)


# --- champs -------------------------------------------------------------------------------------


def _champ_type(champ: ServedChamp, info: Info, _: Any) -> str:
    asked = ASKED_TYPES.get(champ.type)
    if asked:
        return asked[0] if info.context.asks(asked[0]) else asked[1]
    return OWN_TYPES.get(champ.type, "TextChamp")


def _string_value(champ: ServedChamp, info: Info) -> str | None:
    return champ.text(english=info.context.english)


def _bigint(champ: ServedChamp, _: Any) -> str | None:
    return None if champ.value is None else str(champ.value)


def _rows(champ: ServedChamp, _: Any) -> list[dict[str, Any]]:
    return [{"id": ids.encode("Row", row.ulid), "champs": cells} for row, cells in champ.rows()]


def _place(champ: ServedChamp, code: str, name: str) -> dict[str, Any] | None:
    """Return the commune or the département of an address, None when its code is not known."""
    value = champ.value
    if champ.type != "address" or not isinstance(value, dict) or not value.get(code):
        return None
    return {"code": value[code], "name": value.get(name), "postal_code": value.get("postal_code")}


def _commune(champ: ServedChamp, _: Any) -> dict[str, Any] | None:
    return champ.value if champ.type == "communes" else _place(champ, "city_code", "city_name")


def _departement(champ: ServedChamp, _: Any) -> Any:
    if champ.type == "departements":
        return champ.value
    if champ.type == "address":
        return _place(champ, "department_code", "department_name")
    return champ.value.get("departement") if isinstance(champ.value, dict) else None


def _register(champ: ServedChamp, _: Any) -> dict[str, Any] | None:
    return None if champ.value is None else {"id": str(champ.value)}


def _linked_dossier(champ: ServedChamp, info: Info) -> ServedDossier | None:
    return info.context.world.shown_dossier(champ.value)


def _geo_areas(champ: ServedChamp, _: Any) -> list[dict[str, Any]]:
    areas = enumerate(champ.value or ())
    return [{"id": ids.encode("GeoArea", rank), **area} for rank, area in areas]


_VALUE = at("value")
_CHAMPS: dict[str, dict[str, Resolve]] = {
    "Champ": {
        "id": lambda c, _: ids.encode("Champ", c.key),
        "champDescriptorId": lambda c, _: ids.encode("Champ", c.stable_id),
        "label": lambda c, _: c.descriptor["label"],
        "prefilled": lambda _c, _: False,
        "stringValue": _string_value,
        "columns": lambda c, _: columns_of(c),
    },
    "TextChamp": {"value": lambda c, _: c.text_value()},
    "CheckboxChamp": {"value": lambda c, _: bool(c.value)},
    "IntegerNumberChamp": {"value": _bigint},
    "DateChamp": {"date": lambda c, _: c.date_value(), "value": lambda c, _: c.datetime_value()},
    "DatetimeChamp": {"datetime": lambda c, _: c.datetime_value()},
    "MultipleDropDownListChamp": {"values": lambda c, _: c.value or []},
    "LinkedDropDownListChamp": {
        "primaryValue": lambda c, _: c.value and c.value[0],
        "secondaryValue": lambda c, _: c.value and c.value[1],
    },
    "AddressChamp": {"address": _VALUE, "commune": _commune, "departement": _departement},
    "CommuneChamp": {"commune": _commune, "departement": _departement},
    "DepartementChamp": {"departement": _VALUE},
    "EpciChamp": {"epci": _VALUE, "departement": _departement},
    "RegionChamp": {"region": _VALUE},
    "PaysChamp": {"pays": _VALUE},
    "CarteChamp": {"geoAreas": _geo_areas},
    "SiretChamp": {"etablissement": lambda c, _: c.value if isinstance(c.value, dict) else None},
    "RNAChamp": {"rna": _register},
    "RNFChamp": {"rnf": _register},
    "EngagementJuridiqueChamp": {"engagementJuridique": lambda c, _: {} if c.value else None},
    "DossierLinkChamp": {"dossier": _linked_dossier},
    "PieceJustificativeChamp": {
        "files": lambda c, _: files.files_of(c),
        "file": lambda c, _: next(iter(files.files_of(c)), None),
    },
    "TitreIdentiteChamp": {
        "filled": lambda c, _: bool(c.value),
        "grantType": lambda _c, _: "piece_justificative",
    },
    "HeaderSectionChamp": {"level": lambda c, _: c.descriptor["level"]},
    "RepetitionChamp": {
        "rows": _rows,
        "champs": lambda c, _: [cell for _row, cells in c.rows() for cell in cells],
    },
}

# --- all of it ----------------------------------------------------------------------------------

TYPENAMES: dict[str, Resolve] = {
    "Champ": _champ_type,
    "ChampDescriptor": _descriptor_type,
    "Column": lambda column, *_: column["kind"],
    "Demandeur": _demandeur_type,
    "GeoArea": lambda area, *_: (
        "ParcelleCadastrale" if area["source"] == "cadastre" else "SelectionUtilisateur"
    ),
}
"""Functions that return the concrete type of a value, by interface."""

FIELDS: dict[str, dict[str, Resolve]] = {
    "Query": {
        "demarche": _demarche,
        "demarcheDescriptor": _descriptor_of,
        "dossier": _dossier,
        "groupeInstructeur": _groupe,
    },
    "Demarche": {
        **_LISTS,
        "service": lambda _d, _: _SERVICE,
        "activeRevision": at("published"),
        "publishedRevision": at("published"),
        "draftRevision": lambda d, _: d.revisions[-1],
        "champDescriptors": at("published.champs"),
        "annotationDescriptors": at("published.annotations"),
        "administrateurs": lambda _d, _: [_ADMINISTRATEUR],
        "chorusConfiguration": lambda _d, _: _CHORUS,
        "groupeInstructeurs": _groupes,
    },
    "Revision": {"champDescriptors": at("champs"), "annotationDescriptors": at("annotations")},
    "GroupeInstructeur": {"number": at("key")},
    "GroupeInstructeurWithDossiers": {"number": at("key"), **_LISTS},
    "Dossier": {
        "deposeParUnTiers": at("depose_par_un_tiers"),
        "nomMandataire": at("nom_mandataire"),
        "prenomMandataire": at("prenom_mandataire"),
        "dateDepot": at("depose_at"),
        "datePassageEnConstruction": at("en_construction_at"),
        "datePassageEnInstruction": at("en_instruction_at"),
        "dateTraitement": at("traite_at"),
        "dateExpiration": _expires,
        "dateDerniereModification": at("updated_at"),
        "dateDerniereModificationChamps": at("champs_at"),
        "dateDerniereModificationAnnotations": at("annotations_at"),
        "dateDerniereCorrectionEnAttente": at("correction_at"),
        "dateSuppressionParUsager": lambda d, _: (
            iso(d.hidden_at) if d.presence == "masque_usager" else None
        ),
        "revision": at("form"),
        "labels": _labels,
        "usager": _usager,
        "connectionUsager": lambda d, _: "deleted" if d.usager_deleted else "password",
        "demandeur": lambda d, _: d.demandeur or None,
        "demarche": lambda d, info: _described(d.demarche, d.form, info),
        "groupeInstructeur": at("groupe"),
        "instructeurs": at("followers"),
        "traitements": _traitements,
        "champs": _answers("champs"),
        "annotations": _answers("annotations"),
        "messages": _messages,
        "avis": _avis,
        "pdf": _made("pdf"),
        "geojson": _made("geojson"),
    },
    "DossierConnection": pages.CONNECTION,
    "DeletedDossierConnection": pages.CONNECTION,
    "PageInfo": pages.PAGE_INFO,
    "File": {"url": _url, "byteSizeBigInt": lambda f, _: str(f.byte_size)},
    "PersonnePhysique": {"id": lambda d, _: ids.encode("Individual", d["nom"])},
    "PersonneMoraleIncomplete": {"id": lambda d, _: ids.encode("Etablissement", d["siret"])},
    "PersonneMorale": {
        "id": lambda d, _: ids.encode("Etablissement", d["siret"]),
        "adresse": _of_address("label"),
        "numeroVoie": _of_address("street_number"),
        "nomVoie": _of_address("street_name"),
        "codePostal": _of_address("postal_code"),
        "localite": _of_address("city_name"),
        "codeInseeLocalite": _of_address("city_code"),
    },
    "Entreprise": {
        "capitalSocial": _capital,
        "codeEffectifEntreprise": lambda entreprise, _: entreprise.get("code_effectif"),
    },
    "ChampDescriptor": {
        "id": lambda d, _: ids.encode("Champ", d["stable_id"]),
        "champDescriptors": _cells,
    },
    "DepartementChampDescriptor": {"options": lambda _d, _: None},
    "RegionChampDescriptor": {"options": lambda _d, _: None},
    "PaysChampDescriptor": {"options": lambda _d, _: None},
    **_CHAMPS,
}
"""Resolvers by type; those of an interface are used for all its types."""
