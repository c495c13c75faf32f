"""The programme's views: their documentation, the columns of the main one, their SQL completed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from dsync.domain.verdict import MOST_CHECKS
from dsync.domain.wording import listed
from dsync.eig import candidature
from dsync.eig.precheck.check import Check
from dsync.eig.stages import SUITES, Suite
from dsync.programme import Dictionary
from dsync.store.dictionary import (
    DOSSIER_COLUMNS,
    ViewColumn,
    dossier_dictionary,
    read_dictionary,
)

MAIN_VIEW = "lecture_candidature"
CHECKS_VIEW = "lecture_precontrole_controle"
EXTRA = "extra"
SECTIONS = (
    "Dossier",
    "Project",
    "Administration",
    "Contacts",
    "Scheme",
    "Motivations",
    "Selection and recruitment",
)
"""The sections of `dsync dossier show`, in the order of the form."""


_BEFORE_ETAPE = 4
"""How many of the engine's columns come before the stage: up to the state."""

_OTHER_COLUMNS: Mapping[str | None, tuple[ViewColumn, ...]] = {
    None: DOSSIER_COLUMNS[:_BEFORE_ETAPE],
    "etape": (
        *DOSSIER_COLUMNS[_BEFORE_ETAPE:],
        ViewColumn(
            "type_administration",
            "json(v.constats) ->> 'type_administration'",
            "Administration",
            "kind",
        ),
    ),
    "page_produit": (
        ViewColumn("produit_id", "c.produit_id", "Project", "product"),
        ViewColumn("produit_nom", "p.nom"),
    ),
    "phase_declaree": (
        ViewColumn(
            "phase_constatee", "json(v.constats) ->> 'phase_constatee'", "Project", "phase observed"
        ),
    ),
    "incubateur": (
        ViewColumn(
            "incubateur_constate",
            "json(v.constats) ->> 'incubateur_constate'",
            "Project",
            "incubator observed",
        ),
    ),
    "cas_demande": (ViewColumn("nb_voeux", "length(c.voeux)"),),
    "perspectives": (
        ViewColumn("verdict", "v.verdict"),
        ViewColumn("verdict_etabli_le", "utc(v.depuis_le)"),
    ),
    # An empty object is shown as NULL, as other columns without a value are.
    "prise_de_poste_le": (ViewColumn(EXTRA, f"nullif(c.{EXTRA}, '{{}}')"),),
}
"""The other columns of the main view, by the field that they follow; None: the first ones."""


_TYPES: Mapping[Any, str] = {
    str | None: "text",
    int | None: "integer",
    float | None: "number",
    bool | None: "boolean",
    dt.date | None: "date",
}
"""The types of the dictionary, by the types of declared fields."""


def main_view_columns() -> Iterator[ViewColumn]:
    """Yield the columns of the main view, in order."""
    yield from _OTHER_COLUMNS[None]
    for name, declared in candidature.declared_fields():
        yield ViewColumn(
            name,
            f"c.{name}",
            declared.section,
            declared.label,
            declared.declared.said,
            _TYPES[candidature.Candidature.model_fields[name].annotation],
        )
        yield from _OTHER_COLUMNS.get(name, ())


def documented() -> Dictionary:
    """Return the descriptions of the views and their columns."""
    views = read_dictionary(files("dsync.eig"))
    checks = views[CHECKS_VIEW]["columns"]
    # dictionary.toml has the placeholder, so that a new check is in the text.
    checks["controle"] = checks["controle"].format(checks=listed(Check, last="ou"))
    main, engine = views[MAIN_VIEW], dossier_dictionary()
    described, typed = engine["columns"] | main["columns"], engine["types"] | main["types"]
    columns = list(main_view_columns())
    main["columns"] = {one.name: one.description or described[one.name] for one in columns}
    main["types"] = {one.name: one.type or typed[one.name] for one in columns}
    return views


def completed(query: str) -> str:
    """Insert the main view's columns, the checks and what follows each stage into a query.

    `{results}`: the paths of the checks and their results in a verdict, which has each check once
    at most; one of another démarche of the database can have more of them than the programme.
    """
    columns = ",\n    ".join(f"{column.sql} AS {column.name}" for column in main_view_columns())
    checks = ",\n        ".join(
        f"('{CHECKS_VIEW}', 'controle', '{check}', '{check.meaning}')" for check in Check
    )
    # Not `format`: SQL has braces of its own, such as '{}'.
    query = query.replace("{columns}", columns).replace("{checks}", checks)
    results = (f"'$[{rank}].controle', '$[{rank}].resultat'" for rank in range(MOST_CHECKS))
    query = query.replace("{results}", ", ".join(results))
    for name in Suite._fields:
        whens = (f"WHEN '{e}' THEN '{v}'" for e, s in SUITES.items() if (v := getattr(s, name)))
        query = query.replace(f"{{{name}}}", f"CASE e.etape {' '.join(whens)} END")
    return query
