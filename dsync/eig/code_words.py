"""The French words of the programme's codes, for the pages of the console.

Texts that the checks write (`precheck/sentences.py`) have words of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from dsync.domain.check_answers import COURT, DEMANDE
from dsync.domain.rights import opened
from dsync.domain.wording import french_date
from dsync.eig.candidature import Reponse, declared_fields
from dsync.eig.precheck.catalogue import phase_name
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.evidence import RegistryStatus
from dsync.eig.precheck.product import Lien
from dsync.eig.sections import MappingConfig
from dsync.eig.stages import Attend
from dsync.programme import Words
from dsync.store.dictionary import label_of

TYPES = {
    "administration_centrale": "Administration centrale",
    "operateur": "Opérateur de l’État",
    "autre": "Ni administration centrale, ni opérateur de l’État",
    "inconnu": "Non établi",
}
VALUES: Mapping[str, Mapping[str, str]] = {
    "attend": Attend.labels(),
    "type_administration": TYPES,
    "type": TYPES,
    "registre": {
        RegistryStatus.FOUND: "Trouvé",
        RegistryStatus.UNKNOWN: "Inconnu",
        RegistryStatus.UNREACHABLE: "Pas de réponse",
    },
    "reponse": {
        Reponse.NON_ASSOCIE: "Question non associée au formulaire",
        Reponse.NON_DEMANDE: "Question non posée",
    },
    "lien": {
        Lien.FICHE: "L’adresse de sa fiche",
        Lien.ALIAS: "Une ancienne adresse de sa fiche",
        Lien.IDENTIFIANT: "Son identifiant, hors de l’adresse de sa fiche",
        Lien.NOM: "Son nom",
        Lien.SITE: "L’adresse de son site",
        Lien.DEPOT: "L’adresse de son code source",
        Lien.CITE: "Un produit évoqué, sans certitude",
        Lien.PROCHE: "Une orthographe proche",
        Lien.RETIREE: "Une fiche retirée",
        Lien.AMBIGU: "Un nom de plusieurs produits",
        Lien.PLUSIEURS: "Plusieurs produits possibles",
        Lien.AUTRE_PAGE: "Aucun : autre page de beta.gouv.fr",
        Lien.AUTRE_SITE: "Aucun : autre site",
        Lien.INCONNUE: "Aucun : fiche inconnue",
        Lien.AUCUN: "Aucun",
        Lien.SANS_FICHE: "Aucun : pas de fiche, selon le candidat",
        Lien.VIDE: "Aucun : pas de réponse",
        Lien.AILLEURS: "Aucun : pas de réponse, mais une adresse dans une autre réponse",
        Lien.INDISPONIBLE: "Catalogue indisponible",
    },
}
"""By name of a column or of a piece of evidence."""
EVIDENCE = {
    "date": "Jour du dépôt",
    "depot": "Jour du dépôt",
    "siren": "SIREN",
    "nom": "Nom",
    "liste": "Liste de l’année",
    "code": "Catégorie juridique",
    "libelle": "Libellé de la catégorie",
    "type": "Type retenu",
    "ferme": "Établissement fermé",
    "registre": "Recherche d’entreprises",
    "registre_source": "Source de la recherche",
    "registre_consulte_le": "Recherche faite le",
    "source": "Source",
    "reponse": "Question",
    "sans_reponse": "Sans réponse",
    "vides": "Sans réponse",
    "non_associes": "Non associées au formulaire",
    "saisie": "Réponse du dossier",
    "lien": "Reconnu par",
    "page": "Fiche nommée",
    "noms": "Produits possibles",
    "questions": "Adresse donnée en réponse à",
    "autres_mots": "À côté de l’adresse ou du nom",
    "incubateur": "Incubateur déclaré, celui du produit",
    "incubateur_declare": "Incubateur déclaré",
    "incubateur_produit": "Incubateur du produit",
    "produit": "Produit",
    "existe_depuis": "Parution après le dépôt, d’après le",
    "url": "Fiche",
    "consulte_le": "Catalogue lu le",
    "declaree": "Phase déclarée",
    "phase": "Phase ce jour-là",
    "phases": "Phases du produit",
    "cas": "Cas demandé",
    "manque": "Il manque",
    "stats_url": "Mesures d’impact",
    "repository": "Code source",
    "dossiers": "Autres dossiers",
}
"""The names of evidence. What is not in it, people need not see: a fingerprint, or a code that the
check's reason says in words."""
PUBLIC: Mapping[Check, frozenset[str]] = {
    Check.DEPOT: frozenset({"motif", "depot"}),
    Check.ADMINISTRATION: frozenset(
        {
            "motif", COURT, DEMANDE, "siren", "nom", "liste", "code", "libelle", "type", "ferme",
            "source", "registre", "registre_source", "registre_consulte_le",
        }
    ),
    Check.FICHE_PRODUIT: frozenset(
        {
            "lien", "produit", "nom", "url", "incubateur_produit", "existe_depuis", "source",
            "consulte_le", "reponse",
        }
    ),
    Check.PHASE: frozenset(
        {
            "motif", COURT, DEMANDE, "produit", "date", "phase", "phases", "lisibles", "declaree",
            "consulte_le", "reponse", "sans_reponse",
        }
    ),
    Check.PROFILS: frozenset(
        {"motif", "depot", "voeux.profil", "hors_liste", "reponse", "sans_reponse"}
    ),
    Check.CAS_OCTROI: frozenset(
        {
            "motif", COURT, DEMANDE, "produit", "cas", "date", "stats_url", "repository", "phase",
            "manque", "consulte_le", "reponse", "sans_reponse",
        }
    ),
    Check.COMPLETUDE: frozenset({"motif", "vides", "non_associes"}),
    Check.DOUBLON: frozenset({"motif", "produit", "dossiers"}),
}  # fmt: skip
"""By check, what is public of it: choices of a list, the call, catalogue, registry, lists. Not what
the applicant typed, as the address of a page, nor what the team or a person decided."""
# Two columns of one champ have one key here; the last one's label stays.
_FIELDS = {
    field.target or name: label_of(field.declared.sentence) for name, field in declared_fields()
}
_OF_FIELDS = ("sans_reponse", "vides", "non_associes")


class EigWords(Words):
    """The French words for columns and evidence."""

    def __init__(self, mapping: MappingConfig) -> None:
        self._mapping = mapping

    def label_in_ds(self, name: str) -> str:
        """Return the label of the annotation or the champ, or the column's name without one."""
        places = self._mapping.annotations, self._mapping.champs
        target = next(filter(None, (getattr(one, name, None) for one in places)), None)
        return target.libelles[0] if target and target.libelles else name

    def value(self, name: str, value: Any) -> Any:
        """Return a value of a column or of evidence in French; other ones as they are."""
        if name in _OF_FIELDS:
            fields = [value] if isinstance(value, str) else value
            return [_FIELDS.get(field, field) for field in fields]
        if name in ("phase", "phase_constatee"):
            return opened(phase_name(value))
        if name == "phases":
            return [_phase(one) for one in value]
        return VALUES.get(name, {}).get(value, value) if isinstance(value, str) else value

    def evidence(self, evidence: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
        """Leave out what people need not see."""
        return [
            (key, EVIDENCE[key], self.value(key, value))
            for key, value in evidence.items()
            if key in EVIDENCE and value not in (None, "", [], {})
        ]


def _phase(phase: Mapping[str, Any]) -> str:
    begun = phase["debut"]
    since = f" depuis le {french_date(date.fromisoformat(begun))}" if begun else ""
    return f"{phase_name(phase['nom'])}{since}"
