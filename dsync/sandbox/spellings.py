"""The ways in which an applicant writes a product's address that all lead to its page."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from dsync.sandbox.betagouv import CHAINED_ALIAS
from dsync.sandbox.draft import Draft
from dsync.sandbox.products import Family, family, without_accents

_PAGE = "https://beta.gouv.fr/startups/{id}.html"


def _of_family(name: Family, step: int = 1, offset: int = 0) -> Callable[[Draft], None]:
    def apply(draft: Draft) -> None:
        pool = family(name)
        draft.take(pool[(draft.ordinal * step + offset) % len(pool)])

    return apply


def _written(template: str) -> Callable[[Draft], None]:
    def apply(draft: Draft) -> None:
        draft.address = template.format(id=draft.product.id, page=draft.address)

    return apply


def _upper_case(draft: Draft) -> None:
    draft.address = draft.address.upper()


def _percent_encoded(draft: Draft) -> None:
    _of_family("accents", 3)(draft)
    draft.address = _PAGE.format(id=quote(draft.product.id))


def _accents_dropped(draft: Draft) -> None:
    _of_family("accents", 3, 1)(draft)
    draft.address = _PAGE.format(id=without_accents(draft.product.id))


def _alias(draft: Draft) -> None:
    _of_family("alias")(draft)
    draft.address = _PAGE.format(id=draft.product.aliases[0])


def _chained_alias(draft: Draft) -> None:
    draft.take(family("alias")[-1])
    draft.address = _PAGE.format(id=CHAINED_ALIAS)


SPELLINGS: tuple[tuple[str, int, str, Callable[[Draft], None]], ...] = (
    ("http", 3, "adresse en http", _written("http://beta.gouv.fr/startups/{id}.html")),
    ("sans_protocole", 3, "adresse sans https", _written("beta.gouv.fr/startups/{id}.html")),
    ("www", 3, "adresse en www", _written("https://www.beta.gouv.fr/startups/{id}.html")),
    ("singulier", 3, "adresse en /startup/", _written("https://beta.gouv.fr/startup/{id}.html")),
    ("sans_html", 4, "adresse sans .html", _written("https://beta.gouv.fr/startups/{id}")),
    ("barre_finale", 3, "barre finale", _written("https://beta.gouv.fr/startups/{id}/")),
    ("requete", 3, "adresse avec requête", _written("{page}?utm_source=lettre&utm_medium=web")),
    ("ancre", 2, "adresse avec ancre", _written("{page}#equipe")),
    ("majuscules", 3, "adresse en majuscules", _upper_case),
    ("espaces", 3, "espaces et saut de ligne autour", _written("  {page} \t")),
    ("phrase", 4, "adresse dans une phrase", _written("Notre fiche est ici : {page}.")),
    ("deux_fois", 2, "même adresse écrite deux fois", _written("{page} ({page})")),
    ("chevrons", 2, "adresse entre chevrons", _written("<{page}>")),
    ("encodee", 3, "accents encodés en pourcents", _percent_encoded),
    ("sans_accents", 3, "accents oubliés", _accents_dropped),
    ("accents", 2, "identifiant accentué", _of_family("accents", 3, 2)),
    ("remarquable", 3, "identifiant inhabituel", _of_family("remarquable")),
    ("alias", 5, "ancienne adresse redirigée", _alias),
    ("alias_en_chaine", 1, "redirection en deux temps", _chained_alias),
)
"""Name, number of 300 dossiers, what it shows, how it is written."""
