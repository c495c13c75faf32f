"""Creates the engine's tables of dsync 0.1.0.

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
        "alerte",
        sa.Column("demarche_numero", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("nom", sqltypes.AutoString(), nullable=False),
        sa.Column("cause", sqltypes.AutoString(), nullable=False),
        sa.Column("nombre", sa.Integer(), nullable=False),
        sa.Column("depuis", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("essai_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("dite_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("finie_le", sqltypes.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("demarche_numero", "nom", name=op.f("pk_alerte")),
    )
    op.create_table(
        "abonnement",
        sa.Column("id", columns.BigKey(), nullable=False),
        sa.Column("demarche_numero", sa.BigInteger(), nullable=False),
        sa.Column("courriel", sqltypes.AutoString(), nullable=False),
        sa.Column("frequence", sqltypes.AutoString(), nullable=False),
        sa.Column("abonne_le", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("cle", sqltypes.AutoString(), nullable=False),
        sa.Column("periode", sa.Date(), nullable=True),
        sa.Column("essai_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("envoye_le", sqltypes.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abonnement")),
    )
    with op.batch_alter_table("abonnement", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_abonnement_demarche_numero"), ["demarche_numero"], unique=False
        )
        batch_op.create_index(
            "uq_abonnement_courriel", ["courriel", "demarche_numero"], unique=True
        )

    op.create_table(
        "budget",
        sa.Column("cle", sqltypes.AutoString(), nullable=False),
        sa.Column("grants", sa.Text(), nullable=True),
        sa.Column("paused_until", sqltypes.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("cle", name=op.f("pk_budget")),
    )
    op.create_table(
        "turn",
        sa.Column("demarche_numero", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("due_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("claimed_until", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sqltypes.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("demarche_numero", name=op.f("pk_turn")),
    )
    op.create_table(
        "session_fermee",
        sa.Column("empreinte", sqltypes.AutoString(), nullable=False),
        sa.Column("fin", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("empreinte", name=op.f("pk_session_fermee")),
    )
    op.create_table(
        "changement",
        sa.Column("id", columns.BigKey(), nullable=False),
        sa.Column("numero", sa.BigInteger(), nullable=False),
        sa.Column("demarche_numero", sa.BigInteger(), nullable=False),
        sa.Column("origine", sqltypes.AutoString(), nullable=False),
        sa.Column("champ_id", sqltypes.AutoString(), nullable=False),
        sa.Column("libelle", sa.Text(), nullable=True),
        sa.Column("ligne", sa.Integer(), nullable=True),
        sa.Column("ancienne_valeur", sa.Text(), nullable=True),
        sa.Column("nouvelle_valeur", sa.Text(), nullable=True),
        sa.Column("constate_le", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("modifie_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("apres_depot", sa.Boolean(), nullable=False),
        sa.Column("par", sqltypes.AutoString(), nullable=False),
        sa.Column("sceau", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changement")),
    )
    with op.batch_alter_table("changement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_changement_champ_id"), ["champ_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_changement_numero"), ["numero"], unique=False)
        batch_op.create_index(
            "ix_changement_par",
            [
                "demarche_numero",
                "par",
                "constate_le",
                "modifie_le",
                "id",
                "numero",
                "champ_id",
            ],
            unique=False,
        )

    op.create_table(
        "contenu",
        sa.Column("numero", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("demarche_numero", sa.BigInteger(), nullable=False),
        sa.Column("demandeur", sa.Text(), nullable=True),
        sa.Column("divers", sa.Text(), nullable=True),
        sa.Column("traitements", sa.Text(), nullable=True),
        sa.Column("champs", columns.RawJson(), nullable=True),
        sa.Column("annotations", columns.RawJson(), nullable=True),
        sa.Column("lacunes", sa.Text(), nullable=True),
        sa.Column("cellules", columns.RawJson(), nullable=True),
        sa.PrimaryKeyConstraint("numero", name=op.f("pk_contenu")),
    )
    op.create_table(
        "cle",
        sa.Column("numero", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("controle", sqltypes.AutoString(), nullable=False),
        sa.Column("cle", sqltypes.AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("numero", "controle", name=op.f("pk_cle")),
    )
    with op.batch_alter_table("cle", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cle_cle"), ["cle"], unique=False)

    op.create_table(
        "declaration",
        sa.Column("version", sqltypes.AutoString(), nullable=False),
        sa.Column("depuis_le", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_declaration")),
    )
    op.create_table(
        "correction",
        sa.Column("numero", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("demandee_le", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("finie_le", sqltypes.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("numero", "demandee_le", name=op.f("pk_correction")),
    )
    op.create_table(
        "demande",
        sa.Column("id", columns.BigKey(), nullable=False),
        sa.Column("demarche_numero", sa.BigInteger(), nullable=False),
        sa.Column("genre", sqltypes.AutoString(), nullable=False),
        sa.Column("options", sa.Text(), nullable=True),
        sa.Column("demande_par", sqltypes.AutoString(), nullable=False),
        sa.Column("demande_le", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("en_file", sa.Boolean(), nullable=False),
        sa.Column("commence_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("fini_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("run", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("resultat", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demande")),
    )
    with op.batch_alter_table("demande", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_demande_demarche_numero"), ["demarche_numero"], unique=False
        )
        batch_op.create_index(
            "ix_demande_ouverte",
            ["demarche_numero", "id"],
            unique=False,
            sqlite_where=sa.text("en_file AND fini_le IS NULL"),
            postgresql_where=sa.text("en_file AND fini_le IS NULL"),
        )

    op.create_table(
        "demarche",
        sa.Column("number", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("titre", sqltypes.AutoString(), nullable=False),
        sa.Column("appel", sqltypes.AutoString(), nullable=True),
        sa.Column("avis", sa.Text(), nullable=True),
        sa.Column("etat", sqltypes.AutoString(), nullable=False),
        sa.Column("active_revision_id", sqltypes.AutoString(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=True),
        sa.Column("couleurs", sa.Text(), nullable=True),
        sa.Column("instructeurs", sa.Text(), nullable=True),
        sa.Column("vues_a_refaire", sa.Boolean(), nullable=False),
        sa.Column("ouverts", sa.Text(), nullable=True),
        sa.Column("sceau", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_demarche")),
    )
    op.create_table(
        "dossier",
        sa.Column("numero", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("demarche_numero", sa.BigInteger(), nullable=False),
        sa.Column("dossier_id", sqltypes.AutoString(), nullable=True),
        sa.Column("revision_id", sqltypes.AutoString(), nullable=True),
        sa.Column("etat", sqltypes.AutoString(), nullable=False),
        sa.Column("presence", sqltypes.AutoString(), nullable=False),
        sa.Column("presence_raison", sqltypes.AutoString(), nullable=True),
        sa.Column("presence_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("archive", sa.Boolean(), nullable=False),
        sa.Column("depose_le", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("en_construction_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("en_instruction_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("traite_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("correction_attendue_depuis", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("modifie_le", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("champs_modifie_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("annotations_modifie_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("expire_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("supprime_par_usager_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("synchronise_le", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("content_hash", sqltypes.AutoString(), nullable=True),
        sa.Column("annotations_hash", sqltypes.AutoString(), nullable=True),
        sa.Column("inputs_hash", sqltypes.AutoString(), nullable=True),
        sa.Column("lu_par_run", sa.BigInteger(), nullable=False),
        sa.Column("a_evaluer", sa.Boolean(), nullable=False),
        sa.Column("siret", sqltypes.AutoString(), nullable=True),
        sa.Column("siren", sqltypes.AutoString(), nullable=True),
        sa.Column("raison_sociale", sqltypes.AutoString(), nullable=True),
        sa.Column("forme_juridique_code", sqltypes.AutoString(), nullable=True),
        sa.Column("demandeur_type", sqltypes.AutoString(), nullable=True),
        sa.Column("demandeur_civilite", sqltypes.AutoString(), nullable=True),
        sa.Column("demandeur_nom", sqltypes.AutoString(), nullable=True),
        sa.Column("demandeur_prenom", sqltypes.AutoString(), nullable=True),
        sa.Column("commune_code", sqltypes.AutoString(), nullable=True),
        sa.Column("commune", sqltypes.AutoString(), nullable=True),
        sa.Column("departement_code", sqltypes.AutoString(), nullable=True),
        sa.Column("departement_nom", sqltypes.AutoString(), nullable=True),
        sa.Column("region_code", sqltypes.AutoString(), nullable=True),
        sa.Column("region_nom", sqltypes.AutoString(), nullable=True),
        sa.Column("usager_courriel", sqltypes.AutoString(), nullable=True),
        sa.Column("mandataire_nom", sqltypes.AutoString(), nullable=True),
        sa.Column("groupe_instructeur", sqltypes.AutoString(), nullable=True),
        sa.Column("instructeurs", sa.Text(), nullable=True),
        sa.Column("nb_messages", sa.Integer(), nullable=True),
        sa.Column("labels", sa.Text(), nullable=True),
        sa.Column("efface_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("sceau", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("numero", name=op.f("pk_dossier")),
    )
    with op.batch_alter_table("dossier", schema=None) as batch_op:
        batch_op.create_index(
            "ix_dossier_a_evaluer",
            ["demarche_numero", "numero"],
            unique=False,
            postgresql_where=sa.text("a_evaluer"),
            sqlite_where=sa.text("a_evaluer"),
        )
        batch_op.create_index(
            batch_op.f("ix_dossier_demarche_numero"), ["demarche_numero"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_dossier_dossier_id"), ["dossier_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dossier_siret"), ["siret"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_dossier_usager_courriel"), ["usager_courriel"], unique=False
        )

    op.create_table(
        "evenement",
        sa.Column("id", columns.BigKey(), nullable=False),
        sa.Column("numero", sa.BigInteger(), nullable=False),
        sa.Column("demarche_numero", sa.BigInteger(), nullable=False),
        sa.Column("survenu_le", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("evenement", sqltypes.AutoString(), nullable=False),
        sa.Column("details", sa.Text(), nullable=True),
        sa.Column("run", sa.BigInteger(), nullable=True),
        sa.Column("sceau", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evenement")),
    )
    with op.batch_alter_table("evenement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evenement_numero"), ["numero"], unique=False)

    op.create_table(
        "indicateur",
        sa.Column("demarche_numero", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("jour", sa.Date(), nullable=False),
        sa.Column("indicateur", sqltypes.AutoString(), nullable=False),
        sa.Column("valeur", sa.Float(), nullable=False),
        sa.Column("sceau", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint(
            "demarche_numero", "jour", "indicateur", name=op.f("pk_indicateur")
        ),
    )
    op.create_table(
        "lease",
        sa.Column("demarche_numero", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("holder", sqltypes.AutoString(), nullable=True),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("acquired_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("expires_at", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("demarche_numero", name=op.f("pk_lease")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", columns.BigKey(), nullable=False),
        sa.Column("numero", sa.BigInteger(), nullable=False),
        sa.Column("demarche_numero", sa.BigInteger(), nullable=False),
        sa.Column("annotation", sqltypes.AutoString(), nullable=False),
        sa.Column("valeur", sa.Text(), nullable=True),
        sa.Column("statut", sqltypes.AutoString(), nullable=False),
        sa.Column("tentatives", sa.Integer(), nullable=False),
        sa.Column("prochain_essai_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("creee_le", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("envoyee_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("confirmee_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("valeur_distante", sa.Text(), nullable=True),
        sa.Column("erreur", sa.Text(), nullable=True),
        sa.Column("distante_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("cible", sqltypes.AutoString(), nullable=True),
        sa.Column("courante", sa.Boolean(), nullable=False),
        sa.Column("force_par", sqltypes.AutoString(), nullable=True),
        sa.Column("force_sur", sa.Text(), nullable=True),
        sa.Column("definitive", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_due",
            ["demarche_numero", "statut", "courante", "numero", "creee_le"],
            unique=False,
        )
        batch_op.create_index(
            "ix_outbox_erreur",
            ["demarche_numero", "statut", "courante"],
            unique=False,
            postgresql_where=sa.text("erreur IS NOT NULL"),
            sqlite_where=sa.text("erreur IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_outbox_numero"), ["numero"], unique=False)
        batch_op.create_index(
            "uq_outbox_courante",
            ["numero", "annotation"],
            unique=True,
            postgresql_where=sa.text("courante"),
            sqlite_where=sa.text("courante"),
        )

    op.create_table(
        "liste",
        sa.Column("numero", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("demarche_numero", sa.BigInteger(), nullable=False),
        sa.Column("texte", sqltypes.AutoString(), nullable=False),
        sa.Column("libre", sqltypes.AutoString(), nullable=False),
        sa.Column("personnes", sqltypes.AutoString(), nullable=False),
        sa.Column("etape", sqltypes.AutoString(), nullable=True),
        sa.Column("attend", sqltypes.AutoString(), nullable=True),
        sa.Column("etape_fin", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("departement_code", sqltypes.AutoString(), nullable=True),
        sa.Column("departement_nom", sqltypes.AutoString(), nullable=True),
        sa.Column("profils", sqltypes.AutoString(), nullable=True),
        sa.PrimaryKeyConstraint("numero", name=op.f("pk_liste")),
    )
    op.create_table(
        "piece",
        sa.Column("id", columns.BigKey(), nullable=False),
        sa.Column("numero", sa.BigInteger(), nullable=False),
        sa.Column("demarche_numero", sa.BigInteger(), nullable=False),
        sa.Column("champ_id", sqltypes.AutoString(), nullable=False),
        sa.Column("ligne", sqltypes.AutoString(), nullable=False),
        sa.Column("empreinte_md5", sqltypes.AutoString(), nullable=False),
        sa.Column("adresse", sqltypes.AutoString(), nullable=False),
        sa.Column("etat", sqltypes.AutoString(), nullable=False),
        sa.Column("copie_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("essais", sa.Integer(), nullable=False),
        sa.Column("prochain_essai_le", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("content_hash", sqltypes.AutoString(), nullable=True),
        sa.Column("a_supprimer", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_piece")),
    )
    with op.batch_alter_table("piece", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_piece_numero"), ["numero"], unique=False)
        batch_op.create_index(
            "uq_piece_vivante",
            ["numero", "champ_id", "ligne", "empreinte_md5"],
            unique=True,
            postgresql_where=sa.text("NOT a_supprimer"),
            sqlite_where=sa.text("NOT a_supprimer"),
        )

    op.create_table(
        "pousse",
        sa.Column("numero", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("annotation", sqltypes.AutoString(), nullable=False),
        sa.Column("valeur", sa.Text(), nullable=True),
        sa.Column("cible", sqltypes.AutoString(), nullable=True),
        sa.Column("connue_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("annotations_vues_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("incertaine", sa.Text(), nullable=True),
        sa.Column("incertaine_cible", sqltypes.AutoString(), nullable=True),
        sa.Column("incertaine_depuis", sqltypes.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("numero", "annotation", name=op.f("pk_pousse")),
    )
    op.create_table(
        "sceau",
        sa.Column("demarche_numero", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("journal", sqltypes.AutoString(), nullable=False),
        sa.Column("lignes", sa.BigInteger(), nullable=False),
        sa.Column("somme", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("demarche_numero", "journal", name=op.f("pk_sceau")),
    )
    op.create_table(
        "quarantaine",
        sa.Column("demarche_numero", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("numero", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("code", sqltypes.AutoString(), nullable=False),
        sa.Column("message", sqltypes.AutoString(), nullable=False),
        sa.Column("depuis", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("tentatives", sa.Integer(), nullable=False),
        sa.Column("dernier_essai_le", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("demarche_numero", "numero", name=op.f("pk_quarantaine")),
    )
    op.create_table(
        "reponse",
        sa.Column("id", columns.BigKey(), nullable=False),
        sa.Column("numero", sa.BigInteger(), nullable=False),
        sa.Column("demarche_numero", sa.BigInteger(), nullable=False),
        sa.Column("controle", sqltypes.AutoString(), nullable=False),
        sa.Column("resultat", sqltypes.AutoString(), nullable=False),
        sa.Column("motif", sa.Text(), nullable=False),
        sa.Column("auteur", sqltypes.AutoString(), nullable=False),
        sa.Column("repondu_le", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("constat", sa.Text(), nullable=True),
        sa.Column("statut", sqltypes.AutoString(), nullable=False),
        sa.Column("finie_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("finie_par", sqltypes.AutoString(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reponse")),
    )
    with op.batch_alter_table("reponse", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reponse_numero"), ["numero"], unique=False)
        batch_op.create_index(
            "uq_reponse_valable",
            ["numero", "controle"],
            unique=True,
            postgresql_where=sa.text("statut = 'valable'"),
            sqlite_where=sa.text("statut = 'valable'"),
        )

    op.create_table(
        "revision",
        sa.Column("id", sqltypes.AutoString(), nullable=False),
        sa.Column("demarche_numero", sa.BigInteger(), nullable=False),
        sa.Column("date_publication", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("descriptors", sa.Text(), nullable=True),
        sa.Column("sceau", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revision")),
    )
    with op.batch_alter_table("revision", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_revision_demarche_numero"), ["demarche_numero"], unique=False
        )

    op.create_table(
        "service",
        sa.Column("demarche_numero", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("holder", sqltypes.AutoString(), nullable=False),
        sa.Column("version", sqltypes.AutoString(), nullable=False),
        sa.Column("started_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("seen_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("next_run_at", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("demarche_numero", "holder", name=op.f("pk_service")),
    )
    op.create_table(
        "sync_run",
        sa.Column("run", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("demarche_numero", sa.BigInteger(), nullable=False),
        sa.Column("genre", sqltypes.AutoString(), nullable=False),
        sa.Column("statut", sqltypes.AutoString(), nullable=False),
        sa.Column("debut", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("fin", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("demande_par", sqltypes.AutoString(), nullable=True),
        sa.Column("lus", sa.Integer(), nullable=False),
        sa.Column("modifies", sa.Integer(), nullable=False),
        sa.Column("supprimes", sa.Integer(), nullable=False),
        sa.Column("evalues", sa.Integer(), nullable=False),
        sa.Column("pousses", sa.Integer(), nullable=False),
        sa.Column("conflits", sa.Integer(), nullable=False),
        sa.Column("en_quarantaine", sa.Integer(), nullable=False),
        sa.Column("requetes", sa.Integer(), nullable=False),
        sa.Column("erreur", sa.Text(), nullable=True),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("figures", sa.Text(), nullable=True),
        sa.Column("sceau", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_sync_run")),
    )
    with op.batch_alter_table("sync_run", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_sync_run_demarche_numero"), ["demarche_numero"], unique=False
        )

    op.create_table(
        "sync_state",
        sa.Column("demarche_numero", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("watermark", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("page_size", sa.Integer(), nullable=True),
        sa.Column("page_size_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("full_cursor", sqltypes.AutoString(), nullable=True),
        sa.Column("full_started_run", sa.BigInteger(), nullable=True),
        sa.Column("full_started_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("full_mapping_key", sqltypes.AutoString(), nullable=True),
        sa.Column("full_due_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("last_success_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("last_incremental_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("last_full_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("last_deletions_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("last_pending_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("last_deleted_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("mass_deletion_run", sa.BigInteger(), nullable=True),
        sa.Column("mass_deletion_count", sa.Integer(), nullable=True),
        sa.Column("mass_deletion_of", sa.Integer(), nullable=True),
        sa.Column("last_revision_id", sqltypes.AutoString(), nullable=True),
        sa.Column("evidence_key", sqltypes.AutoString(), nullable=True),
        sa.Column("mapping_key", sqltypes.AutoString(), nullable=True),
        sa.Column("writing_key", sqltypes.AutoString(), nullable=True),
        sa.Column("pieces_target", sqltypes.AutoString(), nullable=True),
        sa.Column("rules_version", sqltypes.AutoString(), nullable=True),
        sa.Column("refused_rules_since", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("refused_rules", sa.Text(), nullable=True),
        sa.Column("retention_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("retention_key", sqltypes.AutoString(), nullable=True),
        sa.Column("cle_secrete", sqltypes.AutoString(), nullable=True),
        sa.PrimaryKeyConstraint("demarche_numero", name=op.f("pk_sync_state")),
    )
    op.create_table(
        "verdict",
        sa.Column("id", columns.BigKey(), nullable=False),
        sa.Column("numero", sa.BigInteger(), nullable=False),
        sa.Column("demarche_numero", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sqltypes.AutoString(), nullable=False),
        sa.Column("points", sqltypes.AutoString(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("etabli_le", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("version_regles", sqltypes.AutoString(), nullable=False),
        sa.Column("inputs_hash", sqltypes.AutoString(), nullable=True),
        sa.Column("preuve_hash", sqltypes.AutoString(), nullable=True),
        sa.Column("doublons", sa.Text(), nullable=True),
        sa.Column("controles", sa.Text(), nullable=True),
        sa.Column("constats", sa.Text(), nullable=True),
        sa.Column("preuve", sa.Text(), nullable=True),
        sa.Column("remarque", sqltypes.AutoString(), nullable=True),
        sa.Column("depuis_le", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("courant", sa.Boolean(), nullable=False),
        sa.Column("sceau", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdict")),
    )
    with op.batch_alter_table("verdict", schema=None) as batch_op:
        batch_op.create_index(
            "ix_verdict_numero",
            ["numero", "courant", "verdict", "depuis_le", "demarche_numero", "points"],
            unique=False,
        )
        batch_op.create_index(
            "uq_verdict_courant",
            ["numero"],
            unique=True,
            postgresql_where=sa.text("courant"),
            sqlite_where=sa.text("courant"),
        )
