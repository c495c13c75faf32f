"""How a dossier, its files and the pages of dossiers are answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from dsync.sandbox import files, ids, listing
from dsync.sandbox.champ import Champ, champs_of
from dsync.sandbox.clock import iso
from dsync.sandbox.context import Context
from dsync.sandbox.model import Dossier
from dsync.sandbox.resolving import answers

_ADMIN = "administration-eig@example.gouv.fr"


def _maybe(at: datetime | None) -> str | None:
    return iso(at) if at else None


def _seed(name: str) -> Any:
    return lambda dossier, _: getattr(dossier.seed, name)


def _seed_date(name: str) -> Any:
    return lambda dossier, _: _maybe(getattr(dossier.seed, name))


def _expires(dossier: Dossier, _: Context) -> str | None:
    ended = dossier.seed.traite_at
    if ended is None:
        return None
    try:
        return iso(ended.replace(year=ended.year + 1))
    except ValueError:  # 29 February
        return iso(ended + timedelta(days=365))


def _usager(dossier: Dossier, _: Context) -> dict[str, Any]:
    key = "<deleted>" if dossier.usager_deleted else ids.encode("User", dossier.number)
    return {"id": key, "email": dossier.seed.usager_email}


def _traitements(dossier: Dossier, _: Context) -> list[dict[str, Any]]:
    return [
        {
            "id": ids.encode("Traitement", dossier.number * 100 + rank),
            "event": step.event,
            "state": step.state,
            "date_traitement": step.at,
            "motivation": step.motivation,
            "email_agent_traitant": step.agent,
            "revision": dossier.revision,
        }
        for rank, step in enumerate(dossier.traitements)
    ]


def _messages(dossier: Dossier, _: Context, id: str | None = None) -> list[dict[str, Any]]:
    messages = [
        {"id": ids.encode("Commentaire", dossier.number * 100 + rank), "attachments": [], **message}
        for rank, message in enumerate(dossier.seed.messages)
    ]
    return [message for message in messages if id in (None, message["id"])]


def _avis(dossier: Dossier, _: Context, id: str | None = None) -> list[dict[str, Any]]:
    found = [
        {
            **avis,
            "id": ids.encode("Avis", dossier.number * 100 + rank),
            "expert": _profile(avis.get("expert")),
            "claimant": _profile(avis.get("claimant")),
            "instructeur": _profile(avis.get("claimant") or _ADMIN),
            "attachments": [],
        }
        for rank, avis in enumerate(dossier.seed.avis)
    ]
    return [avis for avis in found if id in (None, avis["id"])]


def _profile(email: str | None) -> dict[str, str] | None:
    return {"id": ids.encode("User", email), "email": email} if email else None


def _champs(dossier: Dossier, _: Context, id: str | None = None) -> list[Champ]:
    return champs_of(dossier, "champs", id)


def _annotations(dossier: Dossier, _: Context, id: str | None = None) -> list[Champ]:
    return champs_of(dossier, "annotations", id)


def _connection_kind(dossier: Dossier, _: Context) -> str:
    return "deleted" if dossier.usager_deleted else "password"


def _hidden_by_usager(dossier: Dossier, _: Context) -> str | None:
    return _maybe(dossier.hidden_at) if "usager" in dossier.hidden_by else None


answers(
    "Dossier",
    id=lambda d, _: ids.encode("Dossier", d.number),
    number=lambda d, _: d.number,
    **{
        name: _seed(snake)
        for name, snake in {
            "state": "state",
            "archived": "archived",
            "prefilled": "prefilled",
            "motivation": "motivation",
            "deposeParUnTiers": "depose_par_un_tiers",
            "nomMandataire": "nom_mandataire",
            "prenomMandataire": "prenom_mandataire",
        }.items()
    },
    dateDepot=_seed_date("depose_at"),
    datePassageEnConstruction=_seed_date("en_construction_at"),
    datePassageEnInstruction=_seed_date("en_instruction_at"),
    dateTraitement=_seed_date("traite_at"),
    dateExpiration=_expires,
    dateDerniereModification=lambda d, _: iso(d.updated_at),
    dateDerniereModificationChamps=lambda d, _: iso(d.champs_at),
    dateDerniereModificationAnnotations=lambda d, _: iso(d.annotations_at),
    dateDerniereCorrectionEnAttente=lambda d, _: _maybe(d.correction_at),
    dateSuppressionParUsager=_hidden_by_usager,
    usager=_usager,
    connectionUsager=_connection_kind,
    demandeur=lambda d, _: d.seed.demandeur or None,
    demarche=lambda d, _: (d.demarche, d.revision),
    revision=lambda d, _: d.revision,
    groupeInstructeur=lambda d, _: d.groupe,
    instructeurs=lambda d, _: d.followers,
    labels=lambda d, _: d.labels,
    traitements=_traitements,
    champs=_champs,
    annotations=_annotations,
    messages=_messages,
    avis=_avis,
    pdf=lambda d, c: files.made(d, "pdf", c.now()),
    geojson=lambda d, c: files.made(d, "geojson", c.now()),
)
answers(
    "File",
    url=files.url,
    **{
        name: (lambda f, _, snake=snake: files.facts(f)[snake])
        for name, snake in {
            "filename": "filename",
            "contentType": "content_type",
            "checksum": "checksum",
            "byteSize": "byte_size",
            "byteSizeBigInt": "byte_size_big_int",
            "createdAt": "created_at",
            "virusScanResult": "virus_scan_result",
        }.items()
    },
)
answers(
    "DossierConnection DeletedDossierConnection",
    nodes=lambda c, _: c.nodes(),
    edges=lambda c, _: c.edges(),
    pageInfo=lambda c, _: c,
)
answers(
    "PageInfo",
    hasNextPage=lambda c, _: c.page.has_next,
    hasPreviousPage=lambda c, _: c.page.has_previous,
    startCursor=lambda c, _: listing.edge_cursor(c.page.keys[:1]),
    endCursor=lambda c, _: listing.edge_cursor(c.page.keys[-1:]),
)
