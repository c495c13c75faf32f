"""How champs and annotations of every type, their columns and their rows are answered."""

from __future__ import annotations

from typing import Any

from dsync.sandbox import champ as reading
from dsync.sandbox import files, ids
from dsync.sandbox.champ import Champ, rows_of
from dsync.sandbox.clock import iso
from dsync.sandbox.columns import columns_of
from dsync.sandbox.context import Context
from dsync.sandbox.model import Dossier
from dsync.sandbox.resolving import answers, is_one_of

_CHAMPS = (
    "TextChamp DropDownListChamp CheckboxChamp YesNoChamp CiviliteChamp DateChamp DatetimeChamp "
    "IntegerNumberChamp DecimalNumberChamp MultipleDropDownListChamp LinkedDropDownListChamp "
    "AddressChamp CommuneChamp DepartementChamp RegionChamp PaysChamp EpciChamp CarteChamp "
    "SiretChamp RNAChamp RNFChamp EngagementJuridiqueChamp DossierLinkChamp "
    "PieceJustificativeChamp TitreIdentiteChamp HeaderSectionChamp ExplicationChamp RepetitionChamp"
)


def _value(champ: Champ, _: Context) -> Any:
    return champ.value


def _bigint(champ: Champ, _: Context) -> str | None:
    return None if champ.value is None else str(champ.value)


def _commune(champ: Champ, _: Context) -> dict[str, Any] | None:
    value = champ.value
    if not isinstance(value, dict):
        return None
    if champ.type != "address":
        return value
    return {
        "code": value.get("city_code"),
        "name": value.get("city_name"),
        "postal_code": value.get("postal_code"),
    }


def _departement(champ: Champ, _: Context) -> dict[str, Any] | None:
    value = champ.value
    if not isinstance(value, dict):
        return None
    if champ.type == "departements":
        return value
    if champ.type == "address":
        code, name = value.get("department_code"), value.get("department_name")
        return {"code": code, "name": name} if code else None
    found = value.get("departement")
    return found if isinstance(found, dict) else None


def _register(champ: Champ, _: Context) -> dict[str, Any] | None:
    if champ.value is None or isinstance(champ.value, dict):
        return champ.value
    return {"id": str(champ.value)}


def _linked(rank: int) -> Any:
    return lambda champ, _: champ.value[rank] if champ.value else None


def _linked_dossier(champ: Champ, context: Context) -> Dossier | None:
    found = context.world.dossier(champ.value) if champ.value else None
    return found if found and found.presence == "present" else None


def _geo_areas(champ: Champ, _: Context) -> list[dict[str, Any]]:
    return [
        {"id": ids.encode("GeoArea", rank), "source": "selection_utilisateur", **area}
        for rank, area in enumerate(champ.value or ())
    ]


answers(
    _CHAMPS,
    id=lambda c, _: ids.encode("Champ", c.key),
    champDescriptorId=lambda c, _: ids.encode("Champ", c.descriptor["stable_id"]),
    label=lambda c, _: c.descriptor["label"],
    prefilled=lambda _c, _: False,
    updatedAt=lambda c, _: iso(c.updated_at),
    stringValue=lambda c, context: reading.string_value(c, english=context.english),
    columns=lambda c, _: columns_of(c),
)
is_one_of("Champ", reading.typename)
is_one_of("Column", lambda column, _: str(column["__typename"]))
is_one_of(
    "GeoArea",
    lambda area, _: (
        "ParcelleCadastrale" if area["source"] == "cadastre" else "SelectionUtilisateur"
    ),
)
answers("TextChamp", value=lambda c, _: reading.text_value(c))
answers("DropDownListChamp YesNoChamp CiviliteChamp DecimalNumberChamp", value=_value)
answers("CheckboxChamp", value=lambda c, _: bool(c.value))
answers("IntegerNumberChamp", value=_bigint)
answers(
    "DateChamp",
    date=lambda c, _: reading.date_value(c),
    value=lambda c, _: reading.datetime_value(c),
)
answers("DatetimeChamp", datetime=lambda c, _: reading.datetime_value(c))
answers("MultipleDropDownListChamp", values=lambda c, _: c.value or [])
answers("LinkedDropDownListChamp", primaryValue=_linked(0), secondaryValue=_linked(1))
answers("AddressChamp", address=_value)
answers(
    "AddressChamp CommuneChamp EpciChamp RNAChamp RNFChamp DepartementChamp",
    commune=_commune,
    departement=_departement,
)
answers("RNAChamp RNFChamp", commune=lambda _c, _: None, departement=lambda _c, _: None)
answers("RegionChamp", region=_value)
answers("PaysChamp", pays=_value)
answers("EpciChamp", epci=_value)
answers("CarteChamp", geoAreas=_geo_areas)
answers("SiretChamp", etablissement=lambda c, _: c.value if isinstance(c.value, dict) else None)
answers("RNAChamp", rna=_register)
answers("RNFChamp", rnf=_register)
answers(
    "EngagementJuridiqueChamp",
    engagementJuridique=lambda c, _: {"montant_engage": None} if c.value else None,
)
answers("DossierLinkChamp", dossier=_linked_dossier)
answers(
    "PieceJustificativeChamp",
    files=lambda c, _: files.files_of(c),
    file=lambda c, _: next(iter(files.files_of(c)), None),
)
answers(
    "TitreIdentiteChamp",
    filled=lambda c, _: bool(c.value),
    grantType=lambda _c, _: "piece_justificative",
)
answers("HeaderSectionChamp", level=lambda c, _: c.descriptor["level"] or 1)
answers(
    "RepetitionChamp",
    rows=lambda c, _: rows_of(c),
    champs=lambda c, _: [cell for row in rows_of(c) for cell in row["champs"]],
)
