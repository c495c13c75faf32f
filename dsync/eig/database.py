"""The programme's part of the database: its tables, its views and the meaning of their columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.eig import candidature, store, tables
from dsync.eig.precheck.rules import CHECK_NAMES
from dsync.eig.precheck.sentences import TITLES
from dsync.store import DossierView
from dsync.store.extension import Dictionary, folder_of
from dsync.store.reading_views import read_dictionary

MAIN_VIEW = "lecture_candidature"
SECTIONS = (
    "Dossier",
    "Project",
    "Administration",
    "Contacts",
    "Scheme",
    "Motivations",
    "Selection and recruitment",
)
"""Of `dsync dossier show`, in the form's order."""


class Shown(NamedTuple):
    """A column of the main view."""

    name: str
    sql: str
    section: str | None = None
    """Of `dsync dossier show`; None: not shown there."""
    label: str = ""
    description: str = ""
    """Of a declared field; the others' are in `dictionary.toml`."""


_AFTER: Mapping[str | None, tuple[Shown, ...]] = {
    None: (
        Shown("numero", "d.numero"),
        Shown("demarche_numero", "d.demarche_numero"),
        Shown("etat", "d.etat", "Dossier", "state"),
    ),
    "etape": (
        Shown("presence", "d.presence", "Dossier", "presence"),
        Shown("archive", "d.archive", "Dossier", "archived"),
        Shown("depose_le", "utc(d.depose_le)", "Dossier", "deposited"),
        Shown(
            "en_instruction_le", "utc(d.en_instruction_le)", "Dossier", "under instruction since"
        ),
        Shown("traite_le", "utc(d.traite_le)", "Dossier", "decided"),
        Shown("correction_attendue_depuis", "utc(d.correction_attendue_depuis)"),
        Shown("modifie_le", "utc(d.modifie_le)", "Dossier", "changed in DS"),
        Shown("synchronise_le", "utc(d.synchronise_le)", "Dossier", "changed here"),
        Shown("siret", "d.siret", "Administration", "SIRET"),
        Shown("siren", "d.siren"),
        Shown("raison_sociale", "d.raison_sociale", "Administration", "name"),
        Shown("forme_juridique_code", "d.forme_juridique_code", "Administration", "legal category"),
        Shown(
            "type_administration",
            "json(v.constats) ->> 'type_administration'",
            "Administration",
            "kind",
        ),
    ),
    "page_produit": (Shown("produit_id", "c.produit_id", "Project", "product"),),
    "phase_declaree": (
        Shown(
            "phase_constatee", "json(v.constats) ->> 'phase_constatee'", "Project", "phase observed"
        ),
    ),
    "incubateur": (
        Shown(
            "incubateur_constate",
            "json(v.constats) ->> 'incubateur_constate'",
            "Project",
            "incubator observed",
        ),
    ),
    "cas_demande": (Shown("nb_voeux", "length(c.voeux)"),),
    "perspectives": (
        Shown("verdict", "v.verdict"),
        Shown("verdict_etabli_le", "utc(v.depuis_le)"),
    ),
}
"""Columns of the main view that are no field of the candidature, by the field that they follow."""


def shown() -> Iterator[Shown]:
    """Yield the columns of the main view, in its order."""
    yield from _AFTER[None]
    for name, declared in candidature.declared_fields():
        yield Shown(name, f"c.{name}", declared.section, declared.label, declared.sentence)
        yield from _AFTER.get(name, ())


class EigTables:
    """What the store asks of the programme (`dsync.store.extension.Extension`)."""

    name = "eig"
    package = "dsync.eig"
    metadata = candidature.metadata
    main_view = MAIN_VIEW
    dossier_views: Mapping[str, DossierView] = {
        "voeux": DossierView("lecture_voeu", "rang"),
        "evaluations": DossierView("lecture_evaluation", "ligne"),
        "notes": DossierView("lecture_evaluation_note", "ligne"),
        "precontroles": DossierView("lecture_precontrole", "etabli_le"),
        "controles": DossierView("lecture_precontrole_controle", "etabli_le", json="preuve"),
    }
    checks: Mapping[str, str] = {str(name): TITLES[name] for name in CHECK_NAMES}
    listed = tables.candidature.c.produit_id

    @property
    def sections(self) -> Mapping[str, Mapping[str, str]]:
        """The columns of the main view that people see, with their labels, by section."""
        sections: dict[str, dict[str, str]] = {title: {} for title in SECTIONS}
        for column in shown():
            if column.section is not None:
                sections[column.section][column.name] = column.label
        return sections

    def views(self) -> Dictionary:
        """Return the documentation of its views."""
        views = read_dictionary(folder_of(self))
        said = views[MAIN_VIEW]["columns"]
        views[MAIN_VIEW]["columns"] = {
            column.name: column.description or said[column.name] for column in shown()
        }
        return views

    def complete(self, query: str) -> str:
        """Put the columns into the main view."""
        columns = ",\n    ".join(f"{column.sql} AS {column.name}" for column in shown())
        return query.replace("{columns}", columns)

    def related(
        self, connection: Connection, demarche: DemarcheNumber, numbers: Sequence[DossierNumber]
    ) -> Sequence[DossierNumber]:
        """Return the open dossiers for the same products: each may be another's doublon."""
        return store.related(connection, demarche, numbers)

    def forget(self, connection: Connection, numbers: Sequence[DossierNumber]) -> None:
        """Delete the registry's answers on applicants that no other dossier has."""
        store.forget_enterprises(connection, numbers)


EIG = EigTables()
