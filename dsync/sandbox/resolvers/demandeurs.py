"""How an applicant is answered: a person, an organisation, or a SIRET alone."""

from __future__ import annotations

from typing import Any

from dsync.sandbox import ids
from dsync.sandbox.context import Context
from dsync.sandbox.resolving import answers, is_one_of

Demandeur = dict[str, Any]


def _typename(demandeur: Demandeur, context: Context) -> str:
    kind = demandeur["kind"]
    if kind == "physique":
        return "PersonnePhysique"
    if kind == "morale":
        return "PersonneMorale"
    return "PersonneMoraleIncomplete" if context.asks(_INCOMPLETE) else "PersonneMorale"


_INCOMPLETE = "PersonneMoraleIncomplete"


def _column(name: str) -> Any:
    return lambda demandeur, _: (demandeur.get("address") or {}).get(name)


def _capital(entreprise: dict[str, Any], _: Context) -> str | None:
    value = entreprise.get("capital_social")
    return None if value is None else str(value)


def _register(entreprise: dict[str, Any], _: Context) -> Any:
    return entreprise.get("code_effectif", entreprise.get("code_effectif_entreprise"))


is_one_of("Demandeur", _typename)
answers(
    "PersonneMorale PersonneMoraleIncomplete",
    id=lambda d, _: ids.encode("Etablissement", d["siret"]),
)
answers("PersonnePhysique", id=lambda d, _: ids.encode("Individual", d["nom"]))
answers(
    "PersonneMorale",
    adresse=_column("label"),
    numeroVoie=_column("street_number"),
    nomVoie=_column("street_name"),
    codePostal=_column("postal_code"),
    localite=_column("city_name"),
    codeInseeLocalite=_column("city_code"),
)
answers("Entreprise", capitalSocial=_capital, codeEffectifEntreprise=_register)
