"""The programme's tables beside `candidature`: evidence, products, registry answers."""

# No `from __future__ import annotations`: SQLModel evaluates annotations at class creation.
import datetime as dt
from typing import Any

from sqlalchemy import Text

from dsync.eig.candidature import EigTable, metadata
from dsync.eig.precheck.catalogue import Phase
from dsync.eig.precheck.evidence import RegistryAnswer
from dsync.store.columns import JsonText, free, kept, of_person, open_

# One line a column, however long its sentence.
# fmt: off


class EvidenceRow(EigTable, table=True):
    """The last good copy of a source of evidence."""

    __tablename__ = "evidence"
    __table_args__ = kept("Copie du catalogue public de beta.gouv.fr.", "La copie suivante.")

    source: str = open_(primary_key=True)
    url: str | None = open_()
    body: str | None = free("Catalogue tel que publié ; il peut nommer des personnes.", Text)
    redirects: str | None = open_(type_=Text)
    fetched_at: dt.datetime | None
    confirmed_at: dt.datetime | None
    checked_at: dt.datetime
    etag: str | None = open_()
    last_modified: str | None = open_()
    sha256: str | None = open_()
    # A newer copy that the safety brake refused.
    refused_sha256: str | None = open_()
    refused_since: dt.datetime | None
    refused_times: int | None
    refused_message: str | None = open_(type_=Text)
    erreur: str | None = open_()


class ProduitRow(EigTable, table=True):
    """A product as last published; rows are never deleted."""

    __tablename__ = "produit"
    __table_args__ = kept("Produits publiés, sans personne.", "La suppression de la base.")

    id: str = open_("Identifiant du produit sur beta.gouv.fr.", primary_key=True)
    nom: str = open_("Nom du produit.")
    anciens_noms: Any = open_(type_=JsonText(tuple[str, ...]))
    phases: Any = open_(type_=JsonText(tuple[Phase, ...]))
    incubateur: str = open_("Incubateur du produit.")
    # By what lists find its dossiers: `searchable` of its id and names.
    recherche: str = open_()
    vu_le: dt.datetime = open_("Date de la dernière lecture du catalogue où le produit figurait, en UTC.")


class RegistreRow(EigTable, table=True):
    """An answer of the registry of enterprises, used until `expires_at`."""

    __tablename__ = "registre"
    __table_args__ = kept("Réponses de l'API Recherche d'entreprises.", "L'effacement du dernier dossier de ce demandeur.")

    siren: str = of_person("SIREN du demandeur.", primary_key=True)
    answer: Any = of_person("Catégorie juridique, état.", JsonText(RegistryAnswer))
    fetched_at: dt.datetime
    expires_at: dt.datetime


candidature = metadata.tables["candidature"]
evidence = metadata.tables["evidence"]
produit = metadata.tables["produit"]
registre = metadata.tables["registre"]
