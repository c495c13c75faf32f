"""What the marks of columns do to readers, and the parts of a database with their views."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from importlib import resources
from importlib.resources.abc import Traversable

from sqlalchemy import Table

from dsync.domain.documented import MASKED, Declared, Mark
from dsync.programme import Programme, Storage
from dsync.store import tables
from dsync.store.view_columns import VIEWS

PSEUDONYMISED = (
    "Données pseudonymisées : le numéro d'un dossier mène encore à une personne, par Démarches "
    "Simplifiées."
)
# The legal category of an entrepreneur individuel begins with 1. A natural person has none, nor has
# an enterprise of which DS does not know it: it can be one, and is taken for one. So are those who
# are together in indivision (21), en société créée de fait (22) or en participation (23), also with
# an organisation: their names are the name.
_IS_PERSON = (
    "(substr(coalesce({0}.forme_juridique_code, '1'), 1, 1) = '1' "
    "OR substr({0}.forme_juridique_code, 1, 2) IN ('21', '22', '23'))"
)
_PLACES = frozenset({"numero", "ligne", "rang", "modifie_ici_le"})
NO_ROWS = "Aucune ligne ici : la configuration n'ouvre aucune de ces réponses."
# A label ends where an explanation begins: at a bracket, a colon, a comma or a full stop.
_CUT = re.compile(r"\s*(?:[;:,(]|\.(?:\s|$)).*", re.DOTALL)


WITHHELD = frozenset({"lecture_consultation"})
"""Views that neither go with the others to a reader nor into an export unless it is named."""


def is_closed(columns: Mapping[str, Declared]) -> bool:
    """Return whether readers without personal data see nothing in a view but which rows there are.

    The rows alone would tell who has answered a question, and how often.
    """
    return all(name in _PLACES or one.mark in MASKED for name, one in columns.items())


def is_person(dossier: str) -> str:
    """Return the SQL condition that a dossier's applicant is, or may be, a single person."""
    return _IS_PERSON.format(dossier)


def of_person(view: str, columns: Collection[str], dossier: str = "dossier") -> str:
    """Return the SQL condition that a row of a view is, or may be, of a single person.

    `dossier` is the name of the table.
    """
    if "forme_juridique_code" in columns:
        return is_person(view)
    if "numero" not in columns:
        return "true"
    of_dossier = f"SELECT 1 FROM {dossier} AS p WHERE p.numero = {view}.numero"  # noqa: S608 - ours
    return f"EXISTS ({of_dossier} AND {is_person('p')})"


def pseudonymised(column: str, mark: Mark, deliberated: str, person: str) -> str:
    """Return the SQL by which readers without personal data see a column of a view.

    The column is in quotes; `deliberated` is the condition on a row that its démarche's marks are
    shown, `person` that it is of a single person.
    """
    if mark in MASKED:
        # A null of the column's own type: PostgreSQL's REPLACE refuses to change a type.
        return f"CASE WHEN false THEN {column} END AS {column}"
    if mark is Mark.OF_JURY:
        return f"CASE WHEN {deliberated} THEN {column} END AS {column}"
    if mark is Mark.OF_PERSON:
        return f"CASE WHEN NOT {person} THEN {column} END AS {column}"
    return column


def label_of(sentence: str) -> str:
    """Return a short label of a column, from the sentence that documents it."""
    label = _CUT.sub("", sentence.removeprefix("Vrai si ")).replace("'", "’")
    return label[:1].upper() + label[1:]


DOSSIER_VIEW = "lecture_dossier"
"""The view with one row per dossier of any démarche."""
DOSSIER_COLUMNS = VIEWS[DOSSIER_VIEW].columns
DOSSIER_SECTION: Mapping[str, str] = {
    "appel": "call",
    "etat": "state",
    "presence": "presence",
    "archive": "archived",
    "depose_le": "deposited",
    "en_instruction_le": "under instruction since",
    "traite_le": "decided",
    "champs_modifie_le": "changed by the applicant",
    "synchronise_le": "changed here",
}
"""What `dsync dossier show` prints of any dossier: labels by column."""
APPLICANT: Mapping[str, str] = {
    "demandeur_type": "kind",
    "demandeur_civilite": "civility",
    "demandeur_prenom": "first name",
    "demandeur_nom": "name",
    "usager_courriel": "e-mail of the account",
    "mandataire_nom": "acting for them",
    "siret": "SIRET",
    "raison_sociale": "organisation",
    "forme_juridique_code": "legal category",
    "commune": "commune",
    "region_nom": "région",
}
"""Who applies, as `dsync dossier show` prints it for any démarche: labels by column."""


# It is never instantiated: nothing of a configuration is asked of it.
class _NoProgramme(Programme):
    storage = Storage(sections={"Dossier": DOSSIER_SECTION})


ENGINE = Storage(package="dsync.store", metadata=tables.metadata, views=VIEWS)
"""The engine's own part of the database, described as a programme's is."""
NO_PROGRAMME: type[Programme] = _NoProgramme  # type: ignore[type-abstract]
"""What is beside the engine's part in a database without a programme."""


def folder_of(part: Storage) -> Traversable:
    """Return the folder with the migrations and views of a part of the database."""
    return resources.files(part.package)


def all_tables(programme: type[Programme]) -> list[Table]:
    """Return the engine's tables and the programme's."""
    return [table for part in parts(programme) for table in part.metadata.sorted_tables]


def parts(programme: type[Programme]) -> list[Storage]:
    """Return the engine's part of the database and the programme's."""
    return [ENGINE, programme.storage] if programme.storage.package else [ENGINE]
