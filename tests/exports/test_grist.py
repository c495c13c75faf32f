"""Tables of a Grist document that follow the views, and leave everything else there alone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, date, datetime
from typing import Any

import pytest

from dsync.domain.documented import Declared
from dsync.errors import GristError, InterruptedRunError
from dsync.exports.grist import Kept, Mirror
from dsync.exports.grist_client import GristClient
from dsync.exports.view_tables import ExportTable
from dsync.store.told import Made
from tests.exports.grist_server import Grist, grist_server

TODAY = date(2026, 11, 30)
VIEW = ExportTable(
    "lecture_dossier",
    "",
    {
        "numero": Declared("Numéro.", type="integer"),
        "état": Declared("État."),
        "id": Declared("Un mot que Grist garde pour lui."),
        "archive": Declared("Archivé.", type="boolean"),
        "depose_le": Declared("Dépôt.", type="datetime"),
        "jour": Declared("Jour.", type="date"),
        "choix": Declared("Choix.", type="json"),
        "siret": Declared("SIRET."),
    },
    key=("numero",),
)


@pytest.fixture
def grist() -> Iterator[Grist]:
    """Serve an empty document."""
    with grist_server() as server:
        yield server


def row(numero: int, **values: Any) -> dict[str, Any]:
    """Return a row of the view."""
    return {
        "numero": numero,
        "état": "en_construction",
        "id": f"n{numero}",
        "archive": None,
        "depose_le": datetime(2026, 11, 1, 8, tzinfo=UTC),
        "jour": date(2026, 11, 2),
        "choix": '["a", "b"]',
        "siret": "00012345678901",
        **values,
    }


def rows(count: int) -> dict[str, dict[str, Any]]:
    """Return rows by key, with numbers above what an Int of Grist holds."""
    return {str(n): row(n) for n in range(3_000_000_000, 3_000_000_000 + count)}


def keep(
    grist: Grist,
    view_rows: Mapping[str, Mapping[str, Any]],
    made: Made | None = None,
    *,
    erased: set[int] | None = None,
) -> tuple[Kept, Made]:
    """Make the table equal to some rows."""
    with closing(GristClient(grist.address, "key", user_agent="test")) as client:
        mirror = Mirror(
            client,
            VIEW,
            made,
            about="démarche 1, vue lecture_dossier",
            erased=erased or set(),
            today=TODAY,
        )
        return mirror.keep(view_rows)


def test_a_view_becomes_a_table_and_is_written_only_where_it_differs(grist: Grist) -> None:
    """Every write is history there: nothing is sent when nothing changed, ten rows for ten."""
    some = rows(2_500)
    kept, made = keep(grist, some)
    assert (2_500, 0, 0) == (kept.added, kept.changed, kept.gone)
    first = grist.rows("lecture_dossier")["3000000000"]
    assert (3_000_000_000, "", "00012345678901") == (
        first["numero"],
        first["archive"],
        first["siret"],
    )
    assert ["L", "a", "b"] == first["choix"]
    assert 1_793_520_000 == first["depose_le"]
    assert max(count for _, _, count in grist.writes) <= 1_000
    grist.writes.clear()
    kept, made = keep(grist, some, made)
    assert (0, 0, []) == (kept.added, kept.changed, grist.writes)
    for numero in [*some][:10]:
        some[numero]["état"] = "accepte"
    kept, made = keep(grist, some, made)
    assert (10, 1) == (kept.changed, len(grist.writes))


def test_what_a_person_made_there_survives(grist: Grist) -> None:
    """A column, a label, a formula, another type, rows of her own and copies of ours."""
    some = rows(5)
    _, made = keep(grist, some)
    table = grist.table("lecture_dossier")
    own = grist.add_column(table, "Note", type="Text", label="Note")
    table.rows[1]["Note"] = "à relire"
    columns = {one.fields["label"]: one for one in table.columns}
    columns["état"].fields["label"] = "Où en est-il ?"
    columns["état"].id, before = "ou_en_est_il", columns["état"].id
    for one in table.rows.values():
        one["ou_en_est_il"] = one.pop(before)
    columns["siret"].fields |= {"isFormula": True, "formula": "$numero"}
    columns["archive"].fields["type"] = "Bool"
    for one in table.rows.values():
        one["archive"] = False
    table.rows[77] = {one.id: None for one in table.columns} | {"Note": "la mienne"}
    table.rows[78] = {**table.rows[1], "Note": "une copie"}
    grist.writes.clear()
    for number in range(5):
        some["3000000001"]["état"] = f"etat {number}"
        kept, made = keep(grist, some, made)
    assert (5, 1) == (len(grist.writes), kept.changed)
    assert ["Lecture_dossier.siret: a formula now, not kept any more."] == [*kept.left]
    assert ("à relire", "la mienne") == (table.rows[1][own.id], table.rows[77][own.id])
    assert "une copie" == table.rows[78][own.id]
    assert "etat 4" == table.rows[2]["ou_en_est_il"]


def test_a_column_that_was_taken_away_is_not_made_again(grist: Grist) -> None:
    """Nor a table; without its column of keys, a table is left as it is. Each is told."""
    some = rows(3)
    _, made = keep(grist, some)
    table = grist.table("lecture_dossier")
    table.columns = [one for one in table.columns if one.fields["label"] != "jour"]
    kept, made = keep(grist, some, made)
    assert ("Lecture_dossier.jour: deleted in Grist, not kept any more.",) == kept.left
    table.columns = [one for one in table.columns if one.id != "dsync_cle"]
    grist.writes.clear()
    kept, made = keep(grist, some, made)
    assert "dsync_cle was taken away" in kept.left[-1]
    del grist.tables[table.id]
    kept, made = keep(grist, some, made)
    assert "its table was deleted in Grist" in kept.left[-1]
    assert [] == grist.writes


@pytest.mark.parametrize("writes", [1, 2, 3])
def test_a_run_that_ends_in_the_middle_doubles_nothing(grist: Grist, writes: int) -> None:
    """What it made is found again by the column of keys, though it could not store that."""
    grist.dies_after = writes
    with pytest.raises(GristError, match="does not answer"):
        keep(grist, rows(3_500))
    grist.dies_after = None
    keep(grist, rows(3_500))
    assert [3_500] == [len(table.rows) for table in grist.tables.values()]
    assert rows(3_500).keys() == grist.rows("lecture_dossier").keys()


def test_rows_that_left_are_marked_and_those_of_an_erased_dossier_deleted(grist: Grist) -> None:
    """One that is back loses its mark."""
    some = rows(4)
    _, made = keep(grist, some)
    left = {key: one for key, one in some.items() if key in ("3000000000", "3000000001")}
    kept, made = keep(grist, left, made, erased={3_000_000_002})
    assert 2 == kept.gone
    there = grist.rows("lecture_dossier")
    assert {"3000000000", "3000000001", "3000000003"} == there.keys()
    assert 1_795_996_800 == there["3000000003"]["dsync_parti_le"]
    grist.writes.clear()
    assert 0 == keep(grist, left, made, erased={3_000_000_002})[0].gone
    assert [] == grist.writes
    back = {**left, "3000000003": some["3000000003"]}
    keep(grist, back, made)
    assert None is grist.rows("lecture_dossier")["3000000003"]["dsync_parti_le"]


def test_rows_that_access_rules_hide_stop_it(grist: Grist) -> None:
    """They would be added once more; one that a person deleted is."""
    some = rows(3)
    _, made = keep(grist, some)
    table = grist.table("lecture_dossier")
    table.hidden = {2}
    grist.writes.clear()
    with pytest.raises(GristError, match="hide rows of Lecture_dossier"):
        keep(grist, some, made)
    table.hidden = set()
    del table.rows[2]
    kept, _ = keep(grist, some, made)
    assert (1, 3) == (kept.added, len(table.rows))


def test_limits_are_kept_and_a_busy_server_is_asked_again(grist: Grist) -> None:
    some = {str(n): row(n, id="x" * 20_000) for n in range(100)}
    grist.busy = 1
    kept, _ = keep(grist, some)
    assert 100 == kept.added


def test_a_wrong_key_or_address_is_said(grist: Grist) -> None:
    with (
        closing(GristClient(grist.address, "other", user_agent="test")) as client,
        pytest.raises(GristError, match="DSYNC_GRIST_KEY"),
    ):
        client.tables()


@pytest.mark.parametrize(
    "odd",
    [{}, [], "x", {"tables": []}, {"tables": {"a": 1}}, {"tables": [{"id": 1}]},
     {"tables": [{"id": "A", "fields": {"tableRef": [1]}}]},
     {"tables": [{"id": "A", "fields": {"tableRef": 1}}]}],
)  # fmt: skip
def test_an_answer_that_is_not_grists_is_said(grist: Grist, odd: Any) -> None:
    """Such as that of another service at the address: no internal error."""
    grist.odd = odd
    with pytest.raises(GristError, match="What answers is no Grist"):
        keep(grist, rows(1))


def test_a_grist_that_never_answers_is_left_in_time() -> None:
    """Of all requests together, and at once when the service is stopped."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/api/docs/doc"
        with closing(GristClient(address, "key", user_agent="test", stop=stop)) as client:
            client.end_within(0.1)
            for _ in range(2):
                with pytest.raises(GristError):
                    client.tables()
            client.end_within(None)
            threading.Timer(0.1, stop.set).start()
            with pytest.raises(InterruptedRunError):
                client.tables()
