"""The dossiers of the second démarche, which has a champ and an annotation of every type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dsync.sandbox.content import applicants
from dsync.sandbox.content.form import EVERY_TYPE_FORM
from dsync.sandbox.content.rng import SeededRandom
from dsync.sandbox.content.texts import LONG_TEXT, NASTY_TEXTS
from dsync.sandbox.world.model import FileSeed, ServedDossier

_FIRST_NUMBER = 15_800_001


def every_type_dossiers(seed: int, *, now: datetime) -> list[ServedDossier]:
    """Return five dossiers.

    In this order: the simple types answered, every champ answered, none answered, extreme
    answers, every annotation filled.
    """
    rng = SeededRandom(seed, "zoo")
    return [
        _dossier(rng, 0, now, _simple(7100), {}),
        _dossier(rng, 1, now, _every(7100, rng), {}),
        _dossier(rng, 2, now, {}, {}),
        _dossier(rng, 3, now, _extreme(7100), {}),
        _dossier(rng, 4, now, _simple(7100), _every(7200, rng)),
    ]


def _dossier(
    rng: SeededRandom, rank: int, now: datetime, champs: dict[int, Any], notes: dict[int, Any]
) -> ServedDossier:
    known = {d["stable_id"] for d in EVERY_TYPE_FORM.revisions[0].annotations}
    annotations = {key: value for key, value in notes.items() if key in known}
    moment = min(datetime(2026, 11, 10, 8, 0, tzinfo=UTC) + timedelta(hours=rank), now)
    return ServedDossier(
        number=_FIRST_NUMBER + rank,
        state="en_construction",
        depose_at=moment,
        en_construction_at=moment,
        en_instruction_at=None,
        traite_at=None,
        updated_at=moment,
        demandeur=applicants.physique(rng),
        usager_email=f"usager-zoo-{rank}@example.gouv.fr",
        champs={7401: [{}]} | champs,
        annotations={7301: [{}]} | annotations,
        why="Tous les types de champ",
    )


def _simple(base: int) -> dict[int, Any]:
    values = (
        "texte", "long\nlong", "a@example.gouv.fr", True, False, "2026-01-02",
        datetime(2026, 1, 2, 9, 30, tzinfo=UTC), 42, 3.14, "Deux", ["Un", "Trois"], "0199001234",
        "FR76 3000 6000 0112 3456 7890 189", "Mme", {"code": "FR", "name": "France"},
        {"code": "11", "name": "Île-de-France"}, {"code": "75", "name": "Paris"},
    )  # fmt: skip
    return {base + index: value for index, value in enumerate(values)}


def _every(base: int, rng: SeededRandom) -> dict[int, Any]:
    rennes = {"code": "35", "name": "Ille-et-Vilaine"}
    point = {"type": "Point", "coordinates": [-1.68, 48.11]}
    area = {"source": "selection_utilisateur", "description": "Un point", "geometry": point}
    rennes_city = {"code": "35238", "name": "Rennes", "postal_code": "35000", "departement": rennes}
    file = FileSeed("pièce.txt", "text/plain", b"Une piece.\n")
    block = 7400 if base == 7100 else 7300
    return _simple(base) | {
        base + 17: "AB-123",
        base + 18: _FIRST_NUMBER,
        base + 19: [file],
        base + 20: rennes_city,
        base + 21: applicants.operateur(rng),
        base + 30: applicants.place_address(applicants.DATA["places"][3], 12),
        base + 31: "0350001X",
        base + 32: [area],
        base + 36: "1234567890",
        base + 37: {"code": "243500139", "name": "Rennes Métropole", "departement": rennes},
        base + 40: ("Fruits", "Poire"),
        base + 42: "12",
        base + 44: "REF-1",
        base + 45: "W353000001",
        base + 46: "035-FDD-00001-01",
        base + 47: [FileSeed("titre.png", "image/png", b"\x89PNG\r\n")],
        block: "Tout autre chose",
        block + 1: [{block + 2: "a", block + 3: 1}, {}, {block + 2: "b"}],
    }


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
