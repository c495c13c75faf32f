"""Two démarches that are not the programme's: of every type of champ, and of computer equipment."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from dsync.sandbox.content import applicants
from dsync.sandbox.content.aap_eig7 import form
from dsync.sandbox.content.rng import SeededRandom, load
from dsync.sandbox.content.texts import LONG_TEXT, NASTY_TEXTS
from dsync.sandbox.world.model import FINISHED, FileSeed, ServedDossier, State

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
