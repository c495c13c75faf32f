"""The programme's tables beside `candidature`: evidence, products, registry answers."""

from __future__ import annotations

from sqlalchemy import Integer, String, Table, Text

from dsync.eig.candidature import metadata
from dsync.eig.precheck.catalogue import Phase
from dsync.eig.precheck.evidence import RegistryAnswer
from dsync.store.columns import Instant, JsonText, free, kept, of_person, open_

# One line a column, however long its sentence.
# fmt: off


# The last good copy of a source of evidence.
evidence = Table(
    "evidence", metadata,
    open_("source", String, primary_key=True),
    open_("url", String, nullable=True),
    free("body", Text, "Catalogue tel que publié ; il peut nommer des personnes.", nullable=True),
    open_("redirects", Text, nullable=True),
    open_("fetched_at", Instant, nullable=True),
    open_("confirmed_at", Instant, nullable=True),
    open_("checked_at", Instant),
    open_("etag", String, nullable=True),
    open_("last_modified", String, nullable=True),
    open_("sha256", String, nullable=True),
    # A newer copy that the safety brake refused.
    open_("refused_sha256", String, nullable=True),
    open_("refused_since", Instant, nullable=True),
    open_("refused_times", Integer, nullable=True),
    open_("refused_message", Text, nullable=True),
    open_("erreur", String, nullable=True),
    info=kept("Copie du catalogue public de beta.gouv.fr.", "La copie suivante."),
)


# A product as last published; rows are never deleted.
produit = Table(
    "produit", metadata,
    open_("id", String, "Identifiant du produit sur beta.gouv.fr.", primary_key=True),
    open_("nom", String, "Nom du produit."),
    open_("anciens_noms", JsonText(tuple[str, ...])),
    open_("phases", JsonText(tuple[Phase, ...])),
    open_("incubateur", String, "Incubateur du produit."),
    # By what lists find its dossiers: `searchable` of its id and names.
    open_("recherche", String),
    open_("vu_le", Instant, "Date de la dernière lecture du catalogue où le produit figurait, en UTC."),
    info=kept("Produits publiés, sans personne.", "La suppression de la base."),
)


# An answer of the registry of enterprises, used until `expires_at`.
registre = Table(
    "registre", metadata,
    of_person("siren", String, "SIREN du demandeur.", primary_key=True),
    of_person("answer", JsonText(RegistryAnswer), "Catégorie juridique, état."),
    open_("fetched_at", Instant),
    open_("expires_at", Instant),
    info=kept("Réponses de l'API Recherche d'entreprises.", "L'effacement du dernier dossier de ce demandeur."),
)


candidature = metadata.tables["candidature"]
