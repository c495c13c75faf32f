"""A sandbox in the state of the recorded conversations.

Numbers, dates, states and forms are those of the recordings; everything else is the least that
makes their answers possible.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dsync.sandbox import opaque_ids
from dsync.sandbox.content import EVERY_TYPE_FORM, FORM
from dsync.sandbox.model import (
    ChampDescriptor,
    FileSeed,
    FormRevision,
    FormSeed,
    Row,
    ServedDossier,
)
from dsync.sandbox.server import Sandbox

NOW = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
AIDE_ROW = "01M2MG7SC0KQB88VSK6C0AE871"
BLOC_ROW = "01M727H600HSTF57DJXVGD85DV"

# number: state, deposit, last change; in UTC, as recorded.
_DOSSIERS = {
    2: ("en_construction", "2026-09-04T09:00", "2026-09-04T09:00"),
    3: ("en_construction", "2026-09-04T09:00", "2026-09-04T09:00"),
    4: ("en_construction", "2026-09-05T09:00", "2026-10-31T08:00"),
    5: ("en_construction", "2026-09-05T21:00", "2026-10-11T07:00"),
    7: ("en_construction", "2026-09-11T21:00", "2026-09-11T21:00"),
    8: ("en_construction", "2026-09-13T09:00", "2026-09-13T09:00"),
    9: ("en_instruction", "2026-09-14T21:00", "2026-11-16T08:00"),
    10: ("en_instruction", "2026-09-16T09:00", "2026-09-21T07:00"),
    11: ("en_instruction", "2026-09-17T21:00", "2026-09-22T19:00"),
    12: ("en_instruction", "2026-09-19T09:00", "2026-09-24T07:00"),
    13: ("en_instruction", "2026-09-20T21:00", "2026-09-25T19:00"),
    14: ("en_instruction", "2026-09-22T09:00", "2026-09-27T07:00"),
    15: ("accepte", "2026-09-23T21:00", "2026-10-31T08:00"),
    16: ("refuse", "2026-09-25T09:00", "2026-10-31T08:00"),
    17: ("sans_suite", "2026-09-26T21:00", "2026-10-31T08:00"),
    18: ("accepte", "2026-09-28T09:00", "2026-10-31T08:00"),
    19: ("refuse", "2026-09-29T21:00", "2026-11-05T08:00"),
    20: ("sans_suite", "2026-10-01T09:00", "2026-10-13T07:00"),
    21: ("accepte", "2026-10-02T21:00", "2026-10-14T19:00"),
    22: ("refuse", "2026-10-04T09:00", "2026-10-16T07:00"),
    23: ("sans_suite", "2026-10-05T21:00", "2026-10-17T19:00"),
    24: ("accepte", "2026-10-07T09:00", "2026-11-06T08:00"),
    26: ("en_construction", "2026-11-10T09:00", "2026-11-10T09:00"),
    27: ("en_construction", "2026-11-11T09:00", "2026-11-11T09:00"),
    28: ("en_construction", "2026-11-12T09:00", "2026-11-12T09:00"),
    29: ("en_instruction", "2026-11-13T09:00", "2026-11-13T11:00"),
    30: ("en_instruction", "2026-11-14T09:00", "2026-11-14T11:00"),
}
_DEGRADED = {7: "13002500700007", 27: "13002502700040"}
_SIRETS = {2: "13002500200015", 10: "13002501000023", 30: "13002503000043"}
_FINISHED = ("accepte", "refuse", "sans_suite")


def start() -> Sandbox:
    """Start a sandbox in the state of the recordings."""
    forms = [
        (_form(), [_dossier(n, *facts) for n, facts in _DOSSIERS.items()]),
        (_every_type_form(), [_every_type_dossier()]),
        (_plain(99001, "hors de portée"), [_empty(15900001)]),
        (_volume_form(), _volume()),
    ]
    sandbox = Sandbox(forms, seed=7, clock=lambda: NOW)
    for name in ("write", "readonly"):
        sandbox.control.faults.change_token(name, demarches=frozenset({86321, 86322, 78001}))
    _settle(sandbox)
    return sandbox


def _settle(sandbox: Sandbox) -> None:
    world = sandbox.world
    for number in (15000016, 15000017):
        dossier = world.dossier(number)
        assert dossier is not None
        dossier.presence = "masque_usager"
        dossier.hidden_at = dossier.updated_at
    world.erase(_found(sandbox, 15000005), "user_request", _utc("2026-10-11T07:00"))
    world.erase(_found(sandbox, 15000019), "instructeur_request", _utc("2026-11-05T08:00"))
    world.erase(_found(sandbox, 15000024), "expired", _utc("2026-11-06T08:00"))
    for number in range(15000002, 15000031):
        dossier = world.dossier(number)
        if dossier is not None:
            dossier.annotations_at = dossier.champs_at = dossier.depose_at - timedelta(hours=2)
    _found(sandbox, 15000010).rows[5302] = [Row(AIDE_ROW, {})]
    _found(sandbox, 15800001).rows[7301] = [Row(BLOC_ROW, {})]


def _found(sandbox: Sandbox, number: int) -> Any:
    return sandbox.world.dossier(number)


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _form() -> FormSeed:
    first = FORM.revisions[0]
    second = FormRevision(_utc("2026-11-07T08:00"), first.champs, first.annotations)
    second.champs = [d for d in second.champs if d.stable_id != 4307]
    second.champs.append(ChampDescriptor(4607, "text", "Champ ajouté en révision 2"))
    second.annotations.append(ChampDescriptor(5406, "text", "Annotation ajoutée en révision 2"))
    next(d for d in second.champs if d.stable_id == 4102).label = "Fiche produit sur beta.gouv.fr"
    return replace(FORM, groupes={"défaut": FORM.groupes["défaut"]}, revisions=[first, second])


def _every_type_form() -> FormSeed:
    """The recorded form of every type: ids up to 7121, and annotations with a repetition."""
    whole = EVERY_TYPE_FORM.revisions[0]
    champs = [d for d in whole.champs if d.stable_id < 7122]
    kept = (*range(7200, 7222), 7300, 7301)
    annotations = [d for d in whole.annotations if d.stable_id in kept]
    revision = FormRevision(whole.date_publication, champs, annotations)
    groupes = {"défaut": ["dsync@example.gouv.fr"]}
    return replace(EVERY_TYPE_FORM, labels={}, groupes=groupes, revisions=[revision])


def _plain(number: int, title: str) -> FormSeed:
    revision = FormRevision(
        FORM.revisions[0].date_publication,
        [ChampDescriptor(number * 10, "text", "Texte")],
        [ChampDescriptor(9951, "text", "Note")],
    )
    groupes = {"défaut": ["dsync@example.gouv.fr"]}
    return replace(
        FORM, number=number, title=title, labels={}, groupes=groupes, revisions=[revision]
    )


def _volume_form() -> FormSeed:
    """A form for 205 dossiers of persons, with three groupes (numbers 4 to 6)."""
    form = _plain(78001, "volume")
    form.revisions[0].champs = [ChampDescriptor(7820, "yes_no", "Plus ?")]
    form.revisions[0].annotations = [ChampDescriptor(7851, "text", "Note")]
    form.groupes |= {
        "deuxième": ["dsync@example.gouv.fr"],
        "troisième": ["autre-groupe@example.gouv.fr"],
    }
    return form


def _volume() -> list[ServedDossier]:
    seeds = [_empty(15780000 + rank, rank) for rank in range(1, 206)]
    for rank, seed in enumerate(seeds, 1):
        name = {"nom": f"Nom{rank}", "prenom": "Prénom", "civilite": "Mme"}
        seed.demandeur = {"kind": "physique", **name}
    seeds[19].champs = {7820: False}
    return seeds


def _empty(number: int, minutes: int = 0) -> ServedDossier:
    at = datetime(2026, 10, 1, 6, 0, tzinfo=UTC) + timedelta(minutes=minutes)
    return ServedDossier(
        number,
        "en_construction",
        at,
        None,
        None,
        at,
        _morale("13002509900018"),
        "usager@example.gouv.fr",
        {},
        {},
    )


def _dossier(rank: int, state: str, depose: str, updated: str) -> ServedDossier:
    at, number = _utc(depose), 15000000 + rank
    instruction = (
        at + timedelta(days=5) - timedelta(hours=2) if state != "en_construction" else None
    )
    if rank in (29, 30):
        instruction = at + timedelta(hours=2)
    traite = at + timedelta(days=12) - timedelta(hours=2) if state in _FINISHED else None
    seed = ServedDossier(
        number,
        state,  # type: ignore[arg-type]
        at,
        instruction,
        traite,
        _utc(updated),
        _morale(_SIRETS.get(rank, f"130025{rank:03d}00015")),
        f"usager{rank}@example.gouv.fr",
        _champs(rank),
        {},
        archived=rank == 17,
        motivation="Bravo" if rank == 21 else "motif" if traite else None,
        revision=0 if traite else 1,
    )
    if rank in _DEGRADED:
        seed.demandeur = {"kind": "morale_incomplete", "siret": _DEGRADED[rank]}
    if rank in (4, 15, 18):
        seed.presence = {4: "masque_usager", 15: "masque_administration", 18: "expire"}[rank]  # type: ignore[assignment]
    return seed


def _champs(rank: int) -> dict[int, Any]:
    scan = "pending" if rank == 30 else "safe"
    letter = FileSeed("lettre-30.pdf", "application/pdf", b"%PDF-1.4\n% lettre 30\n", scan)  # type: ignore[arg-type]
    return {
        4102: f"https://beta.gouv.fr/startups/produit-{rank}",
        4103: "Accélération",
        4605: [letter] if rank == 30 else [],
    }


def _morale(siret: str) -> dict[str, Any]:
    rank = int(siret[6:9])
    code, label = ("7210", "Commune et commune nouvelle")
    return {
        "kind": "morale",
        "siret": siret,
        "address": {
            "city_name": "Paris 7e Arrondissement",
            "city_code": "75107",
            "postal_code": "75007",
            "department_code": "75",
            "region_code": "11",
        },
        "entreprise": {
            "siren": siret[:9],
            "forme_juridique": label,
            "forme_juridique_code": code,
            "raison_sociale": f"STRUCTURE {rank} ({code})",
            "etat_administratif": "Actif",
            "date_creation": "2010-01-01",
            "code_effectif_entreprise": "32",
        },
        "naf": "8411Z",
    }


def completed() -> dict[str, Any]:
    """Return the registry's data on the applicant of dossier 27."""
    demandeur = _morale(_DEGRADED[27])
    demandeur["entreprise"]["forme_juridique_code"] = "7120"
    return demandeur


def _every_type_dossier() -> ServedDossier:
    at = datetime(2026, 11, 10, 8, 0, tzinfo=UTC)
    values = {
        7100: "texte",
        7101: "long\nlong",
        7102: "a@b.fr",
        7103: True,
        7104: False,
        7105: "2026-01-02",
        7106: datetime(2026, 1, 2, 9, 30, tzinfo=UTC),
        7107: 42,
        7108: 3.14,
        7109: "Deux",
        7110: ["Un", "Trois"],
        7111: "0123456789",
        7112: "FR7630006000011234567890189",
        7113: "Mme",
        7114: {"code": "FR", "name": "France"},
        7115: {"code": "11", "name": "Île-de-France"},
        7116: {"code": "75", "name": "Paris"},
    }
    seed = _empty(15800001)
    seed.depose_at = seed.updated_at = at
    seed.champs = values
    return seed


def translate(text: str) -> str:
    """Replace the ids of revisions in a recording by those of this sandbox."""
    for recorded, here in ((4, 2), (7, 3)):
        text = text.replace(
            opaque_ids.encode("ProcedureRevision", recorded),
            opaque_ids.encode("ProcedureRevision", here),
        )
    return text
