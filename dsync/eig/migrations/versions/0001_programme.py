"""Creates the programme's tables of dsync 0.1.0.

It is released and stays as it is, as every migration that tests/migrations/released.txt names: a
change of the schema is a new migration, which adds first; what it replaces is removed one release
later.
"""

# ruff: noqa: D103
from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

from dsync.store import columns

release = "0.1.0"
revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "candidature",
        sa.Column("numero", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("demarche_numero", sa.BigInteger(), nullable=False),
        sa.Column("depose_le", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("demandeur", sa.Text(), nullable=True),
        sa.Column("reponses", sa.Text(), nullable=True),
        sa.Column("voeux", sa.Text(), nullable=True),
        sa.Column("evaluations", sa.Text(), nullable=True),
        sa.Column("bilan", sa.Text(), nullable=True),
        sa.Column("etapes", sa.Text(), nullable=True),
        sa.Column("extra", sa.Text(), nullable=True),
        sa.Column("produit_id", sqltypes.AutoString(), nullable=True),
        sa.Column("par_sa_fiche", sa.Boolean(), nullable=True),
        sa.Column("etape", sqltypes.AutoString(), nullable=True),
        sa.Column("page_produit", sqltypes.AutoString(), nullable=True),
        sa.Column("phase_declaree", sqltypes.AutoString(), nullable=True),
        sa.Column("incubateur", sqltypes.AutoString(), nullable=True),
        sa.Column("probleme", sqltypes.AutoString(), nullable=True),
        sa.Column("politique_publique", sqltypes.AutoString(), nullable=True),
        sa.Column("entite", sqltypes.AutoString(), nullable=True),
        sa.Column("departement_code", sqltypes.AutoString(), nullable=True),
        sa.Column("departement_nom", sqltypes.AutoString(), nullable=True),
        sa.Column("lieu_travail", sqltypes.AutoString(), nullable=True),
        sa.Column("sponsor_nom", sqltypes.AutoString(), nullable=True),
        sa.Column("sponsor_fonction", sqltypes.AutoString(), nullable=True),
        sa.Column("sponsor_courriel", sqltypes.AutoString(), nullable=True),
        sa.Column("sponsor_telephone", sqltypes.AutoString(), nullable=True),
        sa.Column("contact_nom", sqltypes.AutoString(), nullable=True),
        sa.Column("contact_fonction", sqltypes.AutoString(), nullable=True),
        sa.Column("contact_courriel", sqltypes.AutoString(), nullable=True),
        sa.Column("contact_telephone", sqltypes.AutoString(), nullable=True),
        sa.Column("cas_demande", sqltypes.AutoString(), nullable=True),
        sa.Column("pilotage_actuel", sqltypes.AutoString(), nullable=True),
        sa.Column("pilotage_envisage", sqltypes.AutoString(), nullable=True),
        sa.Column("objectifs_12_mois", sqltypes.AutoString(), nullable=True),
        sa.Column("benefices", sqltypes.AutoString(), nullable=True),
        sa.Column("perspectives", sqltypes.AutoString(), nullable=True),
        sa.Column("valide_par_instructeur", sa.Boolean(), nullable=True),
        sa.Column("jury_le", sa.Date(), nullable=True),
        sa.Column("convention_le", sa.Date(), nullable=True),
        sa.Column("candidatures_le", sa.Date(), nullable=True),
        sa.Column("entretiens_le", sa.Date(), nullable=True),
        sa.Column("prise_de_poste_le", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("numero", name=op.f("pk_candidature")),
    )
    with op.batch_alter_table("candidature", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_candidature_produit_id"), ["produit_id", "par_sa_fiche"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_candidature_jury_le"), ["jury_le"], unique=False)

    op.create_table(
        "evidence",
        sa.Column("source", sqltypes.AutoString(), nullable=False),
        sa.Column("url", sqltypes.AutoString(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("redirects", sa.Text(), nullable=True),
        sa.Column("fetched_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("confirmed_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("checked_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("etag", sqltypes.AutoString(), nullable=True),
        sa.Column("last_modified", sqltypes.AutoString(), nullable=True),
        sa.Column("sha256", sqltypes.AutoString(), nullable=True),
        sa.Column("refused_sha256", sqltypes.AutoString(), nullable=True),
        sa.Column("refused_since", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("refused_times", sa.Integer(), nullable=True),
        sa.Column("refused_message", sa.Text(), nullable=True),
        sa.Column("erreur", sqltypes.AutoString(), nullable=True),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_evidence")),
    )
    op.create_table(
        "produit",
        sa.Column("id", sqltypes.AutoString(), nullable=False),
        sa.Column("nom", sqltypes.AutoString(), nullable=False),
        sa.Column("anciens_noms", sa.Text(), nullable=True),
        sa.Column("phases", sa.Text(), nullable=True),
        sa.Column("incubateur", sqltypes.AutoString(), nullable=False),
        sa.Column("recherche", sqltypes.AutoString(), nullable=False),
        sa.Column("vu_le", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_produit")),
    )
    op.create_table(
        "registre",
        sa.Column("siren", sqltypes.AutoString(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("fetched_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("expires_at", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("siren", name=op.f("pk_registre")),
    )
    op.create_table(
        "regle",
        sa.Column("version", sqltypes.AutoString(), nullable=False),
        sa.Column("depuis_le", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("regles", sa.Text(), nullable=True),
        sa.Column("derogations", sa.Text(), nullable=True),
        sa.Column("listes", sa.Text(), nullable=True),
        sa.Column("categories", sa.Text(), nullable=True),
        sa.Column("champs_attendus", sa.Text(), nullable=True),
        sa.Column("controles", sa.Text(), nullable=True),
        sa.Column("phrases", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_regle")),
    )
