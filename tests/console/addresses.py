"""Each address of the console, who may use it, and an example: the tests of pages go by this."""

from __future__ import annotations

import re

from dsync.console.access import RIGHTS, Right, Role
from tests.engine.rig import FIRST

PUBLIC, LEAVE = "public", "leave"
RULES = {
    ("GET", "/entrer"): PUBLIC,
    ("GET", "/entrer/retour"): PUBLIC,
    ("POST", "/sortir"): LEAVE,
    ("GET", "/"): Right.LIRE,
    ("GET", "/mes-dossiers"): Right.AGIR,
    ("GET", "/depuis"): Right.LIRE,
    ("GET", "/suivi"): Right.LIRE,
    ("POST", "/resynchroniser"): Right.AGIR,
    ("GET", "/dossiers"): Right.LIRE,
    ("POST", "/dossiers"): Right.AGIR,
    ("GET", "/dossiers.{ending}"): Right.LIRE,
    ("POST", "/dossiers/listes"): Right.LIRE,
    ("GET", "/dossiers/{numero}"): Right.LIRE,
    ("GET", "/dossiers/{numero}/explication"): Right.LIRE,
    ("GET", "/dossiers/{numero}/{onglet}"): Right.LIRE,
    ("POST", "/dossiers/{numero}/relire"): Right.AGIR,
    ("POST", "/dossiers/{numero}/renvoyer"): Right.AGIR,
    ("POST", "/dossiers/{numero}/envoye"): Right.AGIR,
    ("POST", "/dossiers/{numero}/rejuger"): Right.AGIR,
    ("POST", "/dossiers/{numero}/repondre"): Right.AGIR,
    ("GET", "/dossiers/{numero}/effacer"): Right.ADMINISTRER,
    ("POST", "/dossiers/{numero}/effacer"): Right.ADMINISTRER,
    ("GET", "/dossiers/{numero}/pieces/{empreinte}"): Right.PERSONNES,
    ("GET", "/dossiers/{numero}/comparer/{autre}"): Right.LIRE,
    ("GET", "/changements.{ending}"): Right.LIRE,
    ("GET", "/conflits"): Right.AGIR,
    ("POST", "/conflits"): Right.AGIR,
    ("GET", "/anomalies"): Right.AGIR,
    ("POST", "/anomalies"): Right.AGIR,
    ("GET", "/jury"): Right.NOTES,
    ("GET", "/jury.xlsx"): Right.NOTES,
    ("GET", "/jury/proces-verbal"): Right.AGIR,
    ("POST", "/jury/proces-verbal"): Right.AGIR,
    ("GET", "/jury/composer"): Right.ADMINISTRER,
    ("POST", "/jury/composer"): Right.ADMINISTRER,
    ("GET", "/jury/comparer"): Right.NOTES,
    ("GET", "/jury/fiches"): Right.NOTES,
    ("GET", "/jury/fiches/{numero}"): Right.NOTES,
    ("GET", "/a-reporter"): Right.NOTES,
    ("GET", "/accords"): Right.AGIR,
    ("POST", "/accords"): Right.ADMINISTRER,
    ("GET", "/preuves"): Right.LIRE,
    ("POST", "/preuves"): Right.AGIR,
    ("GET", "/synchronisations"): Right.AGIR,
    ("GET", "/synchronisations/{run}"): Right.AGIR,
    ("GET", "/demandes/{id}"): Right.AGIR,
    ("POST", "/demandes/{id}/retirer"): Right.AGIR,
    ("GET", "/journal"): Right.AGIR,
    ("GET", "/consultations"): Right.ADMINISTRER,
    ("GET", "/acces"): Right.ADMINISTRER,
    ("POST", "/acces"): Right.ADMINISTRER,
    ("POST", "/acces/deport"): Right.ADMINISTRER,
    ("GET", "/dossiers/{numero}/deport"): Right.NOTES,
    ("POST", "/dossiers/{numero}/deport"): Right.NOTES,
    ("GET", "/personne"): Right.PERSONNES,
    ("POST", "/personne"): Right.PERSONNES,
    ("POST", "/personne/effacer"): Right.ADMINISTRER,
    ("GET", "/personne/{id}"): Right.PERSONNES,
    ("GET", "/personne/{id}/reponse"): Right.PERSONNES,
    ("GET", "/fichiers/{id}"): Right.LIRE,
    ("GET", "/fichiers/{id}/fichier"): Right.LIRE,
    ("GET", "/plus"): Right.LIRE,
    ("GET", "/regles"): Right.LIRE,
    ("GET", "/formulaire"): Right.AGIR,
    ("GET", "/accessibilite"): PUBLIC,
    ("GET", "/mentions-legales"): PUBLIC,
    ("GET", "/donnees-personnelles"): PUBLIC,
    ("GET", "/static/{path:path}"): PUBLIC,
}
"""The right that each needs; `test_each_address_has_a_rule` compares it with what is served."""
FILES = {"/dossiers.{ending}", "/changements.{ending}", "/jury.xlsx"}
"""Those that are no pages."""
PARTS = {"/depuis"}
"""What a page loads into itself."""
TRANSIENT = {
    "/dossiers/{numero}/pieces/{empreinte}",
    "/personne/{id}",
    "/personne/{id}/reponse",
    "/fichiers/{id}",
    "/fichiers/{id}/fichier",
}
"""Pages that not every console has."""


def example(path: str, dossier: int = FIRST) -> str:
    """Return an address of that form, with what every synced engine has.

    Args:
        path: a key of `RULES`.
        dossier: the number of one.
    """
    values = {"numero": dossier, "run": 1, "id": 1, "ending": "csv", "path": "console.css"}
    values |= {"autre": dossier + 1, "empreinte": "0" * 32, "onglet": "tout"}
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda name: str(values[name[1]]), path)


EXAMPLES = [
    (method, example(path)) for (method, path), rule in RULES.items() if rule not in (PUBLIC, LEAVE)
]
"""What needs a session."""


def pages(dossier: int = FIRST, role: Role = Role.ADMINISTRATEUR) -> list[str]:
    """Return an example of each page that somebody with a role may read."""
    return [
        example(path, dossier)
        for (method, path), rule in RULES.items()
        if method == "GET" and rule in RIGHTS[role] and path not in FILES | TRANSIENT | PARTS
    ]


ADDRESSES = pages()
