"""A second démarche for tests, with a champ and an annotation of every type."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from dsync.sandbox.content import applicants
from dsync.sandbox.content.form import form
from dsync.sandbox.content.rng import SeededRandom, load
from dsync.sandbox.content.texts import LONG_TEXT, NASTY_TEXTS
from dsync.sandbox.world.model import FileSeed, ServedDossier

_DATA = load("forms")["zoo"]
_FIRST_NUMBER = 15_800_001
_ONLY_SIMPLE = 17
"""Number of the first simple types; the other ones are answered only where every champ is."""


def _named(base: int) -> list[tuple[int, list[Any]]]:
    """Return the types of champ with their stable ids: type, label and maybe a value."""
    blocks = (base, _DATA["simple"]), (base + 30, _DATA["rare"])
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
            {"stable_id": ident, "type": t, "label": label, "options": _DATA["options"].get(t, [])}
            for ident, (t, label, *_) in _named(base)
        ),
        {"stable_id": block, "options": ["Un", "Deux"], **choice},
        {"stable_id": block + 1, "type": "repetition", "label": "Bloc", "champs": cells},
    ]


_NOTES = [row for row in _rows(7200, 7300) if row["type"] not in _DATA["no_annotation"]]
_NOTE_IDS = {row["stable_id"] for row in _NOTES}
EVERY_TYPE_FORM = form(_DATA, _rows(7100, 7400), _NOTES)


def every_type_dossiers(seed: int, *, now: datetime) -> list[ServedDossier]:
    """Return five dossiers.

    In this order: the simple types answered, every champ answered, none answered, extreme
    answers, every annotation filled.
    """
    rng = SeededRandom(seed, "zoo")
    return [
        _dossier(rng, 0, now, _simple(), {}),
        _dossier(rng, 1, now, _every(7100, 7400, rng), {}),
        _dossier(rng, 2, now, {}, {}),
        _dossier(rng, 3, now, _extreme(7100), {}),
        _dossier(rng, 4, now, _simple(), _every(7200, 7300, rng)),
    ]


def _dossier(
    rng: SeededRandom, rank: int, now: datetime, champs: dict[int, Any], notes: dict[int, Any]
) -> ServedDossier:
    at = min(datetime(2026, 11, 10, 8, 0, tzinfo=UTC) + timedelta(hours=rank), now)
    dates = at, at, None, None, at
    return ServedDossier(
        _FIRST_NUMBER + rank,
        "en_construction",
        *dates,
        demandeur=applicants.physique(rng),
        usager_email=f"usager-zoo-{rank}@example.gouv.fr",
        champs={7401: [{}]} | champs,
        annotations={7301: [{}]} | {key: v for key, v in notes.items() if key in _NOTE_IDS},
        why="Tous les types de champ",
    )


def _simple() -> dict[int, Any]:
    return {ident: deepcopy(value) for ident, (_, _, value) in _named(7100)[:_ONLY_SIMPLE]}


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
