"""What `dsync export --since` gives: put together, the same as a whole export."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from dsync.exports.export import tables_of
from tests.engine.rig import DEMARCHE, PROBLEME, RESULTAT, Engine, number
from tests.store.databases import postgresql_if_long

Rows = dict[str, dict[int, list[tuple[Any, ...]]]]
VOLATILE = ("jours", "jours_dans_etape", "modifie_ici_le")
"""Columns that move with the clock, and the one that is asked for."""


def exported(engine: Engine, since: datetime | None = None) -> Rows:
    """Return the rows of all views about dossiers, by view and number, each in one order."""
    found: Rows = {}
    with engine.worker.store.reading() as reader:
        for table in tables_of(engine.worker.store.dictionary(), demarche=DEMARCHE):
            if "numero" not in table.columns:
                continue
            kept = [name not in VOLATILE for name in table.columns]
            place = [*table.columns].index("numero")
            by_number: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
            for some in table.rows(reader.connection, since):
                for row in zip(*some, strict=True):
                    shown = tuple(str(one) for one, keep in zip(row, kept, strict=True) if keep)
                    by_number[int(str(row[place]))].append(shown)
            found[table.name] = {n: sorted(rows) for n, rows in by_number.items()}
    return found


def put(kept: Rows, later: Mapping[str, Mapping[int, Sequence[tuple[Any, ...]]]]) -> None:
    """Replace all rows of the dossiers that a later export has."""
    moved = {number for by_number in later.values() for number in by_number}
    for view, by_number in kept.items():
        for gone in moved & {*by_number}:
            del by_number[gone]
        by_number |= {n: [*rows] for n, rows in later[view].items()}


@postgresql_if_long
def test_what_changed_since_put_together_is_the_whole(engine_on_each: Engine) -> None:
    """Messages, labels, groupes, presence, verdicts, wishes, a human's hand, erasures: all."""
    engine = engine_on_each
    engine.sync_until_quiet()
    kept = exported(engine)
    control = engine.control
    days: list[dict[int, Callable[[], object]]] = [
        {
            0: lambda: control.send_message(number(0)),
            1: lambda: control.edit_champ(number(1), PROBLEME, "Autre problème"),
            2: lambda: control.edit_annotation(number(2), RESULTAT, None),
            4: lambda: control.hide(number(4)),
            7: lambda: engine.worker.erase(7),
        },
        {
            3: lambda: control.move(number(3), "en_construction"),
            6: lambda: control.change_groupe(number(6), "autre groupe"),
            8: lambda: engine.worker.push(8, force_by="ada@here"),
        },
    ]
    for acts in days:
        engine.advance(days=1)
        since = engine.worker.now()
        engine.advance(minutes=5)
        for act in acts.values():
            act()
        engine.advance(minutes=5)
        engine.sync(full=True)
        later = exported(engine, since)
        put(kept, later)
        assert kept == exported(engine)
        assert {*map(number, acts)} == {*later["lecture_dossier"]}
    # A night without a change: nothing is exported, but what no dossier of the copy has.
    engine.sync_until_quiet()
    engine.advance(days=1)
    since = engine.worker.now()
    engine.advance(minutes=5)
    engine.sync(full=True)
    assert {} == exported(engine, since - timedelta(minutes=1))["lecture_dossier"]
