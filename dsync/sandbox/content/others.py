"""Démarches that are not the programme's: every type of champ, equipment, two kinds of aid."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from dsync.sandbox.content import applicants
from dsync.sandbox.content.aap_eig7 import form
from dsync.sandbox.content.applicants import LONG_TEXT, NASTY_TEXTS
from dsync.sandbox.content.rng import SeededRandom, load
from dsync.sandbox.model import FINISHED, FileSeed, ServedDossier, State

_ZOO, _EQUIPMENT = load("forms")["zoo"], load("forms")["equipment"]

# --- every type of champ ------------------------------------------------------------------------

_FIRST_NUMBER = 15_800_001
_FIRST_DAY = datetime(2026, 11, 10, 8, tzinfo=UTC)
_ONLY_SIMPLE = 17
"""Number of the first simple types; the other ones are answered only where every champ is."""


def _named(base: int) -> list[tuple[int, list[Any]]]:
    """Return the types of champ with their stable ids: type, label and maybe a value."""
    blocks = (base, _ZOO["simple"]), (base + 30, _ZOO["rare"])
    return [pair for start, rows in blocks for pair in enumerate(rows, start)]


def _rows(base: int, block: int) -> list[dict[str, Any]]:
    """Return a descriptor of each type, a drop-down list with « Autre », and a repetition."""
    cells = [
        {"stable_id": block + 2, "type": "text", "label": "T"},
        {"stable_id": block + 3, "type": "integer_number", "label": "N"},
    ]
    choice = {"type": "drop_down_list", "label": "Choix avec Autre", "other_option": True}
    return [
        *(
            {"stable_id": ident, "type": t, "label": label, "options": _ZOO["options"].get(t, [])}
            for ident, (t, label, *_) in _named(base)
        ),
        {"stable_id": block, "options": ["Un", "Deux"], **choice},
        {"stable_id": block + 1, "type": "repetition", "label": "Bloc", "champs": cells},
    ]


_NOTES = [row for row in _rows(7200, 7300) if row["type"] not in _ZOO["no_annotation"]]
_NOTE_IDS = {row["stable_id"] for row in _NOTES}
EVERY_TYPE_FORM = form(_ZOO | {"champs": _rows(7100, 7400), "annotations": _NOTES})


def every_type_dossiers(seed: int, *, now: datetime) -> list[ServedDossier]:
    """Return five dossiers.

    In this order: the simple types answered, every champ answered, none answered, extreme
    answers, every annotation filled.
    """
    rng = SeededRandom(seed, "zoo")
    simple = {ident: row[2] for ident, row in _named(7100)[:_ONLY_SIMPLE]}
    extreme = {"text": NASTY_TEXTS[6], "textarea": LONG_TEXT, **_ZOO["extreme"]}
    limits = {ident: extreme[row[0]] for ident, row in _named(7100) if row[0] in extreme}
    limits[7401] = [{7402: str(row), 7403: row} for row in range(30)]

    def made(rank: int, champs: dict[int, Any], notes: dict[int, Any]) -> ServedDossier:
        at = min(_FIRST_DAY + timedelta(hours=rank), now)
        kept = {ident: value for ident, value in notes.items() if ident in _NOTE_IDS}
        return ServedDossier(
            _FIRST_NUMBER + rank,
            "en_construction",
            *(at, None, None, at),
            demandeur=applicants.applicant(rng, "physique"),
            usager_email=f"usager-zoo-{rank}@example.gouv.fr",
            champs={7401: [{}]} | _with_files(champs),
            annotations={7301: [{}]} | _with_files(kept),
            why="Tous les types de champ",
        )

    return [
        made(0, simple, {}),
        made(1, _every(7100, 7400, rng), {}),
        made(2, {}, {}),
        made(3, limits, {}),
        made(4, simple, _every(7200, 7300, rng)),
    ]


def _every(base: int, block: int, rng: SeededRandom) -> dict[int, Any]:
    values = {ident: row[2] for ident, row in _named(base) if len(row) > 2}
    [siret] = [ident for ident, row in _named(base) if row[0] == "siret"]
    values[siret] = applicants.applicant(rng, "operateur")
    values[block] = "Tout autre chose"
    values[block + 1] = [{block + 2: "a", block + 3: 1}, {}, {block + 2: "b"}]
    return values


def _with_files(values: dict[int, Any]) -> dict[int, Any]:
    """Return a copy of values, in which files have their type."""

    def copied(value: Any) -> Any:
        if isinstance(value, dict) and "filename" in value:
            return FileSeed(**{**value, "content": value["content"].encode()})
        return [copied(one) for one in value] if isinstance(value, list) else deepcopy(value)

    return {ident: copied(value) for ident, value in values.items()}


# --- computer equipment -------------------------------------------------------------------------

EQUIPMENT_FORM = form(_EQUIPMENT)
_STATES: tuple[State, ...] = ("en_construction", "en_instruction", "en_instruction", "accepte")
_FIRST_DEPOSIT = datetime(2026, 9, 1, 7, tzinfo=UTC)


def equipment_dossiers(seed: int, count: int, *, now: datetime) -> list[ServedDossier]:
    """Return the first `count` requests of a seed; the third one lacks the reason."""
    return [_request(SeededRandom(seed, "equipment", rank), rank, now) for rank in range(count)]


def _request(rng: SeededRandom, rank: int, now: datetime) -> ServedDossier:
    state = _STATES[rank % len(_STATES)]
    examined, decided = state != "en_construction", state in FINISHED
    at = min(_FIRST_DEPOSIT + timedelta(days=rank, hours=rng.below(8)), now)
    prenom, nom = applicants.person(rng)
    champs: dict[int, Any] = {
        6102: f"Bureau {nom}",
        6103: applicants.mail(prenom, nom),
        6104: "Remplacement de postes de plus de cinq ans.",
        6105: float(rng.between(5, 90) * 100) + 0.5,
        6106: f"2026-12-{rng.between(1, 28):02d}",
        6107: rng.chance(0.5),
        6108: [
            {6109: kind, 6110: rng.between(1, 9), 6111: f"Lot {kind.lower()} de {prenom}"}
            for kind in _EQUIPMENT["kinds"][: 1 + rank % 3]
        ],
    }
    if rank == 2:
        del champs[6104]
    return ServedDossier(
        EQUIPMENT_FORM.number * 1000 + rank + 1,
        state,
        *(at, at if examined else None, at if decided else None, at),
        demandeur=applicants.morale(rng, "7120"),
        usager_email=applicants.mail(prenom, nom),
        champs=champs,
        annotations={6206: float(champs[6105])} if decided else {},
        why="Demande d’équipement",
    )


# --- two kinds of aid, whose checks are declared ----------------------------------------------

_SUBSIDY, _MOBILITY = load("forms")["subsidy"], load("forms")["mobility"]
SUBSIDY_FORM, MOBILITY_FORM = form(_SUBSIDY), form(_MOBILITY)


def subsidy_dossiers(seed: int, count: int, *, now: datetime) -> list[ServedDossier]:
    """Return the first `count` demands of associations; of each ten, most fulfil the rules."""
    return [_subsidy(SeededRandom(seed, "subsidy", rank), rank, now) for rank in range(count)]


def _subsidy(rng: SeededRandom, rank: int, now: datetime) -> ServedDossier:
    at = min(_FIRST_DEPOSIT + timedelta(hours=4 * rank), now)
    budget = float(rng.between(20, 180) * 100)
    fault = rank % 10
    champs: dict[int, Any] = {
        6302: f"W{rng.below(1_000_000_000):09d}",
        6303: "FR76 3000 6000 0112 3456 7890 189",
        6304: fault != 1,
        6306: _SUBSIDY["themes"][rank % 3],
        6307: "2026-10-01",
        6308: "2027-01-31" if fault == 2 else "2026-12-15",
        6309: budget * (0.9 if fault == 3 else 0.5),
        6310: budget,
        6311: [{6312: "Commune", 6313: budget / 4}],
    }
    if fault == 4:
        champs[6302] = "à demander"
    if fault == 5:
        del champs[6309]
    return _deposited(
        SUBSIDY_FORM.number,
        rank,
        at,
        champs,
        # The same association twice, for the same theme.
        applicants.morale(SeededRandom(1, "twice") if rank in (30, 33) else rng, "9220"),
    )


def mobility_dossiers(seed: int, count: int, *, now: datetime) -> list[ServedDossier]:
    """Return the first `count` demands of persons; of each ten, most fulfil the rules."""
    return [_mobility(SeededRandom(seed, "mobility", rank), rank, now) for rank in range(count)]


def _mobility(rng: SeededRandom, rank: int, now: datetime) -> ServedDossier:
    at = min(_FIRST_DEPOSIT + timedelta(hours=4 * rank), now)
    fault = rank % 10
    born = f"{1995 if fault == 1 else rng.between(2001, 2007)}-{rng.between(1, 12):02d}-07"
    champs: dict[int, Any] = {
        6401: born,
        6402: "Paris" if fault == 2 else rng.pick(("Finistère", "Morbihan")),
        6403: rng.pick(("Apprenti", "Étudiant")),
        6404: rng.pick(("1", "1,5", "2")),
        6405: 60_000.0 if fault == 3 else float(rng.between(8_000, 20_000)),
        6406: "Atlantide" if fault == 4 else rng.pick(("Canada", "Espagne", "Sénégal")),
        6407: "2027-02-01",
        6408: "2027-02-10" if fault == 5 else "2027-05-01",
    }
    if fault != 6:
        champs[6409] = [FileSeed("accueil.pdf", "application/pdf", b"%PDF-1.4")]
    if fault == 7:
        del champs[6405]
    return _deposited(MOBILITY_FORM.number, rank, at, champs, applicants.applicant(rng, "physique"))


def _deposited(
    demarche: int, rank: int, at: datetime, champs: dict[int, Any], demandeur: Any
) -> ServedDossier:
    return ServedDossier(
        demarche * 1000 + rank + 1,
        "en_construction",
        *(at, None, None, at),
        demandeur=demandeur,
        usager_email=f"demande-{rank}@example.gouv.fr",
        champs=champs,
        annotations={},
        why="Demande d’aide",
    )
