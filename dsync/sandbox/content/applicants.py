"""Applicants of the sandbox's dossiers: one function for each kind that the rules distinguish.

The opérateurs are real public bodies with their public SIREN. All other organisations and all
persons are invented; their SIREN and SIRET numbers have valid check digits.
"""

from __future__ import annotations

from typing import Any

from dsync.sandbox.content.rng import SeededRandom

Demandeur = dict[str, Any]

OPERATEURS = (
    ("130005481", "FRANCE TRAVAIL", "7389"),
    ("130026032", "AGENCE NATIONALE DE LA COHESION DES TERRITOIRES (ANCT)", "7389"),
    ("180067019", "INSTITUT NATIONAL DE L'INFORMATION GEOGRAPHIQUE ET FORESTIERE (IGN)", "7389"),
    ("180060030", "METEO-FRANCE", "7389"),
    ("130025919", "OFFICE FRANCAIS DE LA BIODIVERSITE (OFB)", "7389"),
    ("180046252", "BIBLIOTHEQUE NATIONALE DE FRANCE (BNF)", "7389"),
    ("130011844", "AGENCE DU SERVICE CIVIQUE", "7410"),
    ("130006372", "AGENCE DE SERVICES ET DE PAIEMENT (ASP)", "7389"),
    ("130030133", "PLATEFORME DE L'INCLUSION", "7410"),
    ("582056149", "BRGM (BRGM)", "4110"),
    ("130017791", "VOIES NAVIGABLES DE FRANCE (VNF)", "7389"),
    ("180067027", "AGENCE NATIONALE DE L'HABITAT (ANAH)", "7389"),
    ("130008014", "AGENCE REGIONALE SANTE ILE DE FRANCE (ARS)", "7389"),
    ("130026081", "UNIVERSITE GRENOBLE ALPES", "7383"),
    ("130024565", "FRANCE COMPETENCES", "7389"),
    ("180046237", "ETABLISSEMENT PUBLIC DU MUSEE DU LOUVRE", "7389"),
    ("187500095", "AGENCE DE L'EAU SEINE-NORMANDIE", "7385"),
    ("180036048", "INSTITUT NATIONAL DE LA SANTE ET DE LA RECHERCHE MEDICALE (INSERM)", "7389"),
    ("784523318", "ASSOCIATION COORDINATION TECHNIQUE AGRICOLE (ACTA)", "9220"),
    ("130018310", "CEREMA", "7389"),
)
"""SIREN, name and legal category; the first two are from the State's list of opérateurs."""

CATEGORIES = {
    "3110": "Représentation ou agence commerciale d'état ou organisme public étranger "
    "immatriculé au RCS",
    "3210": "État, collectivité ou établissement public étranger",
    "4110": "Établissement public national à caractère industriel ou commercial doté d'un "
    "comptable public",
    "4120": "Établissement public national à caractère industriel ou commercial non doté d'un "
    "comptable public",
    "4130": "Exploitant public",
    "4140": "Établissement public local à caractère industriel ou commercial",
    "4150": "Régie d'une collectivité locale à caractère industriel ou commercial",
    "4160": "Institution Banque de France",
    "5499": "Société à responsabilité limitée (sans autre indication)",
    "5710": "SAS, société par actions simplifiée",
    "7111": "Autorité constitutionnelle",
    "7112": "Autorité administrative ou publique indépendante",
    "7113": "Ministère",
    "7120": "Service central d'un ministère",
    "7150": "Service du ministère de la Défense",
    "7160": "Service déconcentré à compétence nationale d'un ministère (hors Défense)",
    "7171": "Service déconcentré de l'État à compétence (inter) régionale",
    "7172": "Service déconcentré de l'État à compétence (inter) départementale",
    "7179": "(Autre) Service déconcentré de l'État à compétence territoriale",
    "7190": "Ecole nationale non dotée de la personnalité morale",
    "7210": "Commune et commune nouvelle",
    "7220": "Département",
    "7230": "Région",
    "7331": "Établissement public local d'enseignement",
    "7344": "Métropole",
    "7346": "Communauté de communes",
    "7348": "Communauté d'agglomération",
    "7354": "Syndicat mixte fermé",
    "7361": "Centre communal d'action sociale",
    "7364": "Établissement d'hospitalisation",
    "7372": "Service départemental d'incendie et de secours (SDIS)",
    "7381": "Organisme consulaire",
    "7382": "Établissement public national ayant fonction d'administration centrale",
    "7383": "Établissement public national à caractère scientifique culturel et professionnel",
    "7384": "Autre établissement public national d'enseignement",
    "7385": "Autre établissement public national administratif à compétence territoriale limitée",
    "7389": "Établissement public national à caractère administratif",
    "7410": "Groupement d'intérêt public (GIP)",
    "7430": "Établissement public des cultes d'Alsace-Lorraine",
    "7450": "Etablissement public administratif, cercle et foyer dans les armées",
    "7470": "Groupement de coopération sanitaire à gestion publique",
    "7490": "Autre personne morale de droit administratif",
    "8110": "Régime général de la Sécurité Sociale",
    "8120": "Régime spécial de Sécurité Sociale",
    "9220": "Association déclarée",
    "9230": "Association déclarée, reconnue d'utilité publique",
    "9300": "Fondation",
}

CENTRALES = ("7120", "7113", "7120", "7382")
A_CONFIRMER = ("7111", "7112", "7150", "7160", "7190")
HORS_LISTE = ("7383", "7384", "7385", "7389", "4110", "4120", "4130", "4160", "7410")
"""Legal categories that are `conforme` only for a SIREN in the list of opérateurs."""
PRIVES = ("5499", "9220", "5710", "9230", "7490", "9300")
AUTRES_CODES = ("3210", "3110")
LOCALES = (
    "7210", "7220", "7230", "7171", "7344", "7346", "7172", "7331", "7348", "7179", "7354", "7361",
    "7381", "7364", "7372", "8110", "4140", "4150", "7430", "7450", "7470", "8120",
)  # fmt: skip
"""Legal categories that are never those of an administration centrale or of an opérateur."""

_SUBJECTS = (
    "des services numériques", "de la transition", "de l'accueil", "des territoires",
    "de l'innovation", "de la simplification", "des usages", "de la prospective",
    "de la donnée", "des publics",
)  # fmt: skip
_NOUNS = {
    "71": "DIRECTION", "72": "COLLECTIVITE", "73": "ETABLISSEMENT", "74": "GROUPEMENT",
    "41": "OFFICE", "54": "SOCIETE", "57": "SOCIETE", "92": "ASSOCIATION", "93": "FONDATION",
    "81": "CAISSE", "32": "AGENCE ETRANGERE", "31": "REPRESENTATION",
}  # fmt: skip

PLACES = (
    ("75", "Paris", "11", "Île-de-France", "Paris", "75007", "75107"),
    ("69", "Rhône", "84", "Auvergne-Rhône-Alpes", "Lyon", "69003", "69383"),
    ("13", "Bouches-du-Rhône", "93", "Provence-Alpes-Côte d’Azur", "Marseille", "13002", "13202"),
    ("35", "Ille-et-Vilaine", "53", "Bretagne", "Rennes", "35000", "35238"),
    ("67", "Bas-Rhin", "44", "Grand Est", "Strasbourg", "67000", "67482"),
    ("2A", "Corse-du-Sud", "94", "Corse", "Ajaccio", "20000", "2A004"),
    ("974", "La Réunion", "04", "La Réunion", "Saint-Denis", "97400", "97411"),
    ("976", "Mayotte", "06", "Mayotte", "Mamoudzou", "97600", "97611"),
    ("93", "Seine-Saint-Denis", "11", "Île-de-France", "Saint-Denis", "93200", "93066"),
    ("01", "Ain", "84", "Auvergne-Rhône-Alpes", "L'Abergement-Clémenciat", "01400", "01001"),
)
"""Code and name of the département, code and name of the région, city, postal code, INSEE code."""


def place_address(place: tuple[str, ...], number: int) -> dict[str, str | None]:
    """Return the value of an address champ in one of `PLACES`, at that house number."""
    departement, departement_name, region, region_name, city, postal_code, city_code = place
    street = f"{number} rue de l’Exemple"
    return {
        "label": f"{street} {postal_code} {city}",
        "type": "housenumber",
        "street_address": street,
        "street_number": str(number),
        "street_name": "rue de l’Exemple",
        "city_name": city,
        "city_code": city_code,
        "postal_code": postal_code,
        "department_code": departement,
        "department_name": departement_name,
        "region_code": region,
        "region_name": region_name,
        "country_code": "FR",
        "country_name": "France",
    }


def check_digit(digits: str) -> str:
    """Return the Luhn check digit to append to the first digits of a SIREN or SIRET."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if index % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def siret_of(siren: str, establishment: int) -> str:
    """Return the SIRET of an organisation's n-th establishment."""
    digits = f"{siren}{establishment:04d}"
    return digits + check_digit(digits)


def morale(rng: SeededRandom, code: str, *, siren: str = "", name: str = "") -> Demandeur:
    """Return an organisation as demandeur.

    Args:
        rng: source of the invented parts.
        code: legal category.
        siren: of a real organisation; empty to invent one.
        name: of the real organisation.
    """
    if not siren:
        digits = f"99{rng.below(1_000_000):06d}"
        siren = digits + check_digit(digits)
        noun = _NOUNS.get(code[:2], "ORGANISME")
        name = f"{noun} {rng.pick(_SUBJECTS).upper()} {siren[3:6]}"
    is_seat = rng.chance(0.8)
    seat = siret_of(siren, 1)
    address = place_address(rng.pick(PLACES), rng.between(1, 99))
    is_company = code.startswith("5")
    association = None
    if code.startswith("92"):
        association = {
            "rna": f"W{rng.below(1_000_000_000):09d}",
            "titre": name,
            "objet": "Promouvoir les services publics numériques",
            "date_creation": "2014-03-01",
            "date_declaration": "2014-03-05",
            "date_publication": "2014-03-15",
        }
    return {
        "kind": "morale",
        "siret": seat if is_seat else siret_of(siren, rng.between(2, 40)),
        "siege_social": is_seat,
        "naf": "6201Z" if is_company else "8411Z",
        "libelle_naf": "Programmation informatique"
        if is_company
        else "Administration publique générale",
        "address": address,
        "entreprise": {
            "siren": siren,
            "siret_siege_social": seat,
            "raison_sociale": name,
            "nom_commercial": name.title() if rng.chance(0.2) else "",
            "forme_juridique": CATEGORIES[code],
            "forme_juridique_code": code,
            "etat_administratif": "Actif",
            "capital_social": 10_000 if is_company else -1,
            "date_creation": f"{rng.between(1950, 2022)}-01-01",
            "code_effectif": rng.pick(("11", "22", "32", "41", None)),
            "numero_tva_intracommunautaire": None,
            "enseigne": None,
            "inline_adresse": address["label"],
            "nom": None,
            "prenom": None,
        },
        "association": association,
    }


def operateur(rng: SeededRandom) -> Demandeur:
    """Return one of the State's opérateurs."""
    siren, name, code = rng.pick(OPERATEURS)
    return morale(rng, code, siren=siren, name=name)


def eligible(rng: SeededRandom) -> Demandeur:
    """Return an opérateur, or an invented administration centrale."""
    return operateur(rng) if rng.chance(0.4) else morale(rng, rng.pick(CENTRALES))


def ferme(rng: SeededRandom) -> Demandeur:
    """Return an eligible applicant whose company is closed in the registry."""
    demandeur = eligible(rng)
    demandeur["entreprise"]["etat_administratif"] = "Ferme"
    return demandeur


def sans_categorie(rng: SeededRandom) -> Demandeur:
    """Return an organisation whose registry data have no legal category."""
    demandeur = morale(rng, "7120")
    demandeur["entreprise"] |= {"forme_juridique": None, "forme_juridique_code": None}
    return demandeur


def sans_entreprise(rng: SeededRandom) -> Demandeur:
    """Return an establishment whose registry data have no company."""
    return morale(rng, "7120") | {"entreprise": None}


def incomplete(rng: SeededRandom) -> Demandeur:
    """Return an applicant who deposited while the registry was down: only the SIRET is known."""
    return {"kind": "morale_incomplete", "siret": morale(rng, "7120")["siret"]}


def physique(rng: SeededRandom) -> Demandeur:
    """Return a person as demandeur."""
    prenom, nom = person(rng)
    return {
        "kind": "physique",
        "nom": nom,
        "prenom": prenom,
        "civilite": rng.pick(("M", "Mme", None)),
        "email": mail(prenom, nom),
    }


_FIRST_NAMES = ("Camille", "Dominique", "Claude", "Sacha", "Alix", "Maé", "Noa", "Loïs", "Zoé")
_LAST_NAMES = ("Exemple", "Témoin", "Modèle", "Spécimen", "Essai", "D’Épreuve", "Le Fictif")


def person(rng: SeededRandom) -> tuple[str, str]:
    """Return an invented first and last name that no real person could be mistaken for."""
    return rng.pick(_FIRST_NAMES), rng.pick(_LAST_NAMES)


def mail(prenom: str, nom: str) -> str:
    """Return the person's e-mail address, in a domain reserved for examples."""
    plain = str.maketrans("éèëïÉ’ ", "eeeiE--")
    return f"{prenom}.{nom}@example.gouv.fr".translate(plain).lower()


def phone(rng: SeededRandom) -> str:
    """Return a telephone number from the ranges reserved for fiction."""
    return f"{rng.pick(('019900', '063998'))}{rng.below(10_000):04d}"
