"""A database that is restored from a backup comes back to the truth, without a false conflict."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from dsync.domain.consent import Consent
from dsync.store.engine import parse_url
from dsync.sync.work import AnswerCheck, Request
from tests.engine import oracle
from tests.engine.rig import (
    DATE,
    DETAIL,
    ETAPE,
    OPEN,
    PAGE,
    PROBLEME,
    RESULTAT,
    WISHES,
    Engine,
    number,
)
from tests.engine.test_conflicts import beside
from tests.store.databases import on_postgresql

Restore = Callable[[], None]


@pytest.fixture
def keep(
    engine: Engine,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[], Restore]:
    """Return what makes a backup, and returns what restores it in the place of the database."""
    url, backup = parse_url(engine.url), tmp_path / "backup"
    if engine.url.startswith("postgresql"):
        programs = request.getfixturevalue("postgres_programs")
        monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")

    def restore() -> None:
        engine.worker.close()
        if url.get_backend_name() == "sqlite":
            for side in ("-wal", "-shm"):
                Path(f"{url.database}{side}").unlink(missing_ok=True)
            shutil.copy(backup, str(url.database))
        else:
            target = url.set(drivername="postgresql").render_as_string(hide_password=False)
            line = ["pg_restore", "--clean", "--if-exists", "--exit-on-error", "--dbname", target]
            subprocess.run([*line, str(backup)], check=True)
        engine.restart()

    def make() -> Restore:
        engine.worker.store.backup(backup)
        return restore

    return make


@on_postgresql
def test_what_dsync_wrote_after_the_backup_is_known_as_its_own(
    engine: Engine, keep: Callable[[], Restore]
) -> None:
    """Verdicts moved once and twice since, in DS as in the evidence: no conflict, no second write.

    Humans edited other annotations, before and after dsync's writes.
    """
    page = engine.control.truth_of(number(0)).raw_champs[PAGE]
    engine.sync_until_quiet()
    restore = keep()
    for rank in (0, 1, 2):
        engine.control.edit_champ(number(rank), PAGE, "")
    engine.control.edit_annotation(number(1), ETAPE, "Jury")
    engine.advance(minutes=20)
    engine.sync()
    assert "Inéligible" == engine.remote(0) == engine.remote(1)
    engine.control.edit_champ(number(0), PAGE, page)
    engine.advance(minutes=20)
    engine.control.edit_annotation(number(2), ETAPE, "Jury")
    engine.sync_until_quiet()
    standing = {rank: (engine.remote(rank), engine.remote(rank, DETAIL)) for rank in range(3)}
    engine.advance(hours=3)

    restore()

    [differing] = engine.worker.app.verify(remote=True).findings
    assert ("remote", True) == (differing.check, {*map(number, range(3))} <= {*differing.dossiers})
    engine.control.forget_requests()
    refused = engine.sync()
    assert (4, 0, []) == (refused.exit_code, refused.adopted, engine.mutations())
    report = engine.accept(Consent.WRITER)
    assert (0, 0, 0) == (report.exit_code, report.conflicts, len(engine.mutations()))
    assert standing == {r: (engine.remote(r), engine.remote(r, DETAIL)) for r in range(3)}
    for rank in range(3):
        assert dict.fromkeys(WISHES, "confirmee") == engine.wishes(rank), rank
    oracle.check_copy(engine)
    oracle.check_annotations(engine)
    oracle.check_conflicts(engine, set())
    assert [] == engine.worker.app.verify(remote=True).findings
    engine.sync()
    assert [] == engine.mutations()


def test_humans_edits_after_the_backup_are_kept(
    engine: Engine, keep: Callable[[], Restore]
) -> None:
    """Over the value of the backup, over a later one of dsync, and back to the former one."""
    engine.sync_until_quiet()
    before = engine.remote(9)
    restore = keep()
    engine.control.edit_annotation(number(0), RESULTAT, "Inéligible")
    for rank in (1, 9, 10):
        engine.control.edit_champ(number(rank), PAGE, "")
    engine.advance(minutes=20)
    engine.sync()
    assert before != engine.remote(9)
    engine.advance(minutes=20)
    engine.control.edit_annotation(number(1), RESULTAT, "Éligible")
    engine.control.edit_annotation(number(9), RESULTAT, before)
    engine.control.edit_annotation(number(10), DETAIL, "Vu avec le ministère.")
    engine.advance(minutes=20)
    engine.control.forget_requests()

    restore()

    assert 4 == engine.sync(full=True).exit_code
    engine.accept(Consent.WRITER)
    for _ in range(2):
        assert 0 == engine.sync(full=True).exit_code
        assert ("Inéligible", "Éligible", before) == tuple(engine.remote(r) for r in (0, 1, 9))
        assert "Vu avec le ministère." == engine.remote(10, DETAIL)
        assert {(1, DETAIL), (9, DETAIL)} == {(rank, id_) for rank, id_, _ in engine.sent_values()}
        assert beside("Inéligible") == engine.remote(1, DETAIL)
        # The second time, the wishes are compared again.
        engine.control.edit_annotation(number(9), ETAPE, "Jury")
        engine.advance(minutes=20)
    oracle.check_copy(engine)
    touched = {(0, "resultat"), (1, "resultat"), (9, "resultat"), (10, "detail")}
    oracle.check_conflicts(engine, touched)
    assert ["conflit"] * 4 == [engine.wishes(rank)[name] for rank, name in sorted(touched)]


@on_postgresql
def test_dossiers_erased_after_the_backup_are_erased_again(
    engine: Engine, keep: Callable[[], Restore]
) -> None:
    """New, changed, hidden and erased since: the next run follows each, by the lists of DS."""
    engine.sync_until_quiet()
    restore = keep()
    engine.control.edit_champ(number(0), PROBLEME, "Un autre problème")
    engine.control.erase(number(1))
    engine.control.hide(number(2))
    engine.control.add_label(number(3), "à vérifier")
    engine.advance(hours=3)
    engine.sync(full=True)
    engine.advance(days=20)

    restore()

    assert 4 == engine.sync(full=True).exit_code
    assert 0 == engine.accept(Consent.WRITER).exit_code
    oracle.check_copy(engine)
    assert "supprime" == engine.one("dossier", 1)["presence"]
    assert [] == engine.worker.app.verify(remote=True).findings


def test_a_human_who_dates_a_set_anew_at_once_is_not_taken_for_dsync(engine: Engine) -> None:
    """Later than dsync's date and within the same seconds, but by hand: a conflict of the date."""
    engine.begin()
    engine.control.edit_annotation(number(0), DATE, engine.control.clock.now() + timedelta(hours=1))
    engine.advance(minutes=20)
    report = engine.sync()
    assert (1, 0) == (report.conflicts, report.adopted)
    assert {**dict.fromkeys(WISHES, "confirmee"), "date": "conflit"} == engine.wishes(0)


@on_postgresql
def test_a_second_installation_stops_itself_and_then_the_first_one(
    engine: Engine, keep: Callable[[], Restore]
) -> None:
    """Neither writes beside the other, also not where nobody has written yet, before a consent.

    It is the first one's own values that a person consents to, of those dossiers and no more.
    """
    pages = {rank: engine.control.truth_of(number(rank)).raw_champs[PAGE] for rank in (0, 4)}
    engine.sync(push=False)
    engine.worker.push(*OPEN[:-2])
    engine.advance(hours=1)
    standing = {rank: engine.remote(rank) for rank in OPEN}
    first = keep()

    engine.lose_database()
    assert [None, None] == [standing[rank] for rank in OPEN[-2:]]
    for rank in (0, 4):
        engine.control.edit_champ(number(rank), PAGE, "")
    engine.advance(minutes=20)
    engine.control.forget_requests()
    assert (4, []) == (engine.sync(full=True).exit_code, engine.mutations())
    assert standing == {rank: engine.remote(rank) for rank in OPEN}
    [asked] = engine.asked()
    assert {str(number(rank)) for rank in OPEN[:-2]} == asked.proposal.subjects.keys()
    assert ("Éligible", "Inéligible") in {move[1:3] for move in asked.proposal.moves}
    # The verdict moves on: what was shown covers it no more.
    engine.control.edit_champ(number(4), PAGE, pages[4])
    engine.advance(minutes=20)
    assert 4 == engine.accept(Consent.WRITER).exit_code
    assert standing == {rank: engine.remote(rank) for rank in OPEN}
    assert 0 == engine.accept(Consent.WRITER).exit_code
    assert "Inéligible" == engine.remote(0)

    engine.control.edit_champ(number(0), PAGE, pages[0])
    engine.advance(minutes=20)
    first()
    engine.control.forget_requests()
    for _ in range(2):
        refused = engine.sync(full=True)
        assert (4, 0, []) == (refused.exit_code, refused.pushed, engine.mutations())
    assert "dsync accept writer" in refused.errors[0]
    assert "Inéligible" == engine.remote(0)
    assert 0 == engine.accept(Consent.WRITER).exit_code
    assert standing[0] == engine.remote(0)
    oracle.check_annotations(engine)


def test_what_a_person_established_after_the_backup_is_left_to_a_person(
    engine: Engine, keep: Callable[[], Restore]
) -> None:
    """The answer is lost with the database, its text in DS is not: no machine's verdict over it."""
    engine.sync_until_quiet()
    restore = keep()
    work = AnswerCheck((number(1),), "doublon", "conforme", "un seul projet, vu avec les deux")
    assert 0 == engine.worker.app.sync(Request(work, "alice.martin@example.gouv.fr")).exit_code
    engine.advance(minutes=20)
    engine.sync_until_quiet()
    standing = (engine.remote(1), engine.remote(1, DETAIL))
    assert "Éligible" == standing[0]
    engine.advance(hours=3)

    restore()
    engine.sync(full=True)
    engine.advance(minutes=20)
    engine.sync_until_quiet()
    assert standing == (engine.remote(1), engine.remote(1, DETAIL))
    assert "conflit" in engine.wishes(1).values()


def test_the_sentence_beside_a_humans_result_is_no_conflict_of_dsync_with_itself(
    engine: Engine, keep: Callable[[], Restore]
) -> None:
    """It was written after the backup: the dates of DS show that no hand wrote it."""
    engine.sync_until_quiet()
    detail, restore = engine.remote(0, DETAIL), keep()
    engine.control.edit_annotation(number(0), RESULTAT, "Inéligible")
    engine.advance(minutes=20)
    engine.sync()
    assert beside() == engine.remote(0, DETAIL)

    restore()

    engine.sync(full=True)
    oracle.check_conflicts(engine, {(0, "resultat")})
    engine.control.edit_annotation(number(0), RESULTAT, "Éligible")
    engine.advance(minutes=20)
    engine.sync()
    assert (detail, ["éligible"]) == (engine.remote(0, DETAIL), engine.labels(0))
    assert {"confirmee"} == {*engine.wishes(0).values()}
