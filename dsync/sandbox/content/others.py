"""Two démarches that are not the programme's: of every type of champ, and of computer equipment."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from dsync.sandbox.content import applicants
from dsync.sandbox.content.form import form
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
    simple = {ident: value for ident, (_, _, value) in _named(7100)[:_ONLY_SIMPLE]}

    def made(rank: int, champs: dict[int, Any], notes: dict[int, Any]) -> ServedDossier:
        at = min(_FIRST_DAY + timedelta(hours=rank), now)
        return ServedDossier(
            _FIRST_NUMBER + rank,
            "en_construction",
            *(at, None, None, at),
            demandeur=applicants.physique(rng),
            usager_email=f"usager-zoo-{rank}@example.gouv.fr",
            champs={7401: [{}]} | deepcopy(champs),
            annotations={7301: [{}]} | {key: v for key, v in notes.items() if key in _NOTE_IDS},
            why="Tous les types de champ",
        )

    return [
        made(0, simple, {}),
        made(1, _every(7100, 7400, rng), {}),
        made(2, {}, {}),
        made(3, _extreme(7100), {}),
        made(4, simple, _every(7200, 7300, rng)),
    ]


def _every(base: int, block: int, rng: SeededRandom) -> dict[int, Any]:
    made = {
        "piece_justificative": [FileSeed("pièce.txt", "text/plain", b"Une piece.\n")],
        "siret": applicants.operateur(rng),
        "address": applicants.place_address(applicants.DATA["places"][3], 12),
        "linked_drop_down_list": ("Fruits", "Poire"),
        "titre_identite": [FileSeed("titre.png", "image/png", b"\x89PNG\r\n")],
    }
    rows = [(ident, value or [made.get(t)]) for ident, (t, _, *value) in _named(base)]
    values = {ident: deepcopy(value) for ident, [value] in rows if value is not None}
    values[block] = "Tout autre chose"
    values[block + 1] = [{block + 2: "a", block + 3: 1}, {}, {block + 2: "b"}]
    return values


def _extreme(base: int) -> dict[int, Any]:
    return {
        base: NASTY_TEXTS[6],
        base + 1: LONG_TEXT,
        base + 3: False,
        base + 5: "0001-01-01",
        base + 6: datetime(2024, 10, 27, 0, 30, tzinfo=UTC),
        base + 7: -9_007_199_254_740_993,
        base + 8: -0.001,
        base + 10: [],
        base + 14: {"code": "CI", "name": "Côte d’Ivoire"},
        base + 16: {"code": "2A", "name": "Corse-du-Sud"},
        base + 19: [
            FileSeed("vide.txt", "text/plain", b""),
            FileSeed("en attente.pdf", "application/pdf", b"%PDF-1.4\n", "pending"),
            FileSeed("infecté.exe", "application/octet-stream", b"MZ", "infected"),
        ],
        7401: [{7402: str(row), 7403: row} for row in range(30)],
    }


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
