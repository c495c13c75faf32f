"""What must hold once everything is quiet: the copy is the sandbox's truth, DS holds the wishes."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from json import loads
from typing import Any, Protocol

from dsync.annotations.targets import normalise
from dsync.domain.dossier import OPEN_ETATS
from dsync.sandbox.scalars import DossierTruth
from tests.engine.rig import DATE, DETAIL, FIRST, RESULTAT, VALIDE, Engine

PRESENCES = {"present": "present", "masque": "masque", "expire": "disparu", "supprime": "supprime"}
OWNED = {RESULTAT: "resultat", DETAIL: "detail", DATE: "date"}
TYPES = {RESULTAT: "drop_down_list", DETAIL: "textarea", DATE: "datetime"}
LABELS = {"Éligible": "éligible", "À vérifier": "à vérifier", "Inéligible": "inéligible"}
SETTLED = {"confirmee", "conflit", "suspendue"}


class Outcome(Protocol):
    """What is looked at: an engine, or a database and a sandbox beside it."""

    control: Any

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """Return the rows of a query."""

    def one(self, table: str, rank: int) -> dict[str, Any]:
        """Return a dossier's row; nothing when there is none."""

    def sent_values(self) -> list[tuple[int, int, Any]]:
        """Return every value that was sent, in order: rank, stable id, value."""


def check_copy(engine: Outcome) -> None:
    """Compare every dossier of the sandbox with its copy."""
    rows = {row["numero"]: row for row in engine.rows("SELECT * FROM dossier")}
    texts = _texts(engine)
    for truth in engine.control.truth():
        row = rows.pop(truth.number, None)
        if row is None:
            assert "present" != truth.presence, f"{truth.number} is missing"
            continue
        assert PRESENCES[truth.presence] == row["presence"], truth.number
        if truth.presence == "present":
            assert truth.state == row["etat"]
            assert truth.revision == row["revision_id"]
            assert truth.archived == bool(row["archive"])
            assert sorted(truth.labels) == sorted(_json(row["labels"])), truth.number
            _check_texts(truth, texts[truth.number])
        if truth.presence == "supprime":
            _check_erased(engine, truth)
    assert {} == rows


def _texts(engine: Outcome) -> dict[int, dict[tuple[str, int], Any]]:
    from base64 import b64decode

    found: dict[int, dict[tuple[str, int], Any]] = defaultdict(dict)
    for row in engine.rows("SELECT * FROM lecture_champ WHERE ligne IS NULL"):
        stable_id = int(b64decode(row["champ_id"]).decode().rpartition("-")[2])
        found[row["numero"]][row["origine"], stable_id] = row["valeur"]
    return found


def _check_texts(truth: DossierTruth, texts: dict[tuple[str, int], Any]) -> None:
    for origin, shown in (("champ", truth.raw_champs), ("annotation", truth.raw_annotations)):
        for stable_id, value in shown.items():
            if not isinstance(value, str) or stable_id in OWNED:
                continue
            if stable_id not in (truth.champs if origin == "champ" else truth.annotations):
                continue
            assert (value.strip() or None) == ((texts[origin, stable_id] or "").strip() or None), (
                truth.number,
                stable_id,
            )


def _check_erased(engine: Outcome, truth: DossierTruth) -> None:
    for table in ("contenu", "changement", "candidature", "pousse", "quarantaine"):
        assert {} == engine.one(table, truth.number - FIRST), (table, truth.number)
    verdicts = engine.rows("SELECT * FROM verdict WHERE numero = :numero", numero=truth.number)
    assert all(not row["detail"] for row in verdicts)


def check_annotations(engine: Outcome) -> None:
    """Compare what DS holds in each open dossier with the wishes, and the wishes with the verdict.

    A conflict or a box checked by an instructeur excuses a difference, nothing else does.
    """
    wishes: dict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in engine.rows("SELECT * FROM outbox WHERE courante"):
        wishes[row["numero"]][row["annotation"]] = row
    verdicts = {
        row["numero"]: row["verdict"]
        for row in engine.rows("SELECT numero, verdict FROM verdict WHERE courant")
    }
    for truth in engine.control.truth():
        if truth.presence != "present":
            continue
        assert truth.number in verdicts, f"{truth.number} has no verdict"
        if truth.state not in OPEN_ETATS:
            continue
        verdict, wished = verdicts[truth.number], wishes[truth.number]
        assert "Indéterminé" != verdict
        assert verdict == wished["resultat"]["valeur"], truth.number
        assert LABELS[verdict] == wished["label"]["valeur"]
        for name, wish in wished.items():
            told = (truth.number, name, wish["statut"])
            assert wish["statut"] in SETTLED | {"remplacee"}, told
            if wish["statut"] == "suspendue":
                assert truth.raw_annotations.get(VALIDE), told
            if wish["statut"] == "confirmee":
                assert wish["valeur"] == _standing(truth, name), told
            if wish["statut"] == "conflit" and wish["erreur"] is None:
                assert wish["valeur"] != _standing(truth, name), told


def check_conflicts(engine: Engine, touched: set[tuple[int, str]]) -> None:
    """Nobody is in conflict with dsync's own hand: a human touched what is said to be in conflict.

    Args:
        engine: what is looked at.
        touched: ranks and annotations where a human wrote.
    """
    conflicts = engine.rows(
        "SELECT numero, annotation FROM outbox "
        "WHERE courante AND statut = 'conflit' AND erreur IS NULL"
    )
    assert set() == {(row["numero"] - FIRST, row["annotation"]) for row in conflicts} - touched


def check_hands(engine: Engine, hands: dict[tuple[int, int], Any]) -> None:
    """What a human wrote or emptied stands, unless dsync sent the same at some time.

    Args:
        engine: what is looked at.
        hands: what a human wrote last, by rank and descriptor, and no order went over.
    """
    for (rank, stable_id), value in hands.items():
        name = OWNED.get(stable_id)
        is_erased = "supprime" == engine.control.truth_of(FIRST + rank).presence
        if name and not is_erased and value not in engine.sent(rank, stable_id):
            assert (value or None) == engine.remote(rank, stable_id), (rank, name)


def _standing(truth: DossierTruth, name: str) -> str | None:
    if name == "label":
        managed = [label for label in truth.labels if label in LABELS.values()]
        return managed[0] if len(managed) == 1 else None
    stable_id = next(id_ for id_, known in OWNED.items() if known == name)
    value = truth.raw_annotations.get(stable_id)
    if hasattr(value, "isoformat"):
        value = value.isoformat()
    return normalise(TYPES[stable_id], value)


def check_sent(engine: Outcome) -> None:
    """No wish was sent with two values: what was sent is what was wished, in the wishes' order.

    Beside a person's result, the sentence says a result that was wished, and the label goes.
    """
    sent: dict[tuple[int, str], list[Any]] = defaultdict(list)
    for rank, stable_id, value in engine.sent_values():
        sent[rank + FIRST, OWNED[stable_id]].append(value)
    wished: dict[tuple[int, str], list[Any]] = defaultdict(list)
    for row in engine.rows("SELECT numero, annotation, valeur FROM outbox ORDER BY id"):
        wished[row["numero"], row["annotation"]].append(row["valeur"])
    erased = {t.number for t in engine.control.truth() if t.presence == "supprime"}
    for key, values in sent.items():
        if key[0] in erased:
            continue
        waiting, results = iter(wished[key]), wished[key[0], "resultat"]
        beside = {
            f"Avis {whose} l’équipe ; celui de dsync était « {result} »."
            for whose in ("de", "retiré par")
            for result in results
        }
        for value, _ in groupby(one for one in values if one not in beside):
            assert value in waiting, f"{key}: {values} were sent, {wished[key]} were wished"


def _json(value: Any) -> Any:
    return loads(value) if isinstance(value, str) else value
