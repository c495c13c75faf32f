"""Applicants of the sandbox's dossiers, and what they and évaluateurs write.

The opérateurs are real public bodies with their public SIREN. All other organisations and all
persons are invented; their SIREN and SIRET numbers have valid check digits.
"""

from __future__ import annotations

from typing import Any

from dsync.sandbox.content.rng import SeededRandom, load

Demandeur = dict[str, Any]
DATA = load("applicants")
OPERATEURS: list[list[str]] = DATA["operateurs"]
CATEGORIES: dict[str, str] = DATA["categories"]
_TEXTS = load("texts")
LONG_TEXT = "Étude de terrain – été 2024 : « constats », chiffres & témoignages.\n" * 1_500
"""About 100 kB: a report pasted into one champ."""
NASTY_TEXTS: list[str] = [*_TEXTS["nasty"], LONG_TEXT]
NASTY_LINES = [text for text in NASTY_TEXTS if "\n" not in text]
"""Those without a line break, for champs of one line."""


def place_address(place: list[str], number: int) -> dict[str, str]:
    """Return the value of an address champ in one of the places, at that house number."""
    address: dict[str, str] = dict(zip(DATA["place_columns"], place, strict=True))
    street = f"{number} rue de l’Exemple"
    label = f"{street} {address['postal_code']} {address['city_name']}"
    return address | {"label": label, "street_address": street}


def check_digit(digits: str) -> str:
    """Return the Luhn check digit to append to the first digits of a SIREN or SIRET."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if index % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def morale(rng: SeededRandom, code: str, siren: str = "", name: str = "") -> Demandeur:
    """Return an organisation as demandeur, with its legal category.

    `siren` and `name` are those of a real organisation; else it is invented.
    """
    if not siren:
        digits = f"99{rng.below(1_000_000):06d}"
        siren = digits + check_digit(digits)
        noun = DATA["nouns"].get(code[:2], "ORGANISME")
        name = f"{noun} {rng.pick(DATA['subjects']).upper()} {siren[3:6]}"
    is_seat = rng.chance(0.8)
    # Draws of facts that are not served. Without them, all that is drawn later would be other.
    for _ in range(3 if code.startswith("92") else 2):
        rng.below(1)
    digits = f"{siren}{1 if is_seat else rng.between(2, 40):04d}"
    for _ in range(3):
        rng.below(1)
    return {
        "kind": "morale",
        "siret": digits + check_digit(digits),
        "naf": "8411Z",
        # Of its number and not drawn: all that is drawn later would be other.
        "address": place_address(DATA["places"][int(siren) % len(DATA["places"])], 1),
        "entreprise": {
            "siren": siren,
            "raison_sociale": name,
            "forme_juridique": CATEGORIES[code],
            "forme_juridique_code": code,
            "etat_administratif": "Actif",
            "date_creation": f"{1950 + int(siren) % 70}-01-15",
            "code_effectif_entreprise": "32",
        },
    }


def applicant(rng: SeededRandom, kind: str) -> Demandeur:
    """Return an applicant of a kind that the rules distinguish.

    `operateur`: of the State. `eligible`: an opérateur, or an invented administration centrale.
    `ferme`: an eligible one that is closed in the registry. `sans_categorie`, `sans_entreprise`:
    the registry lacks the legal category, or the company. `incomplete`: the registry was down, only
    the SIRET is known. `physique`: a person.
    """
    match kind:
        case "operateur":
            siren, name, code = rng.pick(OPERATEURS)
            return morale(rng, code, siren, name)
        case "eligible" | "ferme":
            if rng.chance(0.4):
                found = applicant(rng, "operateur")
            else:
                found = morale(rng, rng.pick(DATA["centrales"]))
            found["entreprise"]["etat_administratif"] = "Ferme" if kind == "ferme" else "Actif"
            return found
        case "physique":
            prenom, nom = person(rng)
            named = {"nom": nom, "prenom": prenom, "civilite": rng.pick(("M", "Mme", None))}
            return {"kind": "physique", **named, "email": mail(prenom, nom)}
    found = morale(rng, "7120")
    match kind:
        case "sans_categorie":
            found["entreprise"] |= {"forme_juridique": None, "forme_juridique_code": None}
        case "sans_entreprise":
            found["entreprise"] = None
        case "incomplete":
            found = {"kind": "morale_incomplete", "siret": found["siret"]}
    return found


def person(rng: SeededRandom) -> tuple[str, str]:
    """Return an invented first and last name that no real person could be mistaken for."""
    return rng.pick(DATA["first_names"]), rng.pick(DATA["last_names"])


def mail(prenom: str, nom: str) -> str:
    """Return the person's e-mail address, in a domain reserved for examples."""
    plain = str.maketrans("éèëïÉ’ ", "eeeiE--")
    return f"{prenom}.{nom}@example.gouv.fr".translate(plain).lower()


def phone(rng: SeededRandom) -> str:
    """Return a telephone number from the ranges reserved for fiction."""
    return f"{rng.pick(('019900', '063998'))}{rng.below(10_000):04d}"


def paragraph(rng: SeededRandom, topic: str, name: str) -> str:
    """Return one to three sentences on a topic about the product of that name."""
    start = rng.below(12)
    sentences = _TEXTS["topics"][topic]
    chosen = [sentences[(start + i) % len(sentences)] for i in range(rng.between(1, 3))]
    separator = "\n\n" if rng.chance(0.1) else " "
    return separator.join(s.format(name=name, n=rng.between(2, 60)) for s in chosen)
