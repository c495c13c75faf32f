"""Each address of the console, who may use it, and an example: the tests of pages go by this."""

from __future__ import annotations

import re

from tests.engine.rig import FIRST

PUBLIC, READ, READ_OPERATEUR, ACT, LEAVE = "public", "read", "read, operateur", "act", "leave"
FILE = "read, a file"
RULES = {
    ("GET", "/entrer"): PUBLIC,
    ("GET", "/entrer/retour"): PUBLIC,
    ("POST", "/sortir"): LEAVE,
    ("GET", "/"): READ,
    ("POST", "/resynchroniser"): ACT,
    ("GET", "/dossiers"): READ,
    ("GET", "/dossiers.{ending}"): FILE,
    ("GET", "/dossiers/{numero}"): READ,
    ("GET", "/dossiers/{numero}/explication"): READ,
    ("POST", "/dossiers/{numero}/relire"): ACT,
    ("POST", "/dossiers/{numero}/renvoyer"): ACT,
    ("POST", "/dossiers/{numero}/rejuger"): ACT,
    ("POST", "/dossiers/{numero}/repondre"): ACT,
    ("POST", "/dossiers/{numero}/effacer"): ACT,
    ("GET", "/conflits"): READ,
    ("POST", "/conflits"): ACT,
    ("GET", "/anomalies"): READ,
    ("POST", "/anomalies"): ACT,
    ("GET", "/jury"): READ,
    ("GET", "/jury.xlsx"): FILE,
    ("GET", "/preuves"): READ,
    ("POST", "/preuves"): ACT,
    ("GET", "/executions"): READ,
    ("GET", "/executions/{run}"): READ,
    ("GET", "/demandes/{id}"): READ,
    ("POST", "/demandes/{id}/retirer"): ACT,
    ("GET", "/essais/{id}"): READ_OPERATEUR,
    ("GET", "/journal"): READ,
    ("GET", "/personne"): READ_OPERATEUR,
    ("POST", "/personne"): ACT,
    ("GET", "/static/{path:path}"): FILE,
}
"""Who may do what; `test_each_address_has_a_rule` compares it with what the console serves."""


def example(path: str, dossier: int = FIRST) -> str:
    """Return an address of that form, with what every synced engine has.

    Args:
        path: a key of `RULES`.
        dossier: the number of one.
    """
    values = {"numero": dossier, "run": 1, "id": 1, "ending": "csv", "path": "console.css"}
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda name: str(values[name[1]]), path)


EXAMPLES = [
    (method, example(path)) for (method, path), rule in RULES.items() if rule not in (PUBLIC, LEAVE)
]
"""What needs a session."""


def pages(dossier: int = FIRST) -> list[str]:
    """Return an example of each page that everybody with a session may read."""
    return [example(path, dossier) for (_, path), rule in RULES.items() if rule == READ]


ADDRESSES = pages()
