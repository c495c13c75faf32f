"""The programme's tables beside `candidature`: evidence, products, registry answers, rules."""

# No `from __future__ import annotations`: SQLModel evaluates annotations at class creation.
import datetime as dt
from typing import Any

from sqlalchemy import Text
from sqlmodel import Field

from dsync.eig.candidature import Table, metadata
from dsync.eig.precheck.catalogue import Phase
from dsync.eig.precheck.evidence import RegistryAnswer
from dsync.store.columns import json_text


class EvidenceRow(Table, table=True):
    """The last good copy of a source of evidence."""

    __tablename__ = "evidence"

    source: str = Field(primary_key=True)
    url: str | None
    body: str | None = Field(default=None, sa_type=Text)
    redirects: str | None = Field(default=None, sa_type=Text)
    fetched_at: dt.datetime | None
    confirmed_at: dt.datetime | None
    checked_at: dt.datetime
    etag: str | None
    last_modified: str | None
    sha256: str | None
    # A newer copy that the safety brake refused.
    refused_sha256: str | None
    refused_since: dt.datetime | None
    refused_times: int | None
    refused_message: str | None = Field(default=None, sa_type=Text)
    erreur: str | None


class ProduitRow(Table, table=True):
    """A product as last published; rows are never deleted."""

    __tablename__ = "produit"

    id: str = Field(primary_key=True)
    nom: str
    anciens_noms: Any = json_text(tuple[str, ...])
    phases: Any = json_text(tuple[Phase, ...])
    incubateur: str
    # By what lists find its dossiers: `searchable` of its id and names.
    recherche: str
    vu_le: dt.datetime


class RegistreRow(Table, table=True):
    """An answer of the registry of enterprises, used until `expires_at`."""

    __tablename__ = "registre"

    siren: str = Field(primary_key=True)
    answer: Any = json_text(RegistryAnswer)
    fetched_at: dt.datetime
    expires_at: dt.datetime


class RegleRow(Table, table=True):
    """A version of the rules, whole; rows are never changed nor deleted."""

    __tablename__ = "regle"

    version: str = Field(primary_key=True)
    depuis_le: dt.datetime
    revision: int
    regles: Any = json_text()
    derogations: Any = json_text()
    listes: Any = json_text()
    categories: Any = json_text()
    champs_attendus: Any = json_text()
    controles: Any = json_text()
    phrases: Any = json_text()


candidature = metadata.tables["candidature"]
evidence = metadata.tables["evidence"]
produit = metadata.tables["produit"]
registre = metadata.tables["registre"]
regle = metadata.tables["regle"]
