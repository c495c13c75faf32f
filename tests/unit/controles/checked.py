"""A declared check, and what it makes of one dossier."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

from dsync.controles.checking import Declarations
from dsync.controles.declarations import ControlesSections
from dsync.controles.facts import Plan, faits_of
from dsync.domain.dossier import Champ, Demandeur, Descriptor
from dsync.domain.ids import DescriptorId
from dsync.domain.verdict import Controle

DECLARED = """
[tables]
zones = { fichier = "zones.csv", cle = "zone", annee = 2026, source = "annexe 1" }
exclus = { fichier = "exclus.csv", cle = "numero", annee = 2026, source = "annexe 2" }
plafonds = { fichier = "plafonds.csv", cle = "parts", annee = 2026, source = "annexe 3" }
[champs]
texte = { libelles = ["Texte"], type = "texte" }
autre = { libelles = ["Autre"], type = "texte" }
choix = { libelles = ["Choix"], type = "choix" }
montant = { libelles = ["Montant"], type = "nombre" }
echeance = { libelles = ["Échéance"], type = "date" }
lignes = { libelles = ["Lignes"], type = "lignes", colonnes = { montant = "Cellule" } }
[[controles]]
nom = "essai"
titre = "essai"
motif = "Refus."
regle = "Règle."
a_faire = "vérifier."
exige = """
COMPANY = Demandeur(
    genre="personne_morale",
    siret="13002526500013",
    siren="130025265",
    raison_sociale="ESSAI",
    forme_juridique_code="9220",
    etat_administratif="Ferme",
    details={
        "naf": "8411Z",
        "entreprise": {"codeEffectifEntreprise": "11", "dateCreation": "1950-01-15"},
        "address": {
            "cityName": "Rennes", "cityCode": "35238", "departmentCode": "35",
            "departmentName": "Ille-et-Vilaine", "regionCode": "53", "regionName": "Bretagne",
        },
        "association": {"rna": "W751234567"},
    },
)  # fmt: skip
DEPOSIT = datetime(2026, 3, 31, tzinfo=UTC)
YES, NO, LOOKED_AT = "conforme", "refus", "à voir"
CELL = DescriptorId("cellule")


def read(exige: str, folder: Path, table: str = "zone;x\n53;1\nNormandie;2\n") -> Declarations:
    """Return the declarations with one check."""
    tables = {"zones": table, "plafonds": "parts;plafond\n1,5;29 000\n"}
    tables["exclus"] = "numero\nW751234567\n130 025 265 00013\n"
    for name, rows in tables.items():
        (folder / f"{name}.csv").write_text(rows, encoding="utf-8")
    sections = ControlesSections.model_validate(tomllib.loads(f"{DECLARED}{exige}"))
    return Declarations(sections, folder)


def descriptors(**types: str) -> dict[DescriptorId, Descriptor]:
    """Return a form whose questions are of these types in DS."""
    titles = {"texte": "Texte", "autre": "Autre", "choix": "Choix", "montant": "Montant"}
    titles |= {"echeance": "Échéance", "lignes": "Lignes"}
    usual = {"montant": "number", "echeance": "date", "lignes": "repetition"}
    found = {
        DescriptorId(name): Descriptor(
            DescriptorId(name), title, types.get(name, usual.get(name, "text"))
        )
        for name, title in titles.items()
    }
    found[CELL] = Descriptor(CELL, "Cellule", "number", parent_id=DescriptorId("lignes"))
    return found


def judged(
    declarations: Declarations, applicant: Demandeur, *champs: Champ, **types: str
) -> Controle:
    """Return the result of the check."""
    assert [] == declarations.faults
    declared = declarations.sections.champs
    plan = Plan.of(declared, descriptors(**types))
    faits = faits_of(DEPOSIT, applicant, champs, declared, plan)
    (found,) = declarations.evaluator.controles(faits)
    return found


def outcome(found: Controle) -> str:
    """Return whether the requirement holds, or a person has to look."""
    if found.resultat == "conforme":
        return YES
    return NO if found.motif.startswith("Refus.") else LOOKED_AT
