"""Builders of the values that the store takes: give what the test is about, the rest is made up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from msgspec import structs

from dsync.annotations.targets import AnnotationsConfig, AnnotationTarget, VerdictTexts
from dsync.domain.dossier import (
    Champ,
    Correction,
    DeletedDossier,
    Demandeur,
    Demarche,
    Descriptor,
    Dossier,
    Etat,
    Fichier,
    Instructeur,
    Ligne,
    Revision,
    Traitement,
)
from dsync.domain.ids import DemarcheNumber, DescriptorId, DossierId, DossierNumber, RevisionId
from dsync.domain.judging import Rules, Wording
from dsync.domain.verdict import Controle, Decision, Resultat, Verdict
from dsync.eig.candidature import (
    BLANK,
    Candidature,
    Grille,
    Reponse,
    Voeu,
    declared_fields,
)
from dsync.eig.mapped_form import weighed
from dsync.eig.stages import DATED, Passage, passages_of
from dsync.store import Record, Store, Tx
from dsync.sync.record import Recorder

DEMARCHE = DemarcheNumber(86321)
NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
EARLIER = NOW - timedelta(days=30)


@contextmanager
def writing(store: Store, number: DemarcheNumber = DEMARCHE) -> Iterator[Tx]:
    """Open a transaction under a lease of its own."""
    lease = store.acquire_lease(number, 60, holder="test")
    try:
        with store.transaction(lease) as tx:
            yield tx
    finally:
        store.release_lease(lease)


def champ(id_: str, libelle: str, texte: str | None = None, **others: Any) -> Champ:
    """Make a text champ."""
    type_ = others.pop("type", "text")
    return Champ(DescriptorId(id_), texte, libelle=libelle, type=type_, **others)


def name_products(tx: Tx, products: dict[int, str]) -> None:
    """Have dossiers name products with certainty."""
    rows = [{"numero": n, "produit_id": id_, "par_sa_fiche": True} for n, id_ in products.items()]
    tx.keys.replace({}, rows)


CHAMPS = (
    champ("c1", "Problème", "Trop de papier"),
    champ(
        "c2",
        "Vœux",
        type="repetition",
        lignes=(
            Ligne("r1", (champ("c3", "Profil", "technique"),)),
            Ligne("r2", (champ("c3", "Profil", "produit"),)),
        ),
    ),
    champ(
        "c4",
        "Lettre",
        "lettre.pdf",
        type="piece_justificative",
        fichiers=(Fichier("lettre.pdf", "application/pdf", 1234, "bWQ1", "SAFE"),),
    ),
)
ANNOTATIONS = (champ("a1", "Étape", "jury"), champ("owned", "Résultat", None))


def make_dossier(number: int = 1, **changes: Any) -> Dossier:
    """Make a dossier that DS shows."""
    base = Dossier(
        number=DossierNumber(number),
        id=DossierId(f"id-{number}"),
        revision_id=RevisionId("rev-1"),
        etat=Etat.EN_CONSTRUCTION,
        archive=False,
        date_depot=EARLIER,
        date_passage_en_construction=EARLIER,
        date_passage_en_instruction=None,
        date_traitement=None,
        date_derniere_modification=EARLIER,
        date_derniere_modification_champs=EARLIER,
        date_derniere_modification_annotations=EARLIER,
        date_derniere_correction_en_attente=None,
        date_expiration=None,
        date_suppression_par_usager=None,
        motivation=None,
        usager_email="usager@exemple.fr",
        groupe_instructeur="défaut",
        instructeurs=("agent@exemple.fr",),
        depose_par_un_tiers=False,
        mandataire=None,
        prerempli=False,
        demandeur=Demandeur(
            genre="personne_morale",
            siret="13002526500013",
            siren="130025265",
            raison_sociale="DINUM",
            forme_juridique_code="7120",
            forme_juridique="Service central",
            etat_administratif="Actif",
            details={"siret": "13002526500013"},
        ),
        champs=CHAMPS,
        annotations=ANNOTATIONS,
        labels=(),
        traitements=(Traitement("depot", EARLIER, None, None),),
    )
    return structs.replace(base, **changes)


def make_candidature(dossier: Dossier, **changes: Any) -> Candidature:
    """Make the candidature of a dossier, with everything filled."""
    texts = {
        name: f"{name} de {dossier.number}"
        for name, _ in declared_fields()
        if Candidature.model_fields[name].annotation == (str | None)
    }
    base = Candidature(
        numero=dossier.number,
        depose_le=dossier.date_depot,
        demandeur=structs.replace(dossier.demandeur, details={}),
        **texts,
        voeux=(Voeu(1, "technique", "coder"), Voeu(2, "produit", None)),
        jury_le=date(2024, 7, 1),
        evaluations=(
            Grille(
                1,
                "avant",
                "Jeanne",
                "bien",
                (4.0, None),
            ),
        ),
        criteres=("impact", "equipe"),
        criteres_libelles=("Impact", "Équipe"),
        valide_par_instructeur=False,
        reponses={"page_produit": Reponse.REMPLI, "voeux": Reponse.VIDE},
    )
    made = base.with_changes(**changes)
    evaluations, bilan = weighed(made.evaluations)
    made = made.with_changes(evaluations=evaluations, bilan=bilan)
    return made.with_changes(etapes=_passages(dossier, made))


def _passages(
    dossier: Dossier, made: Candidature, corrections: Sequence[Correction] = ()
) -> tuple[Passage, ...]:
    days = {etape: getattr(made, field) for etape, field in DATED.items()}
    return passages_of(dossier, days, corrections)


def row_of(candidature: Candidature) -> dict[str, Any]:
    """Return the columns that the mapping fills."""
    return {name: getattr(candidature, name) for name in BLANK}


class _Programme:
    """Reads a dossier as one whose candidature is given."""

    def __init__(self, candidature: Candidature) -> None:
        self.candidature = candidature
        self.inputs_signature = self.signature = b""

    def form(self, _descriptors: object) -> _Programme:
        return self

    def rows(
        self, dossier: Dossier, corrections: Sequence[Correction] = ()
    ) -> dict[str, dict[str, Any]]:
        etapes = _passages(dossier, self.candidature, corrections)
        return {"candidature": row_of(self.candidature) | {"etapes": etapes}}


OWNED = AnnotationsConfig(
    resultat=AnnotationTarget(id="owned"),
    options=VerdictTexts(eligible="É", a_verifier="V", ineligible="I"),
    detail=AnnotationTarget(id="owned detail"),
    date=AnnotationTarget(id="owned date"),
)
_FORM = Revision(
    RevisionId("rev-1"),
    EARLIER,
    {
        DescriptorId("owned"): Descriptor(
            DescriptorId("owned"), "Résultat", "text", False, None, False, None, True
        )
    },
)


def make_mapped(
    number: int = 1,
    *,
    candidature: dict[str, Any] | None = None,
    corrections: Sequence[Correction] = (),
    **changes: Any,
) -> Record:
    """Make what is kept of a dossier; its hashes follow its content."""
    dossier = make_dossier(number, **changes)
    made = make_candidature(dossier, **(candidature or {}))
    programme: Any = _Programme(made)
    return Recorder(programme, OWNED).record(dossier, DEMARCHE, _FORM, corrections)


def make_decision(verdict: Verdict = Verdict.A_VERIFIER, **changes: Any) -> Decision:
    """Make a decision with two checks."""
    base = Decision(
        verdict=verdict,
        controles=(
            Controle("depot", Resultat.CONFORME, "Déposé à temps.", {"date": "2024-05-02"}),
            Controle("phase", Resultat.A_VERIFIER, "Phase inconnue.", {"phases": []}),
        ),
        detail="phase : Phase inconnue.",
        version_regles="r1",
        preuve_hash="p1",
        constats={
            "produit_id": "transport",
            "phase_constatee": "acceleration",
            "type_administration": "administration_centrale",
            "incubateur_constate": "L’incubateur",
        },
        preuve={"saisie": "à moi"},
    )
    return structs.replace(base, **changes)


def make_verdict(
    number: int = 1, verdict: Verdict = Verdict.A_VERIFIER, **changes: Any
) -> tuple[int, Decision]:
    """Make a decision on a dossier, for `save_verdicts`."""
    return number, make_decision(verdict, **changes)


def save_verdicts(
    tx: Tx, run: int, decided: Sequence[tuple[int, Decision]], now: datetime
) -> list[DossierNumber]:
    """Store decisions on stored dossiers, as a run does."""
    due = {one.numero: one for one in tx.verdicts.for_judging([number for number, _ in decided])}
    return tx.verdicts.save(run, [(due[number], decision) for number, decision in decided], now)


def save_rules(tx: Tx, document: Mapping[str, Any], now: datetime) -> None:
    """Store a version of rules, as a run does."""
    rules = Rules(document["version"], Wording({}, "", 1000), document)
    tx.verdicts.keep_rules(rules, now)


def make_deleted(number: int = 1, raison: str = "user_request") -> DeletedDossier:
    """Make an entry of DS's deletion lists."""
    return DeletedDossier(DossierNumber(number), Etat.EN_CONSTRUCTION, raison, NOW)


def make_demarche() -> Demarche:
    """Make a démarche of one revision."""
    descriptor = Descriptor(
        DescriptorId("c1"),
        "Cas",
        "drop_down_list",
        True,
        ("Lancer", "Internaliser"),
        False,
        None,
        False,
    )
    revision = Revision(RevisionId("rev-1"), EARLIER, {descriptor.id: descriptor})
    return Demarche(
        number=DEMARCHE,
        titre="aap-eig7",
        etat="publiee",
        active_revision_id=revision.id,
        revisions={revision.id: revision},
        labels={"éligible": "label-1"},
        couleurs={"éligible": "green_bourgeon"},
        instructeurs=(Instructeur("i1", "agent@exemple.fr", "défaut"),),
    )
